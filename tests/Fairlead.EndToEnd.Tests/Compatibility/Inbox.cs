using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Compatibility;

/// <summary>What came, in order, and who waits for something to come. Safe for all threads.</summary>
internal sealed class Inbox<T>
{
    private readonly Lock _gate = new();
    private readonly List<T> _all = [];
    private readonly List<(Func<T, bool> Wanted, TaskCompletionSource<T> Found)> _waiters = [];

    /// <summary>All that came so far.</summary>
    public T[] All
    {
        get
        {
            lock (_gate)
            {
                return [.. _all];
            }
        }
    }

    /// <summary>Puts something in.</summary>
    public void Add(T item)
    {
        lock (_gate)
        {
            _all.Add(item);
            _waiters.FindAll(waiter => waiter.Wanted(item)).ForEach(waiter => waiter.Found.TrySetResult(item));
        }
    }

    /// <summary>The first, past or future, that satisfies the condition.</summary>
    /// <param name="what">What it is, for the failure message.</param>
    public Task<T> FirstAsync(Func<T, bool> wanted, string what) => FirstAsync(wanted, what, skip: 0);

    /// <summary>As <see cref="FirstAsync(Func{T, bool}, string)"/>, without looking at the first <paramref name="skip"/> that came.</summary>
    public Task<T> FirstAsync(Func<T, bool> wanted, string what, int skip)
    {
        lock (_gate)
        {
            for (var i = skip; i < _all.Count; i++)
            {
                if (wanted(_all[i]))
                {
                    return Task.FromResult(_all[i]);
                }
            }

            var source = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((wanted, source));
            return Guard.WithinAsync(source.Task, what);
        }
    }
}
