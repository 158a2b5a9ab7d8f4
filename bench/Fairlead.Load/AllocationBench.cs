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
        var echo = new ServerConfig { Name = "echo", Command = workplace.Echo };

        // Long enough for the compiler to be done with what it does in steps.
        var through = await MeasureGatewayAsync(echo, "tools/call", calls * 3, calls).ConfigureAwait(false);
        var (bare, bareAgain) = await MeasureBareAsync("tools/call", BenchCall.Answer, calls * 3, calls).ConfigureAwait(false);
        var (gatewayBytes, bareBytes, bareAgainBytes) = (through.Mean, bare.Mean, bareAgain.Mean);
        var verdict = Verdict.AtMost("added bytes per call through HTTP", gatewayBytes - bareBytes, AddedBytesMax, Math.Abs(bareAgainBytes - bareBytes));
        await File.WriteAllTextAsync(
            Path.Combine(workplace.Results, "bytes.json"), JsonSerializer.Serialize(new { calls, bareBytes, bareAgainBytes, gatewayBytes, bareUsualBytes = bare.Usual, gatewayUsualBytes = through.Usual, verdict })).ConfigureAwait(false);
        Console.WriteLine(FormattableString.Invariant(
            $"Allocated per call, {calls} warm calls: bare {bareBytes:0.0} B (again {bareAgainBytes:0.0} B), through {gatewayBytes:0.0} B; usually {bare.Usual:0} and {through.Usual:0} B.\n\n- {verdict}\n"));
        return 0;
    }

    /// <summary>Bytes per request of the bare server, measured twice.</summary>
    /// <param name="method">What is asked.</param>
    /// <param name="answer">What it answers.</param>
    /// <param name="warmCalls">Requests before.</param>
    /// <param name="calls">Requests that are counted.</param>
    public static async Task<(CallBytes Bytes, CallBytes AgainBytes)> MeasureBareAsync(string method, string answer, int warmCalls, int calls)
    {
        var bare = BareServer.Build(0, answer);
        await using (bare.ConfigureAwait(false))
        {
            await bare.StartAsync().ConfigureAwait(false);
            using var client = new RawClient(BareServer.UrlOf(bare), method);
            var expected = Encoding.UTF8.GetBytes(answer);
            return (BytesPerCall(client, expected, warmCalls, calls), BytesPerCall(client, expected, warmCalls, calls));
        }
    }

    /// <summary>Bytes per request of a gateway in this process before one echo server; a call must be answered as <see cref="BenchCall.Answer"/>, a list as <see cref="ListAnswerAsync"/> says.</summary>
    /// <param name="echo">How the echo server is started; its name is echo.</param>
    /// <param name="method">tools/call or tools/list.</param>
    /// <param name="warmCalls">Requests before.</param>
    /// <param name="calls">Requests that are counted.</param>
    public static Task<CallBytes> MeasureGatewayAsync(ServerConfig echo, string method, int warmCalls, int calls) => WithGatewayAsync(echo, async endpoint =>
    {
        var answer = method == "tools/call" ? BenchCall.Answer : await ListAnswerAsync(endpoint).ConfigureAwait(false);
        using var client = new RawClient(endpoint, method);
        return BytesPerCall(client, Encoding.UTF8.GetBytes(answer), warmCalls, calls);
    });

    /// <summary>What the gateway answers to <see cref="BenchCall.ListBody"/>.</summary>
    public static Task<string> ListAnswerAsync(ServerConfig echo) => WithGatewayAsync(echo, ListAnswerAsync);

    private static async Task<T> WithGatewayAsync<T>(ServerConfig echo, Func<Uri, Task<T>> use)
    {
        // A call that a busy machine holds up for a moment is answered as JSON all the same, so that all are alike.
        var manager = new McpManager(new FairleadOptions { Servers = [echo], SseGraceMs = 60_000 });
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
                var result = await use(new Uri(BareServer.UrlOf(app), Workplace.EndpointOf(1))).ConfigureAwait(false);
                await manager.ShutdownAsync(TimeSpan.Zero).ConfigureAwait(false);
                return result;
            }
        }
    }

    private static async Task<string> ListAnswerAsync(Uri endpoint)
    {
        using var http = new HttpClient();
        using var request = BenchCall.Request(endpoint, "tools/list", BenchCall.ListBody);
        using var response = await http.SendAsync(request).ConfigureAwait(false);
        return await response.Content.ReadAsStringAsync().ConfigureAwait(false);
    }

    private static CallBytes BytesPerCall(RawClient client, byte[] answer, int warmCalls, int calls)
    {
        Repeat(client, answer, warmCalls);

        // One by one: timers of the web server and the runtime's own work fall into few of them.
        var bytes = new double[calls];
        for (var i = 0; i < calls; i++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            client.Call(answer);
            bytes[i] = GC.GetTotalAllocatedBytes(precise: true) - before;
        }

        // Some wait for less, when the answer is there before it is waited for, and some for more; what most calls have is one number.
        var usual = bytes.GroupBy(static count => count).MaxBy(static group => group.Count())!.Key;
        return new CallBytes(usual, bytes.Average());
    }

    private static void Repeat(RawClient client, byte[] answer, int calls)
    {
        for (var i = 0; i < calls; i++)
        {
            client.Call(answer);
        }
    }
}

/// <summary>What one call allocates, in bytes.</summary>
/// <param name="Usual">What most of them have.</param>
/// <param name="Mean">Over all of them.</param>
internal readonly record struct CallBytes(double Usual, double Mean);
