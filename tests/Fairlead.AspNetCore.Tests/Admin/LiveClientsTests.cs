using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>Clients of both eras are told of each change of the fleet, and see what is left.</summary>
public sealed class LiveClientsTests : IAsyncLifetime
{
    private const string Listen = """{"jsonrpc":"2.0","id":7,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}""";

    private LiveHost _host = null!;
    private string _session = "";
    private EventStream _legacy = null!;
    private EventStream _modern = null!;

    public async Task InitializeAsync()
    {
        _host = await LiveHost.StartAsync();
        _session = await _host.Front.InitializeAsync("/mcp");
        _legacy = await EventStream.GetAsync(_host.Front, "/mcp", _session);
        _modern = await EventStream.OpenAsync(_host.Front, FrontHost.Compose("/mcp", Listen, "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: subscriptions/listen"));
        Assert.Contains("acknowledged", await _modern.DataAsync("the acknowledgement"), StringComparison.Ordinal);
    }

    public async Task DisposeAsync()
    {
        _legacy.Dispose();
        _modern.Dispose();
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task Server_WhenDisabledAndEnabled_BothAreToldAndItsToolsGoAndCome()
    {
        await _host.PostAsync("/calc/disable");
        await BothAreToldAsync("disable");
        await BothListAsync("calc__say", isThere: false);

        await _host.PostAsync("/calc/enable");
        await BothAreToldAsync("enable");
        await BothListAsync("calc__say", isThere: true);
    }

    [Fact]
    public async Task Server_WhenDisabled_ItsOwnEndpointListsNothingAndSaysWhy()
    {
        var session = await _host.Front.InitializeAsync("/mcp/calc");
        using var stream = await EventStream.GetAsync(_host.Front, "/mcp/calc", session);
        await _host.PostAsync("/calc/disable");
        Assert.Contains("notifications/tools/list_changed", await stream.DataAsync("word of it at the server's own endpoint"), StringComparison.Ordinal);

        Assert.DoesNotContain("\"say\"", await RequestAsync("/mcp/calc", session, "tools/list", "{}"), StringComparison.Ordinal);
        Assert.Contains("disabled by hand", await RequestAsync("/mcp/calc", session, "tools/call", """{"name":"say","arguments":{}}"""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tool_WhenDisabledAndEnabled_BothAreToldAndItAloneGoesAndComes()
    {
        await _host.PostAsync("/calc/tools/say/disable");
        await BothAreToldAsync("disable of the tool");
        await BothListAsync("calc__say", isThere: false);
        await BothListAsync("calc__add", isThere: true);

        await _host.PostAsync("/calc/tools/say/enable");
        await BothAreToldAsync("enable of the tool");
        await BothListAsync("calc__say", isThere: true);
    }

    [Fact]
    public async Task Server_WhenDeployedAndUndeployed_BothAreTold()
    {
        await _host.PostAsync("", LiveHost.Extra);
        await BothAreToldAsync("deploy");
        await _host.ReachedAsync("extra", ServerState.Healthy);
        await BothListAsync("extra__hello", isThere: true);

        await _host.SendAsync(HttpMethod.Delete, "/extra");
        await BothAreToldAsync("undeploy");
        await BothListAsync("extra__hello", isThere: false);
    }

    [Fact]
    public async Task Server_WhenInMaintenance_BothKeepTheListsAndLearnTheReason()
    {
        await _host.PostAsync("/calc/maintenance", """{"on":true,"reason":"until noon"}""");
        await BothListAsync("calc__say", isThere: true);
        Assert.Contains("Maintenance: until noon", await RequestAsync("/mcp", _session, "tools/call", """{"name":"calc__say","arguments":{}}"""), StringComparison.Ordinal);
        var (_, modern, _) = await _host.Front.ModernAsync("/mcp", "tools/call", """ "name":"calc__say","arguments":{} """, "calc__say");
        Assert.Contains("Maintenance: until noon", modern, StringComparison.Ordinal);
    }

    private async Task BothAreToldAsync(string what)
    {
        Assert.Contains("notifications/tools/list_changed", await _legacy.DataAsync($"word of {what} to the legacy client"), StringComparison.Ordinal);
        Assert.Contains("notifications/tools/list_changed", await _modern.DataAsync($"word of {what} to the modern client"), StringComparison.Ordinal);
    }

    private async Task BothListAsync(string tool, bool isThere)
    {
        var (_, modern, _) = await _host.Front.ModernAsync("/mcp", "tools/list", "");
        Assert.Equal(isThere, modern.Contains($"\"{tool}\"", StringComparison.Ordinal));
        Assert.Equal(isThere, (await RequestAsync("/mcp", _session, "tools/list", "{}")).Contains($"\"{tool}\"", StringComparison.Ordinal));
    }

    private async Task<string> RequestAsync(string path, string session, string method, string parameters)
    {
        var (_, body, _) = await _host.Front.PostAsync(path, "{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"method\":\"" + method + "\",\"params\":" + parameters + "}", "Mcp-Session-Id: " + session);
        return EventStream.LastMessage(body);
    }
}
