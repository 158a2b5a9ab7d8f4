using Fairlead.Routing;
using Fairlead.Wire;

namespace Fairlead.Telemetry;

/// <summary>How long sessions lasted, those that have ended, by the revision they spoke and by whether they ended in order. Any thread.</summary>
internal sealed class SessionTimes
{
    private readonly CallTimes?[] _times = new CallTimes?[2 * ((int)ProtocolVersions.Latest + 1)];

    /// <summary>Adds a session that has ended.</summary>
    /// <param name="version">What it spoke.</param>
    /// <param name="isLost">Whether it ended without this side wanting it.</param>
    /// <param name="length">How long it lasted.</param>
    public void Record(ProtocolVersion version, bool isLost, TimeSpan length)
    {
        ref var times = ref _times[(2 * (int)version) + (isLost ? 1 : 0)];
        (Volatile.Read(ref times) ?? Interlocked.CompareExchange(ref times, new CallTimes(), null) ?? times).Record(length.Ticks);
    }

    /// <summary>Writes what has been counted.</summary>
    /// <param name="text">The family has begun.</param>
    /// <param name="transport">The value of <c>network_transport</c>; null for none.</param>
    /// <param name="others">Labels that all of them have.</param>
    public void Write(MetricsText text, string? transport, params ReadOnlySpan<(string Name, string Value)> others)
    {
        for (var i = 0; i < _times.Length; i++)
        {
            if (Volatile.Read(ref _times[i]) is { } times)
            {
                List<(string, string)> labels = [.. others, ("mcp_protocol_version", ((ProtocolVersion)(i / 2)).Format())];
                if (i % 2 != 0)
                {
                    labels.Add(("error_type", OperationInstruments.SessionLost));
                }

                if (transport is not null)
                {
                    labels.Add(("network_transport", transport));
                }

                CallHistograms.Write(text, CallHistograms.AdvisedBounds, MetricsText.Labels([.. labels]), [times]);
            }
        }
    }
}
