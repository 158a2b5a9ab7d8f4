using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Fairlead.Load.Compare;
using Fairlead.Measuring;

namespace Fairlead.Load.InProcess;

/// <summary>Calls inside one process: one at a time on one core, and batches over all of them. Each part runs in a process of its own, so that one core is one core for the runtime too.</summary>
internal static class InProcessBench
{
    private const double OneCoreMin = 500_000;
    private const double BatchMin = 1_000_000;

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>The <c>inprocess</c> mode.</summary>
    public static async Task<int> RunAsync(LoadArguments arguments)
    {
        using var workplace = new Workplace(arguments);
        var machine = await MachineFacts.ReadAsync(workplace.Root).ConfigureAwait(false);
        var rounds = arguments.Number("--rounds", 5);
        var milliseconds = arguments.Number("--milliseconds", 1_000);
        var batch = arguments.Number("--batch", 1_000);
        string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
        string[] shared = ["--rounds", Text(rounds), "--milliseconds", Text(milliseconds), "--batch", Text(batch)];

        // A child takes its processors over from the thread that starts it, and so do all of its threads; the runtime then counts one processor.
        var core = FirstAllowedCore();
        var one = await PartAsync("taskset", ["--cpu-list", core, workplace.Self, "inprocess-part", "--part", "one", .. shared]).ConfigureAwait(false);
        var all = await PartAsync(workplace.Self, ["inprocess-part", "--part", "all", .. shared]).ConfigureAwait(false);
        List<Verdict> verdicts =
        [
            Against("calls/s of ExecuteToolAsync on an ITool, one core", one, OneCoreMin),
            Against(FormattableString.Invariant($"calls/s of ExecuteBatchAsync with {batch} calls on an ITool, {all.Processors} cores"), all, BatchMin),
        ];

        await File.WriteAllTextAsync(Path.Combine(workplace.Results, "inprocess.json"), JsonSerializer.Serialize(new { machine, rounds, milliseconds, batch, core, verdicts, one, all }, s_json)).ConfigureAwait(false);
        Console.WriteLine($"{machine}\n");
        Print($"On core {core} alone (taskset), one call at a time", one);
        Print($"On all {all.Processors} cores", all);
        verdicts.ForEach(static verdict => Console.WriteLine($"- {verdict}"));
        return 0;
    }

    private static Verdict Against(string what, PartFigures part, double bound)
    {
        var (first, again) = (part.Of(part.Bounded), part.Of(part.Bounded + PartFigures.Again));
        return Verdict.AtLeast(
            what, Rounds.Median(first.CallsPerSecond.Zip(again.CallsPerSecond, static (one, other) => (one + other) / 2)), bound,
            first.CallsPerSecond.Zip(again.CallsPerSecond, static (one, other) => Math.Abs(one - other)).Max());
    }

    private static void Print(string title, PartFigures part)
    {
        Console.WriteLine($"{title}:\n\n| what | calls/s, median | lowest to highest round | CPU ns per call | bytes per call |\n|---|---|---|---|---|");
        foreach (var row in part.Rows)
        {
            var rate = Rounds.Median(row.CallsPerSecond);
            Console.WriteLine(FormattableString.Invariant(
                $"| {row.What} | {rate:0} | {row.CallsPerSecond.Min():0} to {row.CallsPerSecond.Max():0} | {Rounds.Median(row.CpuNanosecondsPerCall):0} | {Rounds.Median(row.BytesPerCall):0.0} |"));
        }

        var spread = new Rounds(part.Of(part.Bounded).CallsPerSecond, part.Of(part.Bounded + PartFigures.Again).CallsPerSecond, []).Spread;
        Console.WriteLine(FormattableString.Invariant($"\nA/A spread ({part.Bounded}): {spread:0.000}\n"));
    }

    private static async Task<PartFigures> PartAsync(string program, string[] words)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, words) { RedirectStandardOutput = true })!;
            var text = await process.StandardOutput.ReadToEndAsync().ConfigureAwait(false);
            await process.WaitForExitAsync().ConfigureAwait(false);
            return process.ExitCode == 0
                ? JsonSerializer.Deserialize<PartFigures>(text)!
                : throw new BenchFailedException($"'{program} {string.Join(' ', words)}' ended with {process.ExitCode}");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new BenchFailedException($"'{program}' could not be started: {e.Message} (taskset is part of util-linux)");
        }
    }

    /// <summary>The first processor that this process may use, as the kernel names it.</summary>
    private static string FirstAllowedCore() =>
        File.ReadLines("/proc/self/status").First(static line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal)).Split(':')[1].Trim().Split(',', '-')[0];
}
