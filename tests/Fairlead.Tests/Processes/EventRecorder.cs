using Fairlead.TestKit;
using Microsoft.Extensions.Logging;

namespace Fairlead.Tests.Processes;

/// <summary>Keeps log events and lets a test wait for one by its id. Any thread.</summary>
internal sealed class EventRecorder : ILogger
{
    private readonly Lock _gate = new();
    private readonly List<(int Id, LogLevel Level, string Text)> _events = [];
    private readonly List<(int Id, TaskCompletionSource<string> Seen)> _waiters = [];

    /// <summary>All events so far.</summary>
    public IReadOnlyList<(int Id, LogLevel Level, string Text)> Events
    {
        get
        {
            lock (_gate)
            {
                return [.. _events];
            }
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var text = formatter(state, exception);
        lock (_gate)
        {
            _events.Add((eventId.Id, logLevel, text));
            foreach (var waiter in _waiters.FindAll(waiter => waiter.Id == eventId.Id))
            {
                waiter.Seen.TrySetResult(text);
                _waiters.Remove(waiter);
            }
        }
    }

    /// <summary>Completes with the text of the next event of this id. Ask before doing what brings it about.</summary>
    public Task<string> NextAsync(int id)
    {
        lock (_gate)
        {
            var seen = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((id, seen));
            return Guard.WithinAsync(seen.Task, $"the log event {id}");
        }
    }
}
