using System.Collections.Concurrent;
using System.Globalization;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Hostile;

/// <summary>Calls at a fixed rate, whatever the answers do, each with words of its own that must come back.</summary>
internal static class OpenLoopLoad
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);

    /// <summary>Calls the echo tool of each server in turn and checks each answer.</summary>
    /// <param name="servers">Names of servers with the tool <c>echo</c>.</param>
    /// <param name="callsPerSecond">The rate over all servers.</param>
    /// <param name="duration">How long calls are sent; the last ones are waited for.</param>
    /// <returns>How many calls there were, and those that failed or were answered wrongly, as text.</returns>
    public static async Task<(int Calls, IReadOnlyCollection<string> Failures)> RunAsync(RawCaller caller, IReadOnlyList<string> servers, int callsPerSecond, TimeSpan duration)
    {
        var time = TimeProvider.System;
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

            calls.Add(CallAsync(servers[i % servers.Count], i));
        }

        await Guard.WithinAsync(Task.WhenAll(calls), "the last calls of the load");
        return (count, failures);

        async Task CallAsync(string server, int number)
        {
            var planted = string.Create(CultureInfo.InvariantCulture, $"planted-{server}-{number}");
            var end = await caller.CallAsync($"{server}__echo", $"{{\"message\":\"{planted}\"}}", s_patience);
            if (end.Text is not { } text || !text.Contains(planted, StringComparison.Ordinal))
            {
                failures.Add($"{planted}: {end}");
            }
        }
    }
}
