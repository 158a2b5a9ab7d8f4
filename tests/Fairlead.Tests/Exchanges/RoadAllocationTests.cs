using System.Buffers;
using System.Text;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Exchanges;
using Fairlead.Routing;
using Fairlead.TestKit;
using Fairlead.Tests.Processes;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Tests.Exchanges;

/// <summary>Runs alone: what other tests allocate meanwhile would be counted too.</summary>
[CollectionDefinition(nameof(RoadAllocationTests), DisableParallelization = true)]
public class RoadAllocationCollection;

/// <summary>The road without a web server: raw request, scan, route, exchange, a real child on stdio, answer. Exactly no byte is allocated per call (decision 6).</summary>
[Collection(nameof(RoadAllocationTests))]
public class RoadAllocationTests
{
    private const int Warm = 20_000;
    private const int Calls = 10_000;

    private static readonly byte[] s_request = Encoding.UTF8.GetBytes(
        """{"jsonrpc":"2.0","id":"r-1","method":"tools/call","params":{"name":"echo","arguments":{"message":"hello"},"_meta":{"progressToken":"p","io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"}}}}""");

    [Theory]
    [InlineData("modern")]
    [InlineData("legacy")]
    public async Task Call_WhenWarm_AllocatesNothing(string era)
    {
        var config = new ServerConfig { Name = "echo", Command = "dotnet" };
        config.Arguments.Add(TestPrograms.Library("Echo", "echo-server"));
        config.Arguments.Add("--era");
        config.Arguments.Add(era);
        await using var manager = new McpManager(new FairleadOptions { Servers = { config } });
        await manager.InitializeAsync();
        Assert.Equal(["echo"], await Guard.WithinAsync(manager.LaunchAllAsync(), "the echo server to start"));
        Assert.True(manager.Fleet.TryGet("echo", out var cell));
        var dispatcher = new CallDispatcher(manager.Fleet, manager.Sweep, manager.Options.Limits);
        var answer = new ArrayBufferWriter<byte>(4096);

        var (allocated, last) = await Guard.WithinAsync(Task.Run(() => RunAsync(cell, dispatcher, answer)), "30 000 calls");

        Assert.Contains("\"id\":\"r-1\"", last, StringComparison.Ordinal);
        Assert.Contains("hello", last, StringComparison.Ordinal);
        Assert.Equal(0, allocated);
    }

    private static async Task<(long Allocated, string Last)> RunAsync(ServerCell cell, CallDispatcher dispatcher, ArrayBufferWriter<byte> answer)
    {
        var caller = new Caller(null, "{}"u8.ToArray());
        for (var i = 0; i < Warm; i++)
        {
            await CallAsync(cell.Offered, dispatcher, caller, answer);
        }

        // Background work of the runtime allocates now and then: the least of several rounds is what the road itself costs.
        var least = long.MaxValue;
        for (var round = 0; round < 5; round++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            for (var i = 0; i < Calls; i++)
            {
                await CallAsync(cell.Offered, dispatcher, caller, answer);
            }

            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        // The two calls that read the counter cost a constant of their own.
        var empty = GC.GetTotalAllocatedBytes(precise: true);
        empty = GC.GetTotalAllocatedBytes(precise: true) - empty;
        return (Math.Max(0, least - empty), Encoding.UTF8.GetString(answer.WrittenSpan));
    }

    [System.Runtime.CompilerServices.AsyncMethodBuilder(typeof(System.Runtime.CompilerServices.PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask CallAsync(CatalogSnapshot offered, CallDispatcher dispatcher, Caller caller, ArrayBufferWriter<byte> answer)
    {
        var exchange = Exchange.Rent();
        exchange.Request = s_request;
        exchange.ClientVersion = ProtocolVersion.V20260728;
        if (EnvelopeScanner.Scan(s_request, ScanLimits.Default, out exchange.RequestEnvelope) != ScanError.None
            || EraClassifier.ClassifyPost(exchange.RequestEnvelope, s_request, "2026-07-28") != EraVerdict.Modern
            || ModernRequest.Check(exchange.RequestEnvelope, s_request, "2026-07-28", "tools/call", "echo") != ModernFault.None
            || CallIntake.Route(exchange, offered) != IntakeFault.None)
        {
            throw new InvalidOperationException("The request was refused.");
        }

        await dispatcher.SendAsync(exchange, caller, CancellationToken.None);
        while (!exchange.IsComplete)
        {
            await exchange.WaitAsync();
        }

        if (exchange.Error != ForwardError.None)
        {
            throw new InvalidOperationException(exchange.Error.ToString());
        }

        answer.ResetWrittenCount();
        AnswerSplicer.Write(exchange, answer);
        exchange.Release();
    }
}
