using System.Text;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;
using Fairlead.Upstreams;

namespace Fairlead.Tests.Upstreams;

public sealed class UpstreamCallTests
{
    [Theory]
    [InlineData(10, 64)]
    [InlineData(100_000, 11)]
    public async Task Deliver_WhenTheClientDoesNotRead_TakesOnlySoManyMessagesAndBytes(int bytes, int taken)
    {
        using var sweep = new DeadlineSweep(new FakeTimeProvider());
        await using var server = new ScriptedServer();
        await using var connection = new MultiplexedConnection(
            "s", server.Input, server.Output, sweep, new LimitsOptions(), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        var call = UpstreamCall.Create();
        Assert.True(connection.TryOpen(call));
        var message = new CallMessage(Encoding.UTF8.GetBytes(new string(' ', bytes)), default);

        Assert.Equal(taken, Enumerable.Range(0, 100).Count(_ => call.Deliver(message)));
        Assert.Equal(100 - taken, call.Dropped);

        // What is read makes room.
        Assert.True(call.TryReadMessage(out _));
        Assert.True(call.Deliver(message));
    }

    [Fact]
    public async Task Release_WhenAQuestionWasNotRead_DeclinesIt()
    {
        var runs = ScriptedRuns.Legacy(static server => server.On("tools/call", static _ => null));
        await using var manager = new McpManager();
        manager.AddServer("s", runs);
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });
        await manager.ReachedAsync("s", ServerState.Healthy);
        var (connection, server) = (manager.Cell("s").Current.Shared!, (await runs.WhenRunAsync(1)).Server);
        var call = UpstreamCall.Create();
        (call.Owner, call.CarriesMessages) = (new object(), true);
        Assert.True(connection.TryOpen(call));

        await server.SendAsync("""{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{}}}}""");
        await Guard.WithinAsync(call.WaitAsync(), "the question");
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{call.UpstreamId}}},"result":{"content":[]}}""");
        await Guard.WithinAsync(Task.Run(() => SpinWait.SpinUntil(() => call.IsComplete)), "the answer");
        call.Release();

        await server.WhenReceivedAsync(static received => received.Any(static line => line.Line == """{"jsonrpc":"2.0","id":7,"result":{"action":"cancel"}}"""), "the question to be declined");
    }
}
