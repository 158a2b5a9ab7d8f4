using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Faults;

/// <summary>The active faults of one server as its connections meet them. Frozen; made anew when one comes or goes.</summary>
internal sealed class ServerFaults : LinkFaults
{
    private readonly Fault[] _ofCalls;
    private readonly Fault? _partition;
    private readonly Fault? _stall;

    /// <summary>Takes the faults in the order in which they were injected. A call is held back by all latencies that hit it, then meets the first error or partition that does.</summary>
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

        // All that is asked of a child that stands still waits in its pipe; one that was started since runs.
        if (_stall is not null && (_stall.Stalled.Count == 0 || _stall.Stalled.Contains(connection.Child)))
        {
            _stall.Count();
        }

        var name = envelope.KnownMethod == McpMethod.ToolsCall ? envelope.Name.Of(frame.Span) : default;
        Fault? holder = null;
        Fault? end = null;
        var delay = TimeSpan.Zero;
        foreach (var fault in _ofCalls)
        {
            var isLatency = fault.Kind == FaultKind.Latency;
            if ((end is not null && !isLatency) || (!fault.Tool.IsEmpty && (name.IsEmpty || !JsonText.Equals(name, fault.Tool))) || !fault.Draw())
            {
                continue;
            }

            fault.Count();
            delay += isLatency ? fault.NextLatency() : TimeSpan.Zero;
            holder ??= isLatency ? fault : null;
            end ??= isLatency ? null : fault;
        }

        if (holder is not null)
        {
            if (!holder.Waiting!.TryHold(new HeldCall(connection, call.UpstreamId, frame, end), delay))
            {
                frame.Return();
                Fail(connection, call.UpstreamId, ForwardError.TooManyCalls, $"the injected fault {holder.First.Id} (latency) holds back as much as bufferedBytesMax allows");
            }
        }
        else if (end is not null)
        {
            Hit(end, connection, call.UpstreamId, frame);
        }

        return holder is not null || end is not null;
    }

    /// <inheritdoc/>
    public override void NoteLostAnswer(UpstreamCall call) => _partition?.Count(call.Owner is null ? 0 : 1);

    /// <summary>Lets an error or a partition have a call. The frame is given back.</summary>
    public static void Hit(Fault fault, UpstreamConnection connection, long id, OutboundFrame frame)
    {
        frame.Return();
        if (fault.Kind == FaultKind.Error)
        {
            Fail(connection, id, ForwardError.SendFailed, $"the fault {fault.First.Id} (error) was injected on purpose");
        }

        // Under a partition it does not arrive, so nothing comes back.
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
