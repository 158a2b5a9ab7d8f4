using System.Globalization;
using Fairlead.Routing;

namespace Fairlead.Faults;

/// <summary>Watches whether servers suffer that no fault lies on: their failures (decision 15) of the last 10 s, from the counters of their calls.</summary>
/// <remarks>Used under the lock of its injector.</remarks>
internal sealed class DrillGuard(TimeProvider time)
{
    /// <summary>Time between two looks.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>How far back a look goes.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    /// <summary>Fewest calls that say anything.</summary>
    public const int CallsMin = 20;

    private readonly Queue<Sample> _samples = new();

    /// <summary>A drill begins: what was before counts no more.</summary>
    public void Begin(IReadOnlyList<ServerCell> servers, IReadOnlySet<string> targets)
    {
        _samples.Clear();
        Add(servers, targets);
    }

    /// <summary>Looks at the calls since the oldest sample of the window.</summary>
    /// <param name="servers">All servers.</param>
    /// <param name="targets">Those that a fault lies on.</param>
    /// <param name="rateMax">Share of failures above which the drill must stop.</param>
    /// <returns>Why it must stop; null when all is well.</returns>
    public string? Look(IReadOnlyList<ServerCell> servers, IReadOnlySet<string> targets, double rateMax)
    {
        while (_samples.Count > 1 && time.GetElapsedTime(_samples.Peek().At) > Window)
        {
            _samples.Dequeue();
        }

        // A server that was a target within the window may have failures of the drill in its counts.
        var spared = targets.Concat(_samples.SelectMany(static sample => sample.Targets)).ToHashSet(StringComparer.Ordinal);
        var before = _samples.Count == 0 ? null : _samples.Peek().Counts;
        long allCalls = 0;
        long allFailed = 0;
        foreach (var server in servers)
        {
            if (before is null || spared.Contains(server.Name))
            {
                continue;
            }

            var (calls, failed) = before.GetValueOrDefault(server);
            (calls, failed) = (server.Counters.Total - calls, server.Counters.Failed - failed);
            if (IsTooMuch(calls, failed, rateMax))
            {
                return Describe($"{server.Name}, which no fault lies on,", calls, failed, rateMax);
            }

            allCalls += calls;
            allFailed += failed;
        }

        Add(servers, targets);
        return IsTooMuch(allCalls, allFailed, rateMax) ? Describe("the servers that no fault lies on", allCalls, allFailed, rateMax) : null;
    }

    private static bool IsTooMuch(long calls, long failed, double rateMax) => calls >= CallsMin && failed > calls * rateMax;

    private static string Describe(string who, long calls, long failed, double rateMax) => string.Create(
        CultureInfo.InvariantCulture, $"the guard stopped the drill: {who} failed {failed} of {calls} calls in {Window.TotalSeconds:0} s, more than faultInjection.stopAtErrorRate ({rateMax:0.###}) allows");

    private void Add(IReadOnlyList<ServerCell> servers, IReadOnlySet<string> targets) => _samples.Enqueue(new Sample(
        time.GetTimestamp(), servers.ToDictionary(static server => server, static server => (server.Counters.Total, server.Counters.Failed)), targets));

    private sealed record Sample(long At, Dictionary<ServerCell, (long Calls, long Failed)> Counts, IReadOnlySet<string> Targets);
}
