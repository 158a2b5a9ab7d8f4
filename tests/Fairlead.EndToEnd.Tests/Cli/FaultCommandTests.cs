using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary><c>fairlead fault</c> against a running <c>fairlead up</c>.</summary>
public sealed class FaultCommandTests : IAsyncLifetime
{
    private const int SigKill = 9;

    private GatewayProcess _gateway = null!;

    public async Task InitializeAsync()
    {
        _gateway = await GatewayProcess.StartAsync(Configuration(enabled: true));
        await _gateway.LineAsync(static line => line.Contains("\"id\":\"echo\",\"state\":\"Healthy\"", StringComparison.Ordinal), "the server");
    }

    public async Task DisposeAsync() => await _gateway.DisposeAsync();

    [Fact]
    public async Task Fault_OfItsWholeLife_IsToldByEachCommand()
    {
        Assert.Contains(
            "f1: latency 200 ms + 50 ms, 20 % of echo at echo, active for ",
            (await RunAsync("fault", "inject", "echo", "--kind", "latency", "--latency", "200ms", "--jitter", "50ms", "--percent", "20", "--tool", "echo", "--for", "5m")).Ended(0).Output, StringComparison.Ordinal);
        var error = JsonNode.Parse((await RunAsync("fault", "inject", "echo", "--kind", "error", "--json")).Ended(0).Output)!;
        Assert.Equal("f2", (string?)error["id"]);
        Assert.StartsWith("fairlead fault inject, ", (string?)error["by"], StringComparison.Ordinal);

        Assert.Contains("injected fault: latency (f1), error (f2)", (await RunAsync("ps")).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("was injected on purpose", (await RunAsync("call", "echo", "echo", """{"message":"hi"}""")).Ended(1).Output, StringComparison.Ordinal);
        Assert.Contains("f1", (await RunAsync("fault", "list")).Ended(0).Output, StringComparison.Ordinal);

        Assert.Contains("f2: error at echo, ended: it was ended by hand; calls hit: ", (await RunAsync("fault", "clear", "f2")).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("f2 has ended already", (await RunAsync("fault", "clear", "f2")).Ended(8).Output, StringComparison.Ordinal);
        Assert.Contains("f1: latency", (await RunAsync("fault", "clear")).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("No fault was active.", (await RunAsync("fault", "clear")).Ended(0).Output, StringComparison.Ordinal);
        using var list = JsonDocument.Parse((await RunAsync("fault", "list", "--json")).Ended(0).Output);
        Assert.Equal(2, list.RootElement.GetProperty("ended").GetArrayLength());
        (await RunAsync("call", "echo", "echo", """{"message":"hi"}""")).Ended(0);
    }

    [Fact]
    public async Task Fault_ThatCannotBe_IsRefusedWithTheReason()
    {
        Assert.Contains("'soon' is no length of time", (await RunAsync("fault", "inject", "echo", "--kind", "error", "--for", "soon")).Ended(2).Output, StringComparison.Ordinal);
        (await RunAsync("fault", "inject", "echo", "--kind", "slow")).Ended(2);
        (await RunAsync("fault", "inject", "echo")).Ended(2);
        Assert.Contains("faultInjection.maxDurationMs", (await RunAsync("fault", "inject", "echo", "--kind", "error", "--for", "1h")).Ended(1).Output, StringComparison.Ordinal);
        Assert.Contains("Did you mean 'echo'?", (await RunAsync("fault", "inject", "ehco", "--kind", "error")).Ended(8).Output, StringComparison.Ordinal);

        (await RunAsync("fault", "inject", "echo", "--kind", "error", "--for", "5m")).Ended(0);
        await File.WriteAllTextAsync(_gateway.ConfigurationFile, Configuration(enabled: false).ToJsonString());
        (await RunAsync("reload")).Ended(0);
        Assert.Contains("was switched off", (await RunAsync("fault", "list")).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("faultInjection.enabled", (await RunAsync("fault", "inject", "echo", "--kind", "error")).Ended(1).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stall_WhenFairleadItselfIsKilled_LeavesNoStoppedProcessBehind()
    {
        using var servers = JsonDocument.Parse((await RunAsync("ps", "--json")).Ended(0).Output);
        var child = servers.RootElement.GetProperty("servers")[0].GetProperty("processId").GetInt32();
        (await RunAsync("fault", "inject", "echo", "--kind", "stall", "--for", "5m")).Ended(0);
        await ProcessTable.WhenInStateAsync(child, 'T');

        ProcessTable.Signal(_gateway.Id, SigKill);

        await ProcessTable.WhenGoneAsync(child);
    }

    private static JsonObject Configuration(bool enabled) => new()
    {
        ["faultInjection"] = enabled,
        ["servers"] = new JsonObject { ["echo"] = GatewayProcess.Stdio("dotnet", RepositoryPaths.BuiltAssembly("Echo", "echo-server.dll")) },
    };

    private Task<CliRun> RunAsync(params string[] arguments) => CliRun.OfAsync([.. arguments, "--state", _gateway.StateFolder]);
}
