using System.Runtime.CompilerServices;
using Fairlead.Guards;
using Fairlead.Upstreams;

namespace Fairlead.Routing;

/// <summary>An instance of a changed server beside those that serve: it takes a share of their calls (a canary), or copies of all that may be repeated (a shadow; product A9). Any thread; no lock.</summary>
/// <param name="connection">The instance.</param>
/// <param name="percent">The share of the calls that go to it; 0 for a shadow.</param>
internal sealed class Trial(UpstreamConnection connection, int percent)
{
    private int _turn = -1;

    /// <summary>The instance.</summary>
    public UpstreamConnection Connection => connection;

    /// <summary>Whether it gets copies instead of calls.</summary>
    public bool IsShadow => percent == 0;

    /// <summary>Whether the next call of a caller goes to it. Exact over any hundred calls; sessions that stay where they began are divided once, by who they are.</summary>
    /// <param name="caller">Who calls.</param>
    /// <param name="keepsSessions">Whether sessions stay at an instance.</param>
    /// <param name="guards">Of the server: a trial whose circuit is open takes no calls.</param>
    public bool TakesNext(Caller caller, bool keepsSessions, ServerGuards guards)
    {
        var place = keepsSessions && caller is { IsSession: true, Owner: { } owner }
            ? (uint)RuntimeHelpers.GetHashCode(owner) % 100
            : (uint)Interlocked.Increment(ref _turn) % 100 * 61 % 100; // 61 is prime to 100: the share is spread over the hundred.
        return place < percent && !connection.Lost.IsCompleted && InstanceGuard.Of(connection, guards).Breaker.MayPass(guards.Time.GetTimestamp());
    }
}
