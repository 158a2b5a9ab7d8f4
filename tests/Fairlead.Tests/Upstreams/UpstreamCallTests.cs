using System.Text;
using Fairlead.Configuration;
using Fairlead.TestKit;
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
}
