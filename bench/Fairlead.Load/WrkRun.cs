using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Fairlead.Load;

/// <summary>What one run of wrk saw. The latency is what its connections waited, in microseconds; wrk waits for each answer before the next call.</summary>
/// <param name="Calls">Answered calls.</param>
/// <param name="DurationUs">Length of the run.</param>
/// <param name="Bytes">All that was read, headers included.</param>
/// <param name="P50Us">Median latency.</param>
/// <param name="P99Us">99th percentile.</param>
/// <param name="Errors">Failed connects, reads, writes, time-outs, and statuses over 399.</param>
internal sealed record WrkRun(long Calls, long DurationUs, long Bytes, long P50Us, long P99Us, long Errors)
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web);

    public double CallsPerSecond => Calls * 1e6 / DurationUs;

    public double BytesPerCall => (double)Bytes / Calls;

    /// <exception cref="BenchFailedException">wrk is missing, or a call failed.</exception>
    public static async Task<WrkRun> RunAsync(string script, Uri endpoint, int connections, int seconds)
    {
        var start = new ProcessStartInfo("wrk", ["-t1", $"-c{connections}", $"-d{seconds}s", "--timeout", "10s", "-s", script, endpoint.ToString()])
        {
            RedirectStandardOutput = true,
        };
        start.Environment["FAIRLEAD_BENCH_BODY"] = BenchCall.Body;
        string output;
        try
        {
            using var wrk = Process.Start(start)!;
            output = await wrk.StandardOutput.ReadToEndAsync().ConfigureAwait(false);
            await wrk.WaitForExitAsync().ConfigureAwait(false);
        }
        catch (Win32Exception e)
        {
            throw new BenchFailedException($"wrk could not be started ({e.Message}); install it: apt-get install wrk");
        }

        var line = output.Split('\n').LastOrDefault(text => text.StartsWith('{'))
            ?? throw new BenchFailedException($"wrk printed no result:\n{output}");
        var run = JsonSerializer.Deserialize<WrkRun>(line, s_json)!;
        return run is { Errors: 0, Calls: > 0 }
            ? run
            : throw new BenchFailedException(string.Create(CultureInfo.InvariantCulture, $"{run.Errors} of {run.Calls} calls to {endpoint} failed:\n{output}"));
    }
}
