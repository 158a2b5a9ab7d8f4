using System.Diagnostics;
using System.Globalization;
using System.Runtime.Loader;
using System.Text.Json;

namespace Fairlead.Load;

/// <summary>Calls from Python inside its process beside the same tool called in .NET: calls per second with many in flight, and the time that one call takes longer.</summary>
/// <remarks>A round is Python at many in flight, .NET one at a time, Python one at a time, Python at many again: the two runs at many tell how far measurements lie apart.</remarks>
internal static class PythonBench
{
    private const double CallsPerSecondMin = 100_000;

    public static async Task<int> RunAsync(LoadArguments arguments)
    {
        using var workplace = new Workplace(arguments);
        var (rounds, seconds, inFlight) = (arguments.Number("--rounds", 5), arguments.Number("--seconds", 2), arguments.Number("--in-flight", 200));
        var assembly = Path.Combine(workplace.Root, "artifacts", "bin", "EchoTools", "release", "EchoTools.dll");
        var manager = await ManagerAsync(assembly).ConfigureAwait(false);
        await using var disposal = manager.ConfigureAwait(false);
        using var python = Start(arguments.Text("--python", "python3"), Path.Combine(workplace.Root, "bindings", "python", "bench.py"), assembly);
        try
        {
            await ReadAsync(python).ConfigureAwait(false);
            _ = DotnetP50(manager, seconds);
            var samples = new List<PythonSample>();
            for (var round = 0; round < rounds; round++)
            {
                var first = await AskAsync(python, $"rate {seconds} {inFlight}").ConfigureAwait(false);
                var dotnet = DotnetP50(manager, seconds);
                var alone = await AskAsync(python, $"latency {seconds}").ConfigureAwait(false);
                var second = await AskAsync(python, $"rate {seconds} {inFlight}").ConfigureAwait(false);
                samples.Add(new PythonSample(first, second, dotnet, alone.GetProperty("p50Us").GetDouble(), alone.GetProperty("p99Us").GetDouble()));
                Console.Error.WriteLine($"round {round + 1} of {rounds}");
            }

            python.StandardInput.Close();
            await Report(samples, inFlight, workplace).ConfigureAwait(false);
            return 0;
        }
        finally
        {
            if (!python.HasExited)
            {
                python.Kill(entireProcessTree: true);
            }
        }
    }

    private static async Task Report(List<PythonSample> samples, int inFlight, Workplace workplace)
    {
        var rate = Median(samples.SelectMany(static sample => sample.Rates));
        var spread = samples.Max(static sample => sample.Spread);
        var cpu = Median(samples.SelectMany(static sample => sample.Of("cpuUsPerCall")));
        var own = Median(samples.SelectMany(static sample => sample.Of("pythonCpuUsPerCall")));
        var (dotnet, p50, p99) = (Median(samples.Select(static sample => sample.DotnetP50Us)), Median(samples.Select(static sample => sample.P50Us)), Median(samples.Select(static sample => sample.P99Us)));
        var verdict = Verdict.AtLeast($"calls/s from Python, {inFlight} in flight", rate, CallsPerSecondMin, rate * spread);
        await File.WriteAllTextAsync(
            Path.Combine(workplace.Results, "python.json"),
            JsonSerializer.Serialize(
                new { inFlight, callsPerSecond = rate, spread, cpuUsPerCall = cpu, pythonCpuUsPerCall = own, dotnetP50Us = dotnet, p50Us = p50, p99Us = p99, addedP50Us = p50 - dotnet, verdict, samples },
                JsonSerializerOptions.Web)).ConfigureAwait(false);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
            | a tool in the process, from Python | |
            |---|---|
            | calls/s, {inFlight} in flight | {rate:0} |
            | A/A spread | {spread:P1} |
            | CPU us per call, the process / its Python thread | {cpu:0.0} / {own:0.0} |
            | one alone, p50 / p99, us | {p50:0.0} / {p99:0.0} |
            | the same in .NET, p50, us | {dotnet:0.00} |
            | added p50, us | {p50 - dotnet:0.0} |

            {verdict}
            """));
    }

    private static async Task<McpManager> ManagerAsync(string assembly)
    {
        var tool = (ITool)Activator.CreateInstance(AssemblyLoadContext.Default.LoadFromAssemblyPath(assembly).GetExportedTypes().Single(static type => type.Name == "EchoTool"))!;
        var manager = new McpManager();
        manager.AddTools("echo", tool);
        await manager.DeployServerAsync(new Configuration.ServerConfig { Name = "echo" }).ConfigureAwait(false);
        await manager.LaunchAllAsync().ConfigureAwait(false);
        return manager;
    }

    /// <summary>The time of one call, in microseconds. Each sample is of 32 calls: the clock is too coarse for one.</summary>
    private static double DotnetP50(McpManager manager, int seconds)
    {
        const int Calls = 32;
        var arguments = new { text = "hello", n = 1 };
        var samples = new List<double>();
        for (var begun = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(begun).TotalSeconds < seconds;)
        {
            var started = TimeProvider.System.GetTimestamp();
            for (var i = 0; i < Calls; i++)
            {
                var call = manager.ExecuteToolAsync("echo", "echo", arguments);
                if (!call.IsCompletedSuccessfully)
                {
                    throw new BenchFailedException("a call of the tool in .NET did not end at once");
                }
            }

            samples.Add(TimeProvider.System.GetElapsedTime(started).TotalMicroseconds / Calls);
        }

        return Median(samples);
    }

    private static Process Start(string python, string script, string assembly)
    {
        var start = new ProcessStartInfo(python) { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var argument in (string[])[script, "--assembly", assembly])
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start) ?? throw new BenchFailedException($"'{python}' could not be started; name a Python 3.11 or newer with --python");
    }

    private static async Task<JsonElement> AskAsync(Process python, string question)
    {
        await python.StandardInput.WriteLineAsync(question).ConfigureAwait(false);
        await python.StandardInput.FlushAsync().ConfigureAwait(false);
        return await ReadAsync(python).ConfigureAwait(false);
    }

    private static async Task<JsonElement> ReadAsync(Process python)
    {
        var line = await python.StandardOutput.ReadLineAsync().ConfigureAwait(false) ?? throw new BenchFailedException("bench.py ended; its error stands above");
        return JsonDocument.Parse(line).RootElement;
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}

/// <summary>One round.</summary>
/// <param name="First">Python at many in flight.</param>
/// <param name="Second">The same again.</param>
/// <param name="DotnetP50Us">The time of one call in .NET.</param>
/// <param name="P50Us">The time of one call alone from Python.</param>
/// <param name="P99Us">Its 99th percentile.</param>
internal sealed record PythonSample(JsonElement First, JsonElement Second, double DotnetP50Us, double P50Us, double P99Us)
{
    public double[] Rates => Of("callsPerSecond");

    /// <summary>How far the two runs lie apart, as a share.</summary>
    public double Spread => Math.Abs(Rates[0] - Rates[1]) / Rates.Average();

    public double[] Of(string figure) => [First.GetProperty(figure).GetDouble(), Second.GetProperty(figure).GetDouble()];
}
