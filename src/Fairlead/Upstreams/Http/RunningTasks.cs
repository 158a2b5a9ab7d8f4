using System.Collections.Concurrent;

namespace Fairlead.Upstreams.Http;

/// <summary>Work that runs beside its starter and is awaited at the end. Any thread may add.</summary>
internal sealed class RunningTasks
{
    private readonly ConcurrentDictionary<Task, bool> _tasks = new();

    /// <summary>Keeps a task until it has ended.</summary>
    public void Add(Task task)
    {
        if (task.IsCompletedSuccessfully)
        {
            return;
        }

        _tasks[task] = true;
        task.ContinueWith(
            static (ended, state) => ((RunningTasks)state!).Remove(ended), this, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Completes when all tasks have ended, with the failure of one if any failed.</summary>
    public Task WhenAllAsync() => Task.WhenAll(_tasks.Keys);

    // A failed task stays, so that its failure is seen at the end.
    private void Remove(Task task)
    {
        if (!task.IsFaulted)
        {
            _tasks.TryRemove(task, out _);
        }
    }
}
