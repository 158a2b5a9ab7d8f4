using System.Text.Json;
using Fairlead.Configuration;
using Microsoft.Extensions.Logging;

namespace Fairlead.Interop;

/// <summary>Hands log entries to the caller's own logging: <c>level</c>, <c>category</c>, <c>event</c>, <c>message</c> and, where there was one, <c>exception</c>.</summary>
/// <param name="queue">Where they go; dropped when the caller does not take them.</param>
/// <param name="least">The lowest level that is handed over.</param>
internal sealed class CallerLog(CompletionQueue queue, LogLevel least) : ILoggerFactory
{
    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Category(queue, least, categoryName);

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("The log of the caller is the only one.");

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private sealed class Category(CompletionQueue queue, LogLevel least, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= least && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                var entry = new { level = logLevel, category = name, @event = eventId.Id, message = formatter(state, exception), exception = exception?.ToString() };
                queue.PostUnasked(new Completion(0, CompletionKind.Log, JsonSerializer.SerializeToUtf8Bytes(entry, ApiJson.Options)));
            }
        }
    }
}
