using System.Globalization;
using Fairlead.Configuration;
using Fairlead.Security;
using Microsoft.Extensions.Logging;

namespace Fairlead.Cli.Output;

/// <summary>Writes log events to stderr, a line each, without secrets: for people, or as JSON for programs. For people stack traces appear with <c>--verbose</c> alone.</summary>
/// <param name="terminal">Where to.</param>
/// <param name="redactor">Knows the secrets.</param>
/// <param name="time">The clock of the lines.</param>
/// <param name="isVerbose">Whether Debug events and stack traces are written, too.</param>
/// <param name="format">For whom. A program also gets what the launch view tells people, and Information.</param>
internal sealed class TerminalLog(Terminal terminal, SecretRedactor redactor, TimeProvider time, bool isVerbose, LogFormat format) : ILoggerProvider
{
    private readonly Terminal _terminal = terminal;
    private readonly bool _isJson = format == LogFormat.Json;
    private readonly JsonLog _json = new(redactor, time);

    /// <summary>A factory that writes here. Dispose it at the end.</summary>
    public ILoggerFactory CreateFactory()
    {
        // Put together by hand: a container for two services would be a part of every start.
        var filter = new LoggerFilterOptions { MinLevel = isVerbose ? LogLevel.Debug : _isJson ? LogLevel.Information : LogLevel.Warning };
        filter.Rules.Add(new LoggerFilterRule(null, "Microsoft", LogLevel.Warning, null));

        // It only tells of each request's start and end; as long as anybody might listen it makes an activity and a scope for every call.
        filter.Rules.Add(new LoggerFilterRule(null, "Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None, null));
        return new LoggerFactory([this], filter);
    }

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

    /// <inheritdoc/>
    public void Dispose()
    {
        // Nothing is held.
    }

    private void Write(string category, LogLevel level, int id, string message, Exception? exception)
    {
        // The view tells of states in its own words.
        if (!isVerbose && LaunchEvents.Contains(id))
        {
            return;
        }

        var cause = exception is null ? "" : isVerbose ? "\n" + exception : $" ({exception.GetType().Name}: {exception.Message})";
        var text = CellText.Clean(redactor.Redact(message + cause)).Replace("\n", "\n    ", StringComparison.Ordinal);
        _terminal.Error($"{time.GetLocalNow().ToString("HH:mm:ss", CultureInfo.InvariantCulture)} {Word(level)} {category}: {text}");
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Critical or LogLevel.Error => "error",
        LogLevel.Warning => "warning",
        LogLevel.Information => "info",
        _ => "debug",
    };

    private sealed class Category(TerminalLog log, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var message = formatter(state, exception);
            if (log._isJson)
            {
                log._terminal.Error(log._json.Write(name, logLevel, eventId, message, state as IReadOnlyList<KeyValuePair<string, object?>>, exception));
            }
            else
            {
                log.Write(name, logLevel, eventId.Id, message, exception);
            }
        }
    }
}
