using System.Net;
using System.Text;
using System.Text.Json;
using Fairlead.AspNetCore;
using Fairlead.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace Fairlead.Load;

/// <summary>
/// Bytes that a call allocates: the bare server and the gateway, one after the other, in this very process, called over one connection by a client that
/// allocates nothing. The difference is what the gateway adds; the pipe to the echo server is a real one.
/// </summary>
internal static class AllocationBench
{
    private const double AddedBytesMax = 512;

    public static async Task<int> RunAsync(LoadArguments arguments)
    {
        using var workplace = new Workplace(arguments);
        var calls = arguments.Number("--calls", 10_000);

        var bare = BareServer.Build(0);
        double bareBytes;
        double bareAgainBytes;
        await using (bare.ConfigureAwait(false))
        {
            await bare.StartAsync().ConfigureAwait(false);
            bareBytes = BytesPerCall(BareServer.UrlOf(bare), calls);
            bareAgainBytes = BytesPerCall(BareServer.UrlOf(bare), calls);
        }

        var gatewayBytes = await MeasureGatewayAsync(workplace, calls).ConfigureAwait(false);
        var verdict = Verdict.AtMost("added bytes per call through HTTP", gatewayBytes - bareBytes, AddedBytesMax, Math.Abs(bareAgainBytes - bareBytes));
        await File.WriteAllTextAsync(
            Path.Combine(workplace.Results, "bytes.json"), JsonSerializer.Serialize(new { calls, bareBytes, bareAgainBytes, gatewayBytes, verdict })).ConfigureAwait(false);
        Console.WriteLine(FormattableString.Invariant(
            $"Allocated per call, {calls} warm calls: bare {bareBytes:0.0} B (again {bareAgainBytes:0.0} B), through {gatewayBytes:0.0} B.\n\n- {verdict}\n"));
        return 0;
    }

    private static async Task<double> MeasureGatewayAsync(Workplace workplace, int calls)
    {
        var options = new FairleadOptions { Servers = [new ServerConfig { Name = "echo", Command = workplace.Echo }] };
        var manager = new McpManager(options);
        await using (manager.ConfigureAwait(false))
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
            builder.Services.AddFairlead(manager);
            var app = builder.Build();
            await using (app.ConfigureAwait(false))
            {
                app.MapFairlead();
                await manager.InitializeAsync().ConfigureAwait(false);
                await app.StartAsync().ConfigureAwait(false);
                await manager.LaunchAllAsync().ConfigureAwait(false);
                var bytes = BytesPerCall(BareServer.UrlOf(app), calls);
                await manager.ShutdownAsync(TimeSpan.Zero).ConfigureAwait(false);
                return bytes;
            }
        }
    }

    private static double BytesPerCall(Uri url, int calls)
    {
        var answer = Encoding.UTF8.GetBytes(BenchCall.Answer);
        using var client = new RawClient(new Uri(url, Workplace.EndpointOf(1)));

        // Long enough for the compiler to be done with what it does in steps.
        Repeat(client, answer, calls * 3);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        Repeat(client, answer, calls);
        return (double)(GC.GetTotalAllocatedBytes(precise: true) - before) / calls;
    }

    private static void Repeat(RawClient client, byte[] answer, int calls)
    {
        for (var i = 0; i < calls; i++)
        {
            client.Call(answer);
        }
    }
}
