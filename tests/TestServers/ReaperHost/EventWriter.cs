using Fairlead.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Fairlead.TestServers.ReaperHost;

/// <summary>Writes events to stderr and tells when the reaper was started again.</summary>
internal sealed class EventWriter(Action reaperRestarted) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        Console.Error.WriteLine(formatter(state, exception));
        if (eventId.Id == EventIds.ReaperRestarted)
        {
            reaperRestarted();
        }
    }
}
