using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <summary>Faults that are injected on purpose, as the connections of one server meet them. What they are and how long they last is decided elsewhere; frozen but for counts.</summary>
/// <remarks>Any thread, on the request path: only where a fault lies is there an object at all.</remarks>
internal abstract class LinkFaults
{
    /// <summary>Whether nothing passes in either direction: what is sent is dropped, and so is what comes in.</summary>
    public bool IsCutOff { get; protected init; }

    /// <summary>What comes in is not looked at before this completes; null when nothing is held back.</summary>
    public Task? Held { get; protected init; }

    /// <summary>Lets the faults have the request of an open call before it is sent. Must not block.</summary>
    /// <returns>True when a fault has taken the frame, and sees to the call as well.</returns>
    public abstract bool TryTake(UpstreamConnection connection, UpstreamCall call, OutboundFrame frame);

    /// <summary>The answer of a call was dropped because the connection is cut off.</summary>
    public abstract void NoteLostAnswer(UpstreamCall call);

    /// <summary>A message was dropped because the connection is cut off.</summary>
    public void NoteLost(UpstreamConnection connection, ReadOnlySpan<byte> message, in Envelope envelope)
    {
        if (envelope.Kind is MessageKind.Result or MessageKind.Error && RequestIds.TryParse(envelope.Id.Of(message), out var id)
            && (int)(id & 0xFFFF) < connection.Pending.Used && connection.Pending.Peek((int)(id & 0xFFFF), out var call) == id)
        {
            NoteLostAnswer(call!);
        }
    }
}
