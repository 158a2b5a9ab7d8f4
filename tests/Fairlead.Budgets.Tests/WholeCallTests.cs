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

namespace Fairlead.Budgets.Tests;

/// <summary>The road without a web server: raw request, scan, route, exchange, a real child on stdio, answer (decision 6).</summary>
public class WholeCallTests
{
    private const int Calls = 10_000;
    private const int WarmRounds = 2;
    private const int Rounds = 6;

    private static readonly byte[] s_request = Encoding.UTF8.GetBytes(
        """{"jsonrpc":"2.0","id":"r-1","method":"tools/call","params":{"name":"echo","arguments":{"message":"hello"},"_meta":{"progressToken":"p","io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"}}}}""");

    [Theory]
    [InlineData("modern", "call.forwarded-to-modern")]
    [InlineData("legacy", "call.forwarded-to-legacy")]
    public async Task Call_WhenForwarded_KeepsItsBudget(string era, string budget)
    {
        var config = new ServerConfig { Name = "echo", Command = "dotnet" };
        config.Arguments.Add(TestPrograms.Library("Echo", "echo-server"));
        config.Arguments.Add("--era");
        config.Arguments.Add(era);

        // With a clock that stands still the 50 ms tick of the deadlines, whose timer allocates, does not run into the count.
        await using var manager = new McpManager(new FairleadOptions { Servers = { config } }, timeProvider: new FakeTimeProvider());
        await manager.InitializeAsync();
        Assert.Equal(["echo"], await Guard.WithinAsync(manager.LaunchAllAsync(), "the echo server to start"));
        Assert.True(manager.Fleet.TryGet("echo", out var cell));
        var dispatcher = new CallDispatcher(manager.Fleet, manager.Sweep, manager.Options.Limits);
        var answer = new ArrayBufferWriter<byte>(4096);

        var (allocated, last) = await Guard.WithinAsync(Task.Run(() => RunAsync(cell, dispatcher, answer)), "60 000 calls");

        Assert.Contains("\"id\":\"r-1\"", last, StringComparison.Ordinal);
        Assert.Contains("hello", last, StringComparison.Ordinal);

        // Whole bytes per call. What is less is the runtime's: a write to the pipe that has to wait, a few times in 10 000 on a busy machine, takes one box.
        BudgetFile.Check(budget, allocated / Calls);
    }

    // One async method for all calls: a box per call would be the harness's own allocation.
    private static async Task<(long Allocated, string Last)> RunAsync(ServerCell cell, CallDispatcher dispatcher, ArrayBufferWriter<byte> answer)
    {
        var caller = new Caller(null, "{}"u8.ToArray());
        CarryAMessage(cell);
        var least = long.MaxValue;
        for (var round = 0; round < Rounds; round++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            for (var i = 0; i < Calls; i++)
            {
                var exchange = Admit(cell.Offered);
                await dispatcher.SendAsync(exchange, caller, CancellationToken.None);
                while (!exchange.IsComplete)
                {
                    await exchange.WaitAsync();
                }

                Finish(exchange, answer);
            }

            // The first rounds fill the pools; background work of the runtime may allocate in any of the others.
            least = round < WarmRounds ? least : Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        // The two calls that read the counter cost a constant of their own.
        var empty = GC.GetTotalAllocatedBytes(precise: true);
        empty = GC.GetTotalAllocatedBytes(precise: true) - empty;
        return (Math.Max(0, least - empty), Encoding.UTF8.GetString(answer.WrittenSpan));
    }

    // A pooled exchange that once had something in its inbox must not cost more than another.
    private static void CarryAMessage(ServerCell cell)
    {
        var exchange = Admit(cell.Offered);
        var connection = cell.Current.Shared!;
        Assert.True(connection.TryOpen(exchange));
        Assert.True(exchange.Deliver(new CallMessage("{}"u8.ToArray(), default)));
        connection.Cancel(exchange);
        exchange.Release();
    }

    private static Exchange Admit(CatalogSnapshot offered)
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

        return exchange;
    }

    private static void Finish(Exchange exchange, ArrayBufferWriter<byte> answer)
    {
        if (exchange.Error != ForwardError.None)
        {
            throw new InvalidOperationException(exchange.Error.ToString());
        }

        answer.ResetWrittenCount();
        AnswerSplicer.Write(exchange, answer);
        exchange.Release();
    }
}
