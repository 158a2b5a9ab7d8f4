using Fairlead.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Fairlead.Actors;

/// <summary>Keeps the tasks that run beside an actor's loop, so that none is forgotten: each is awaited at the stop, and an unexpected end is told.</summary>
/// <remarks>Any thread. Bounded by its users: each kind of work runs at most once or once for each instance.</remarks>
internal sealed partial class BackgroundWork(string name, ILogger logger)
{
    private readonly Lock _lock = new();
    private readonly HashSet<Task> _tasks = [];

    /// <summary>Starts <paramref name="work"/> on the pool. Cancellation is an ordinary end; any other exception is a bug and is logged.</summary>
    public Task Run(Func<Task> work)
    {
        lock (_lock)
        {
            _tasks.RemoveWhere(static task => task.IsCompleted);
            var task = Task.Run(() => GuardAsync(work));
            _tasks.Add(task);
            return task;
        }
    }

    /// <summary>Completes when all work that has been started has ended; never fails.</summary>
    public async Task WhenIdleAsync()
    {
        while (true)
        {
            Task[] open;
            lock (_lock)
            {
                _tasks.RemoveWhere(static task => task.IsCompleted);
                open = [.. _tasks];
            }

            if (open.Length == 0)
            {
                return;
            }

            await Task.WhenAll(open).ConfigureAwait(false);
        }
    }

    private async Task GuardAsync(Func<Task> work)
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Whoever cancelled knows.
        }
        catch (Exception bug)
        {
            LogFailed(logger, bug, name);
        }
    }

    [LoggerMessage(EventIds.BackgroundWorkFailed, LogLevel.Error, "Work for {Name} ended with an unexpected error; this is a bug of Fairlead.")]
    private static partial void LogFailed(ILogger logger, Exception exception, string name);
}
