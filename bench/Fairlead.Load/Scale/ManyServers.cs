using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.Load.Servers;
using Fairlead.Measuring;

namespace Fairlead.Load.Scale;

/// <summary>A thousand servers: tool servers registered with a manager in a process of its own, and entries on Streamable HTTP, all answered by one process, behind a gateway that starts.</summary>
internal static class ManyServers
{
    /// <summary>Measures both.</summary>
    public static async Task<ServersFigures> MeasureAsync(Workplace workplace, int count, int rounds)
    {
        var parts = new List<RegistrationFigures>();
        var gateways = new List<GatewayFigures>();
        for (var round = 0; round < rounds; round++)
        {
            parts.Add(await PartAsync(workplace, count).ConfigureAwait(false));
            gateways.Add(await GatewayAsync(workplace, count).ConfigureAwait(false));
        }

        return new ServersFigures(count, parts, gateways);
    }

    /// <summary>The <c>scale-part</c> mode: registers tool servers with a manager in this process. One JSON line on stdout.</summary>
    public static async Task<int> RunPartAsync(LoadArguments arguments)
    {
        var count = arguments.Number("--servers", 1_000);
        var manager = new McpManager(new FairleadOptions());
        await using (manager.ConfigureAwait(false))
        {
            var tool = new EchoTool(64);
            string[] names = [.. Enumerable.Range(1, count + 1).Select(Workplace.ServerName)];
            Array.ForEach(names, name => manager.AddTools(name, tool));

            // One before, so that what every registration needs is there: it is measured as part of a program that runs.
            await manager.DeployServerAsync(new ServerConfig { Name = names[count] }).ConfigureAwait(false);
            await manager.LaunchAllAsync().ConfigureAwait(false);
            var before = ProcessFigures.PrivateBytes(Environment.ProcessId);
            var started = TimeProvider.System.GetTimestamp();
            await Task.WhenAll(names.Take(count).Select(name => manager.DeployServerAsync(new ServerConfig { Name = name }))).ConfigureAwait(false);
            var registered = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
            var healthy = await manager.LaunchAllAsync().ConfigureAwait(false);
            var ready = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
            if (healthy.Count != count + 1)
            {
                throw new BenchFailedException($"{healthy.Count - 1} of {count} servers have started");
            }

            await manager.ExecuteToolAsync(names[count / 2], "echo", tool.Arguments).ConfigureAwait(false);
            await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System).ConfigureAwait(false);
            var after = ProcessFigures.PrivateBytes(Environment.ProcessId);
            Console.WriteLine(JsonSerializer.Serialize(new RegistrationFigures(registered, ready, before, after)));
            await manager.ShutdownAsync(TimeSpan.Zero).ConfigureAwait(false);
        }

        return 0;
    }

    private static async Task<RegistrationFigures> PartAsync(Workplace workplace, int count)
    {
        string[] words = ["scale-part", "--servers", count.ToString(CultureInfo.InvariantCulture)];
        using var process = Process.Start(new ProcessStartInfo(workplace.Self, words) { RedirectStandardOutput = true })!;
        var text = await process.StandardOutput.ReadToEndAsync().ConfigureAwait(false);
        await process.WaitForExitAsync().ConfigureAwait(false);
        return process.ExitCode == 0 ? JsonSerializer.Deserialize<RegistrationFigures>(text)! : throw new BenchFailedException($"'{string.Join(' ', words)}' ended with {process.ExitCode}");
    }

    private static async Task<GatewayFigures> GatewayAsync(Workplace workplace, int count)
    {
        await using var echo = await ServerProcess.StartAsync(workplace.Self, "echo-http").ConfigureAwait(false);
        var servers = Enumerable.Range(1, count).ToDictionary(Workplace.ServerName, _ => new { url = new Uri(echo.Url, "/mcp") });
        await using var gateway = await workplace.StartGatewayAsync(new { servers }).ConfigureAwait(false);
        using var http = new HttpClient();
        var started = TimeProvider.System.GetTimestamp();
        await BenchCall.CheckAsync(http, new Uri(gateway.Url, Workplace.EndpointOf(count))).ConfigureAwait(false);
        var called = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
        await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System).ConfigureAwait(false);
        return new GatewayFigures(gateway.Startup.TotalSeconds, called, ProcessFigures.PrivateBytes(gateway.Id));
    }
}

/// <summary>Tool servers that were registered with a manager at once.</summary>
/// <param name="RegisteredSeconds">Until all were registered: each deployment has been answered.</param>
/// <param name="ReadySeconds">Until all were Healthy.</param>
/// <param name="BytesBefore">Private memory with one server.</param>
/// <param name="BytesAfter">Private memory with all of them.</param>
internal sealed record RegistrationFigures(double RegisteredSeconds, double ReadySeconds, long BytesBefore, long BytesAfter);

/// <summary>A gateway with as many servers on HTTP.</summary>
/// <param name="ListeningSeconds">From the start of the process until it listens.</param>
/// <param name="CalledSeconds">From then on until a call of the last of them is answered; it waits until that one has started.</param>
/// <param name="PrivateBytes">Private memory a few seconds later.</param>
internal sealed record GatewayFigures(double ListeningSeconds, double CalledSeconds, long PrivateBytes);

/// <summary>All rounds of both.</summary>
internal sealed record ServersFigures(int Count, IReadOnlyList<RegistrationFigures> Registrations, IReadOnlyList<GatewayFigures> Gateways)
{
    /// <summary>Seconds until all were registered, a value a round.</summary>
    public IEnumerable<double> RegisteredSeconds => Registrations.Select(static part => part.RegisteredSeconds);

    /// <summary>Both tables.</summary>
    public string ToTable()
    {
        double Of(Func<RegistrationFigures, double> value) => Rounds.Median(Registrations.Select(value));
        double OfGateway(Func<GatewayFigures, double> value) => Rounds.Median(Gateways.Select(value));
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{Count} servers, medians of {Registrations.Count} rounds, each in a process of its own:\n\n| what | measured |\n|---|---|");
        text.AppendLine(CultureInfo.InvariantCulture, $"| tool servers in the process, all registered after | {Of(static part => part.RegisteredSeconds):0.00} s |");
        text.AppendLine(CultureInfo.InvariantCulture, $"| all of them Healthy after | {Of(static part => part.ReadySeconds):0.00} s |");
        text.AppendLine(CultureInfo.InvariantCulture, $"| private memory of one of them | {Of(part => (part.BytesAfter - part.BytesBefore) / 1024.0 / Count):0.0} KB |");
        text.AppendLine(CultureInfo.InvariantCulture, $"| a gateway with as many on Streamable HTTP listens after | {OfGateway(static part => part.ListeningSeconds):0.00} s |");
        text.AppendLine(CultureInfo.InvariantCulture, $"| and a call of the last of them is answered after | {OfGateway(static part => part.CalledSeconds):0.00} s |");
        text.AppendLine(CultureInfo.InvariantCulture, $"| private memory of that gateway | {OfGateway(static part => part.PrivateBytes / 1048576.0):0.0} MB |");
        return text.ToString();
    }
}
