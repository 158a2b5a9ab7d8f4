using System.Collections.Concurrent;
using System.Globalization;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Hostile;

/// <summary>What a load saw.</summary>
/// <param name="Milliseconds">Latencies of the answered calls, in ascending order, each from the moment it was meant to be sent.</param>
/// <param name="Failures">The calls that failed or were answered wrongly, as text.</param>
internal sealed record LoadResult(double[] Milliseconds, IReadOnlyList<string> Failures)
{
    /// <summary>The latency that this share of the calls did not exceed.</summary>
    public double Quantile(double share) => Milliseconds[Math.Min(Milliseconds.Length - 1, (int)(share * Milliseconds.Length))];
}

/// <summary>
/// Calls at a fixed rate, whatever the answers do: a call is due at its own moment and its latency counts from there, so that a stall is seen in each call that
/// it delays and not only in the one that was under way.
/// </summary>
internal static class OpenLoopLoad
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);

    /// <summary>Calls the echo tool of each server in turn and checks each answer.</summary>
    /// <param name="servers">Names of servers with the tool <c>echo</c>.</param>
    /// <param name="callsPerSecond">The rate over all servers.</param>
    /// <param name="duration">How long calls are sent; the last ones are waited for.</param>
    public static async Task<LoadResult> RunAsync(RawCaller caller, IReadOnlyList<string> servers, int callsPerSecond, TimeSpan duration)
    {
        var time = TimeProvider.System;
        var latencies = new ConcurrentBag<double>();
        var failures = new ConcurrentBag<string>();
        var calls = new List<Task>();
        var count = (int)(callsPerSecond * duration.TotalSeconds);
        var start = time.GetTimestamp();
        for (var i = 0; i < count; i++)
        {
            var due = TimeSpan.FromSeconds((double)i / callsPerSecond);
            if (due - time.GetElapsedTime(start) is { Ticks: > 0 } early)
            {
                await Task.Delay(early, time, CancellationToken.None);
            }

            calls.Add(CallAsync(servers[i % servers.Count], i, due));
        }

        await Guard.WithinAsync(Task.WhenAll(calls), "the last calls of the load");
        return new LoadResult([.. latencies.Order()], [.. failures]);

        async Task CallAsync(string server, int number, TimeSpan due)
        {
            var planted = string.Create(CultureInfo.InvariantCulture, $"planted-{server}-{number}");
            var end = await caller.CallAsync($"{server}__echo", $"{{\"message\":\"{planted}\"}}", s_patience);
            latencies.Add((time.GetElapsedTime(start) - due).TotalMilliseconds);
            if (end.Text is not { } text || !text.Contains(planted, StringComparison.Ordinal))
            {
                failures.Add($"{planted}: {end}");
            }
        }
    }
}
