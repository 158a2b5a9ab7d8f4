using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Faults;

/// <summary>The active faults of one server as its connections meet them. Frozen; made anew when one comes or goes.</summary>
internal sealed class ServerFaults : LinkFaults
{
    private readonly Fault[] _ofCalls;
    private readonly Fault? _partition;
    private readonly Fault? _stall;

    /// <summary>Takes the faults in the order in which they were injected: a call meets the first that hits it.</summary>
    public ServerFaults(IEnumerable<Fault> faults)
    {
        Fault[] all = [.. faults];
        _partition = Array.Find(all, static fault => fault is { Kind: FaultKind.Partition, IsOfAllCalls: true });
        _stall = Array.Find(all, static fault => fault.Kind == FaultKind.Stall);
        _ofCalls = Array.FindAll(all, static fault => fault.Kind is FaultKind.Latency or FaultKind.Error or FaultKind.Partition);
        IsCutOff = _partition is not null;
        Held = _stall is { Stalled.Count: 0 } held ? held.Released : null;
    }

    /// <inheritdoc/>
    public override bool TryTake(UpstreamConnection connection, UpstreamCall call, OutboundFrame frame)
    {
        var isClients = call.Owner is not null;
        if (_partition is not null)
        {
            _partition.Count(isClients ? 1 : 0);
            frame.Return();
            return true;
        }

        // Fairlead's own requests (lists, pings, subscriptions) are no calls.
        if (!isClients || EnvelopeScanner.Scan(frame.Span, ScanLimits.Default with { DepthMax = connection.Limits.JsonDepthMax }, out var envelope) != ScanError.None
            || envelope.KnownMethod == McpMethod.SubscriptionsListen)
        {
            return false;
        }

        // All that is asked of a child that stands still waits in its pipe.
        _stall?.Count();
        var name = envelope.KnownMethod == McpMethod.ToolsCall ? envelope.Name.Of(frame.Span) : default;
        foreach (var fault in _ofCalls)
        {
            if ((fault.Tool.IsEmpty || (!name.IsEmpty && JsonText.Equals(name, fault.Tool))) && fault.Draw())
            {
                fault.Count();
                Hit(fault, connection, call.UpstreamId, frame);
                return true;
            }
        }

        return false;
    }

    /// <inheritdoc/>
    public override void NoteLostAnswer(UpstreamCall call) => _partition?.Count(call.Owner is null ? 0 : 1);

    private static void Hit(Fault fault, UpstreamConnection connection, long id, OutboundFrame frame)
    {
        switch (fault.Kind)
        {
            case FaultKind.Latency:
                if (!fault.Waiting!.TryHold(connection, id, frame, fault.NextLatency()))
                {
                    frame.Return();
                    Fail(connection, id, ForwardError.TooManyCalls, $"the injected fault {fault.First.Id} (latency) holds back as much as bufferedBytesMax allows");
                }

                break;
            case FaultKind.Error:
                frame.Return();
                Fail(connection, id, ForwardError.SendFailed, $"the fault {fault.First.Id} (error) was injected on purpose");
                break;
            default:
                // It does not arrive, so nothing comes back.
                frame.Return();
                break;
        }
    }

    /// <summary>Fails a call beside whoever sends it at this moment: he may hold it open, and its end may send another.</summary>
    private static void Fail(UpstreamConnection connection, long id, ForwardError error, string detail) => ThreadPool.UnsafeQueueUserWorkItem(
        static state =>
        {
            if (!state.connection.Pending.TryBeginDelivery(state.id, out var held))
            {
                return;
            }

            state.connection.EndDelivery(held);
            if (state.connection.Pending.TryTake(state.id, state.error, out var call))
            {
                call.Fail(state.error, state.detail);
            }
        },
        (connection, id, error, detail),
        preferLocal: false);
}
