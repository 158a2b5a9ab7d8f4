using Fairlead.Exchanges.Tasks;
using Fairlead.Guards;
using Fairlead.Routing;
using Fairlead.Upstreams;

namespace Fairlead.Exchanges;

/// <summary>Copies of calls for a shadow: an instance of a changed server that nobody waits for (product A9). Only calls that may be repeated are copied.</summary>
/// <remarks>Off the road while no shadow runs. A copy takes no permit of the bulkhead and no turn; as many run at once as calls may.</remarks>
internal static class ShadowCalls
{
    /// <summary>Sends a copy of a call that is about to be sent. The call is not changed.</summary>
    public static void Copy(Trial shadow, ServerCell cell, Exchange exchange, long now)
    {
        if (exchange.TaskRole == TaskRole.None && exchange.RoundMembers.Length == 0 && CallRecovery.MayRepeat(exchange))
        {
            Send(shadow, cell, open => RequestSplicer.Compose(exchange, open.Connection!.Identity.IsModern, open.UpstreamId), exchange, now);
        }
    }

    /// <summary>Sends a copy of a call.</summary>
    /// <param name="shadow">Where to.</param>
    /// <param name="cell">The server.</param>
    /// <param name="compose">Writes the copy; called before this returns.</param>
    /// <param name="original">Whose deadlines and headers it has.</param>
    /// <param name="now">The clock's timestamp.</param>
    public static void Send(Trial shadow, ServerCell cell, Func<UpstreamCall, OutboundFrame> compose, UpstreamCall original, long now)
    {
        if (InstanceGuard.Of(shadow.Connection, cell.Guards).InFlight >= cell.Current.Config.MaxConnections)
        {
            return;
        }

        var copy = new ShadowCall(compose);
        copy.Owner = copy; // No client of its own: questions are declined.
        copy.Headers = original.Headers;
        copy.IdleTicks = original.IdleTicks;
        copy.IdleDeadline = original.IdleDeadline;
        copy.HardDeadline = original.HardDeadline;
        copy.SendUncountedTo(shadow.Connection, cell, now);

        // Nobody reads the answer.
        copy.Release();
    }

    private sealed class ShadowCall : GuardedCall
    {
        private readonly Func<UpstreamCall, OutboundFrame> _compose;

        public ShadowCall(Func<UpstreamCall, OutboundFrame> compose)
        {
            _compose = compose;
            Reset();
        }

        public override OutboundFrame Compose() => _compose(this);
    }
}
