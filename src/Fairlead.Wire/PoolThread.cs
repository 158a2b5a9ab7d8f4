using System.Runtime.CompilerServices;

namespace Fairlead.Wire;

/// <summary>
/// Leaves the thread that tells of what arrived. Where the runtime completes socket operations on the very thread that waits for all sockets (the gateway asks for that), whoever goes on there without ever
/// waiting keeps all others waiting. Elsewhere everything runs on the pool anyway, and nothing here does anything.
/// </summary>
public static class PoolThread
{
    /// <summary>Awaited, goes on on a thread of the pool: at once when this is one already.</summary>
    public static Leaving Switch() => default;

    /// <summary>The result of <see cref="Switch"/>.</summary>
    public readonly struct Leaving : ICriticalNotifyCompletion
    {
        /// <summary>Whether this is a thread of the pool already.</summary>
        public bool IsCompleted => Thread.CurrentThread.IsThreadPoolThread;

        /// <summary>For <c>await</c>.</summary>
        public Leaving GetAwaiter() => this;

        /// <summary>For <c>await</c>.</summary>
        public void GetResult()
        {
        }

        /// <inheritdoc/>
        public void OnCompleted(Action continuation) => ThreadPool.QueueUserWorkItem(static next => next(), continuation, preferLocal: false);

        /// <inheritdoc/>
        public void UnsafeOnCompleted(Action continuation) => ThreadPool.UnsafeQueueUserWorkItem(static next => next(), continuation, preferLocal: false);
    }
}

/// <summary>Counts how often in a row a loop found something to read without waiting: after so many it must let others have its thread (<see cref="PoolThread"/>). Not for several threads at once.</summary>
public struct ReaderTurn
{
    /// <summary>So many reads in a row are a turn.</summary>
    public const int ReadsMax = 16;

    private int _reads;

    /// <summary>Notes a read.</summary>
    /// <param name="waited">Whether it had to be waited for: others had the thread meanwhile.</param>
    /// <returns>Whether the turn is over.</returns>
    public bool IsOver(bool waited)
    {
        _reads = waited ? 0 : _reads + 1;
        if (_reads < ReadsMax)
        {
            return false;
        }

        _reads = 0;
        return true;
    }
}
