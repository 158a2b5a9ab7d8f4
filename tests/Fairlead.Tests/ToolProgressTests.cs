using System.Text;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.Tests;

public sealed class ToolProgressTests
{
    [Fact]
    public async Task Call_WhenTheServerReportsProgress_TheStepsComeInOrderBeforeTheResult()
    {
        var runs = ScriptedRuns.Legacy(static server => server.On("tools/call", static _ => null));
        await using var manager = new McpManager();
        manager.AddServer("s", runs);
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });
        var steps = new Steps();
        var calling = manager.CallAsync("s", "hello", default, steps).AsTask();
        var server = (await runs.WhenRunAsync(1)).Server;
        await server.WhenReceivedAsync("tools/call");
        var call = server.Received.Single(static request => request.Method == "tools/call");
        using var given = JsonDocument.Parse(call.Params);
        var token = given.RootElement.GetProperty("_meta").GetProperty("progressToken").GetRawText();

        foreach (var members in (string[])["\"progress\":1", "\"progress\":1.5,\"total\":3,\"message\":\"half\"", "\"total\":3", "\"progress\":1e999"])
        {
            await server.SendAsync($$$"""{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":{{{token}}},{{{members}}}}}""");
        }

        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{call.Id}}},"result":{"content":[]}}""");

        Assert.False((await Guard.WithinAsync(calling, "the result")).IsError);
        Assert.Equal([new ToolProgress(1), new ToolProgress(1.5, 3, "half")], steps.All);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"progress":"1"}""")]
    public void TryRead_WhenThereIsNoNumber_IsFalse(string paramsText) => Assert.False(ToolProgress.TryRead(Encoding.UTF8.GetBytes(paramsText), out _));

    private sealed class Steps : IProgress<ToolProgress>
    {
        // Told on the call's own flow, read when it has ended.
        public List<ToolProgress> All { get; } = [];

        public void Report(ToolProgress value) => All.Add(value);
    }
}
