namespace Fairlead.TestKit;

/// <summary>The only time-out of the tests: so long that no healthy machine reaches it, so that a hang fails with a sentence instead of hanging the run.</summary>
/// <remarks>It runs on the real clock, also when the test's own time stands still.</remarks>
public static class Guard
{
    /// <summary>One minute, for every wait alike: a wait that needs its own figure is a timed assert in disguise.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Awaits <paramref name="task"/>; its own outcome, an exception included, is passed on as it is.</summary>
    /// <param name="task">What the test waits for.</param>
    /// <param name="what">What was awaited, in words that end the sentence "Still waiting for ...".</param>
    /// <exception cref="TimeoutException">The guard ran out; the message says what was awaited.</exception>
    public static Task WithinAsync(Task task, string what) => WithinAsync(task, what, Limit);

    /// <inheritdoc cref="WithinAsync(Task, string)"/>
    public static async Task<T> WithinAsync<T>(Task<T> task, string what)
    {
        await WithinAsync((Task)task, what, Limit).ConfigureAwait(false);
        return await task.ConfigureAwait(false);
    }

    /// <inheritdoc cref="WithinAsync(Task, string)"/>
    public static Task WithinAsync(ValueTask task, string what) => WithinAsync(task.AsTask(), what, Limit);

    /// <inheritdoc cref="WithinAsync(Task, string)"/>
    public static Task<T> WithinAsync<T>(ValueTask<T> task, string what) => WithinAsync(task.AsTask(), what);

    /// <summary>The same with a limit of its own, so that the guard itself can be tested without waiting for a minute.</summary>
    internal static async Task WithinAsync(Task task, string what, TimeSpan limit)
    {
        try
        {
            await task.WaitAsync(limit, TimeProvider.System).ConfigureAwait(false);
        }
        catch (TimeoutException) when (!task.IsCompleted)
        {
            throw new TimeoutException($"Still waiting for {what} after {limit.TotalSeconds:0.###} s.");
        }
    }
}
