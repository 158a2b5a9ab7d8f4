using System.Buffers;
using System.Text;
using Fairlead.Configuration;
using Fairlead.Exchanges;
using Fairlead.Routing;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Tests.Exchanges.Tasks;

/// <summary>A call that becomes the wait for a task at a server of 2025-11-25, seen from the exchange (protocol.md 6, tasks 25-11-25, M→L).</summary>
public sealed class TaskTrafficTests : IAsyncDisposable
{
    private const string Created = """ "result":{"task":{"taskId":"t-1","status":"working","createdAt":"x","lastUpdatedAt":"x","ttl":null}}""";

    private static readonly byte[] s_request = Encoding.UTF8.GetBytes(
        """{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{"name":"work","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}""");

    private readonly FakeTimeProvider _clock = new();
    private readonly McpManager _manager;
    private readonly ScriptedRuns _runs = new(static server => server
        .SpeaksLegacy("""{"tools":{},"tasks":{"cancel":{},"requests":{"tools":{"call":{}}}}}""")
        .On("tools/list", """ "result":{"tools":[{"name":"work","inputSchema":{"type":"object"},"execution":{"taskSupport":"required"}}]} """)
        .On("tools/call", static _ => null)
        .On("tasks/result", static _ => null)
        .On("tasks/cancel", """ "result":{"taskId":"t-1","status":"cancelled","createdAt":"x","lastUpdatedAt":"x","ttl":null}""")
        .On("ping", """ "result":{} """));

    public TaskTrafficTests()
    {
        _manager = new McpManager(new FairleadOptions { Servers = { new ServerConfig { Name = "s" } } }, timeProvider: _clock);
        _manager.AddServer("s", _runs);
    }

    public ValueTask DisposeAsync() => _manager.DisposeAsync();

    [Fact]
    public async Task Question_RightBehindTheTask_FindsTheCallOpenAndSaysNothingOfTheTask()
    {
        var (server, exchange) = await CallAsync();
        var call = server.Received.Single(static request => request.Method == "tools/call");

        await server.SendAsync($$"""{"jsonrpc":"2.0",{{Created}},"id":{{call.Id}}}""");
        await server.SendAsync("""{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{"message":"?","requestedSchema":{},"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t-1"}}}}""");

        await Guard.WithinAsync(exchange.WaitAsync().AsTask(), "the question");
        Assert.False(exchange.IsComplete);
        Assert.True(exchange.TryReadMessage(out var question));
        Assert.Equal("""{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{"message":"?","requestedSchema":{},"_meta":{}}}""", Encoding.UTF8.GetString(question!.Bytes));
        question.Question!.Answer("result"u8, "{\"action\":\"cancel\"}"u8);
        await server.WhenReceivedAsync(static received => received.Any(static message => message.Line.Contains("\"action\":\"cancel\"", StringComparison.Ordinal)), "the answer");
        await AnswerAsync(server, """ "result":{"content":[]}""");

        Assert.Equal("""{"jsonrpc":"2.0", "result":{"resultType":"complete","content":[]},"id":"c"}""", await EndAsync(exchange));
    }

    [Fact]
    public async Task Cancel_BetweenTheTwoRequests_CancelsTheTask()
    {
        var (server, exchange) = await CallAsync();
        var call = server.Received.Single(static request => request.Method == "tools/call");

        // What a cancellation does that comes when the slot of the first request is given up and that of the second is not there yet.
        exchange.NoteGivenUp();
        await server.SendAsync($$"""{"jsonrpc":"2.0",{{Created}},"id":{{call.Id}}}""");
        await server.WhenReceivedAsync("tasks/cancel");

        await WhenCompleteAsync(exchange);
        Assert.Equal(ForwardError.ClientCancelled, exchange.Error);
        Assert.Equal("t-1", server.Received.Single(static request => request.Method == "tasks/cancel").Text("taskId"));
        exchange.Release();
    }

    [Fact]
    public async Task Cancel_BeforeTheTaskIsMade_CancelsItWhenItIs()
    {
        var (server, exchange) = await CallAsync();
        var call = server.Received.Single(static request => request.Method == "tools/call");
        exchange.Connection!.Cancel(exchange);
        await WhenCompleteAsync(exchange);
        Assert.Equal(ForwardError.ClientCancelled, exchange.Error);
        exchange.Release();

        await server.SendAsync($$"""{"jsonrpc":"2.0",{{Created}},"id":{{call.Id}}}""");
        await server.WhenReceivedAsync("tasks/cancel");

        Assert.Equal("t-1", server.Received.Single(static request => request.Method == "tasks/cancel").Text("taskId"));
        Assert.DoesNotContain(server.Received, static request => request.Method == "tasks/result");
    }

    [Fact]
    public async Task Wait_BeyondItsBound_EndsWithTheTask()
    {
        var (server, exchange) = await CallAsync();
        var call = server.Received.Single(static request => request.Method == "tools/call");
        await server.SendAsync($$"""{"jsonrpc":"2.0",{{Created}},"id":{{call.Id}}}""");
        await server.WhenReceivedAsync("tasks/result");

        _clock.Advance(TimeSpan.FromMinutes(59));
        Assert.False(exchange.IsComplete);
        _clock.Advance(TimeSpan.FromMinutes(2));
        await server.WhenReceivedAsync("tasks/cancel");

        await WhenCompleteAsync(exchange);
        Assert.Equal(ForwardError.ServerTimedOutHard, exchange.Error);
        exchange.Release();
    }

    [Fact]
    public async Task Calls_ManyAtOnceOfWhichSomeAreCancelled_AllEndAndLeaveNothingOpen()
    {
        var (server, first) = await CallAsync();
        server.On("tools/call", Created).On("tasks/result", """ "result":{"content":[]}""");
        first.Connection!.Cancel(first);
        await WhenCompleteAsync(first);
        first.Release();
        var connection = _manager.Fleet.TryGet("s", out var cell) ? cell.Current.Shared! : throw new InvalidOperationException("The server is not there.");
        var caller = new Caller(new object(), "{}"u8.ToArray());

        await Guard.WithinAsync(Task.WhenAll(Enumerable.Range(0, 500).Select(async number =>
        {
            var exchange = await SendAsync(cell, caller);
            if (number % 3 == 0)
            {
                connection.Cancel(exchange);
            }

            await WhenCompleteAsync(exchange);
            Assert.True(exchange.Error is ForwardError.None || (exchange.Error is ForwardError.ClientCancelled && number % 3 == 0), exchange.Error.ToString());
            exchange.Release();
        })), "500 calls");

        // The answers of cancellations that nobody waits for come before this one's.
        var last = await SendAsync(cell, caller);
        await WhenCompleteAsync(last);
        last.Release();
        Assert.Equal(0, connection.Pending.CountOpen());
    }

    private static async Task WhenCompleteAsync(Exchange exchange)
    {
        while (!exchange.IsComplete)
        {
            await Guard.WithinAsync(exchange.WaitAsync().AsTask(), "the end of the call");
        }
    }

    private static Task AnswerAsync(ScriptedServer server, string members) =>
        server.SendAsync($$"""{"jsonrpc":"2.0",{{members}},"id":{{server.Received.Single(static request => request.Method == "tasks/result").Id}}}""");

    private static async Task<string> EndAsync(Exchange exchange)
    {
        await WhenCompleteAsync(exchange);
        Assert.Equal(ForwardError.None, exchange.Error);
        var answer = new ArrayBufferWriter<byte>();
        AnswerSplicer.Write(exchange, answer);
        exchange.Release();
        return Encoding.UTF8.GetString(answer.WrittenSpan);
    }

    private async Task<(ScriptedServer Server, Exchange Exchange)> CallAsync()
    {
        await _manager.InitializeAsync();
        Assert.Equal(["s"], await Guard.WithinAsync(_manager.LaunchAllAsync(), "the scripted server to start"));
        var server = (await _runs.WhenRunAsync(1)).Server;
        Assert.True(_manager.Fleet.TryGet("s", out var cell));
        var exchange = await SendAsync(cell, new Caller(new object(), "{}"u8.ToArray()));
        await server.WhenReceivedAsync("tools/call");
        return (server, exchange);
    }

    private async Task<Exchange> SendAsync(ServerCell cell, Caller caller)
    {
        var exchange = Exchange.Rent();
        exchange.Request = s_request;
        exchange.ClientVersion = ProtocolVersion.V20260728;
        exchange.CarriesMessages = true;
        Assert.Equal(ScanError.None, EnvelopeScanner.Scan(s_request, ScanLimits.Default, out exchange.RequestEnvelope));
        Assert.Equal(IntakeFault.None, CallIntake.Route(exchange, cell.Offered));
        await new CallDispatcher(_manager.Fleet, _manager.Sweep, _manager.Options.Limits).SendAsync(exchange, caller, CancellationToken.None);
        return exchange;
    }
}
