using Fairlead.Configuration;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Calls to a server that takes longer to start than lists wait for it (decision 12).</summary>
public sealed class StartingServerTests
{
    [Fact]
    public async Task Call_WhenTheServersListsAreUnknownYet_WaitsForThem()
    {
        var mayStart = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var options = Echo.Options("echo");
        options.FirstListWaitMs = 0;
        options.Servers.Add(new ServerConfig { Name = "late" });
        var late = new LateServer(mayStart.Task);
        await using var host = await FrontHost.StartAsync(options, manager => manager.AddServer("late", late), waits: false);
        var call = host.ModernAsync("/mcp", "tools/call", "\"name\":\"late__hello\",\"arguments\":{}", "late__hello");
        await Guard.WithinAsync(late.Asked, "the start of the server");
        Assert.False(call.IsCompleted);

        mayStart.SetResult();

        Assert.Contains("\"resultType\":\"complete\"", (await call).Body, StringComparison.Ordinal);
    }

    private sealed class LateServer(Task mayStart) : IMcpServer
    {
        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Asked => _asked.Task;

        public async Task RunAsync(Stream input, Stream output, CancellationToken cancellationToken)
        {
            _asked.TrySetResult();
            await mayStart.WaitAsync(cancellationToken);
            await using var server = new ScriptedServer().SpeaksLegacy("""{"tools":{}}""")
                .On("tools/list", """ "result":{"tools":[{"name":"hello","inputSchema":{"type":"object"}}]} """)
                .On("tools/call", """ "result":{"content":[]} """);
            await await Task.WhenAny(input.CopyToAsync(server.Input, cancellationToken), server.Output.CopyToAsync(output, cancellationToken));
        }
    }
}
