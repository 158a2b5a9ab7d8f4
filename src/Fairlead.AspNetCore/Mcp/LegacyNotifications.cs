using Fairlead.Sessions;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>What a legacy client tells without expecting an answer.</summary>
internal static class LegacyNotifications
{
    /// <summary>Acts on a notification; what concerns nobody is accepted and forgotten, as the specification allows.</summary>
    public static void Receive(McpFront front, LegacySession session, ReadOnlySpan<byte> body, in Envelope envelope)
    {
        switch (envelope.KnownMethod)
        {
            case McpMethod.NotificationsCancelled when envelope.RequestId.Exists:
                session.CancelRounds(envelope.RequestId.Of(body));
                front.Sweep.CancelCall(session, envelope.RequestId.Of(body));
                break;
            case McpMethod.NotificationsProgress when envelope.ProgressToken.Exists:
                session.Questions.PassProgress(body, envelope);
                break;
            case McpMethod.NotificationsRootsListChanged:
                RelayRootsChanged(front, session);
                break;
            default:
                break;
        }
    }

    // To the instance that its calls go to: the one that can have asked for its roots. The shared one declared roots for everybody.
    private static void RelayRootsChanged(McpFront front, LegacySession session)
    {
        foreach (var cell in front.Fleet.Current.InOrder)
        {
            if (front.Fleet.Serves(session.Endpoint, cell) && cell.Current is { IsCallable: true, Shared: { Identity.IsModern: false } shared })
            {
                (cell.OwnOf(session.Caller)?.Connection ?? shared).Post(OutboundFrame.Copy("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/roots/list_changed\"}"u8));
            }
        }
    }
}
