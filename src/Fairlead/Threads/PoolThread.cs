using System.Runtime.CompilerServices;

namespace Fairlead.Threads;

/// <summary>
/// Leaves the thread that tells of what arrived. Where the runtime completes socket operations on the very thread that waits for all sockets (the gateway asks for that), whoever goes on there without ever
/// waiting keeps all others waiting. Elsewhere everything runs on the pool anyway, and nothing here does anything.
/// </summary>
internal static class PoolThread
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
