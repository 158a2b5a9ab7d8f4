using System.Net;
using System.Text.Json;
using Fairlead.Audit;
using Fairlead.Configuration;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>What administrators do over HTTP, and what others are kept from, is in the audit log and can be found there.</summary>
public sealed class AuditRoutesTests : IAsyncLifetime
{
    private const string Path = "/api/v1/audit";

    private readonly string _state = Directory.CreateTempSubdirectory("fairlead-audit-").FullName;
    private FrontHost _host = null!;

    public async Task InitializeAsync() => _host = await RestHost.StartAsync(options => options.StateFolder = _state);

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        Directory.Delete(_state, recursive: true);
    }

    [Fact]
    public async Task Changes_AreRecordedWithTheirOutcomeAndReadsAreNot()
    {
        await AdminAsync(HttpMethod.Post, "/api/v1/servers/calc/maintenance", """{"on":true,"reason":"cleaning"}""");
        await AdminAsync(HttpMethod.Post, "/api/v1/servers/calk/stop");
        await AdminAsync(HttpMethod.Post, "/api/v1/servers/calc/tools/say/disable");
        await AdminAsync(HttpMethod.Get, "/api/v1/servers/calc/logs");
        await RestHost.SendAsync(_host, HttpMethod.Post, "/api/v1/servers/calc/stop", token: "guessed");

        var records = await FindAsync("?kind=change");

        Assert.Equal(
            [
                ("calc", "POST /api/v1/servers/{id}/stop", null, "unknown", "denied", "Unauthenticated"),
                ("calc", "POST /api/v1/servers/{id}/tools/{tool}/disable", "say", "admin", "allowed", "ok"),
                ("calk", "POST /api/v1/servers/{id}/stop", null, "admin", "allowed", "ServerNotFound"),
                ("calc", "POST /api/v1/servers/{id}/maintenance", null, "admin", "allowed", "ok"),
            ],
            records.Select(static record => (Text(record, "server"), Text(record, "method"), Text(record, "target"), Text(record, "principal"), Text(record, "verdict"), Text(record, "outcome"))));
        Assert.All(records, static record => Assert.Equal("rest", Text(record, "via")));
        Assert.Single(await FindAsync("?verdict=denied"));
        Assert.Equal("calk", Text(Assert.Single(await FindAsync("?outcome=failed&verdict=allowed")), "server"));
        Assert.True(AuditVerification.Of(System.IO.Path.Combine(_state, "audit")).IsSound);
    }

    [Fact]
    public async Task Changes_OfTheProgramItself_AreRecordedAsItsOwnAndThoseOverRestOnce()
    {
        var manager = _host.Manager;
        await AdminAsync(HttpMethod.Post, "/api/v1/servers/calc/stop");
        await manager.StartServerAsync("calc");
        await manager.ScaleServerAsync("calc", 1);
        await manager.RestartServerAsync("calc");
        await manager.SetMaintenanceAsync("calc", on: true, "cleaning");
        await manager.SetMaintenanceAsync("calc", on: false);
        await manager.DisableToolAsync("calc", "say");
        await manager.EnableToolAsync("calc", "say");
        await manager.DisableServerAsync("calc");
        await manager.EnableServerAsync("calc");
        await manager.ShutdownServerAsync("calc");
        await Assert.ThrowsAsync<ServerNotFound>(() => manager.UndeployServerAsync("calk"));
        await Assert.ThrowsAsync<FaultRefused>(() => manager.InjectFaultAsync("calc", new FaultRequest(FaultKind.Error)));
        await Assert.ThrowsAsync<FaultNotFound>(() => manager.EndFaultAsync("f9"));
        await Assert.ThrowsAsync<DeploymentFailed>(() => manager.StartRolloutAsync("calc"));
        var name = await manager.DeployServerAsync(new ServerConfig { Name = "Extra", Command = "nothing", Disabled = true });
        await manager.UpdateServerAsync(name, new ServerConfig { Command = "nothing else", Disabled = true });
        await manager.UndeployServerAsync(name);
        await manager.ListServersAsync();

        var records = Enumerable.Reverse(await FindAsync("?kind=change")).ToList();

        Assert.Equal(("rest", "POST /api/v1/servers/{id}/stop"), (Text(records[0], "via"), Text(records[0], "method")));
        Assert.All(records.Skip(1), static record => Assert.Equal(("in-process", "local", "allowed"), (Text(record, "via"), Text(record, "principal"), Text(record, "verdict"))));
        Assert.Equal(
            [
                ("start", "calc", null, "ok"), ("scale", "calc", null, "ok"), ("restart", "calc", null, "ok"), ("maintenance on", "calc", null, "ok"), ("maintenance off", "calc", null, "ok"),
                ("disable", "calc", "say", "ok"), ("enable", "calc", "say", "ok"), ("disable", "calc", null, "ok"), ("enable", "calc", null, "ok"), ("stop", "calc", null, "ok"),
                ("undeploy", "calk", null, "ServerNotFound"), ("fault inject", "calc", null, "FaultRefused"), ("fault clear", null, "f9", "FaultNotFound"), ("rollout start", "calc", null, "DeploymentFailed"),
                ("deploy", "extra", null, "ok"), ("update", "extra", null, "ok"), ("undeploy", "extra", null, "ok"),
            ],
            records.Skip(1).Select(static record => (Text(record, "method"), Text(record, "server"), Text(record, "target"), Text(record, "outcome"))));
    }

    [Fact]
    public async Task Validation_OfAConfiguration_ChangesNothingAndIsNotRecorded()
    {
        await AdminAsync(HttpMethod.Post, "/api/v1/configuration/validate", """{"text":"{}"}""");
        await RestHost.SendAsync(_host, HttpMethod.Post, "/api/v1/configuration/validate", """{"text":"{}"}""", token: "guessed");

        var record = Assert.Single(await FindAsync("?kind=change"));
        Assert.Equal(("denied", "Unauthenticated"), (Text(record, "verdict"), Text(record, "outcome")));
    }

    [Fact]
    public async Task SignIns_AtADashboard_AreRecordedAlsoWhenTheyFail()
    {
        var (_, code, _) = await AdminAsync(HttpMethod.Post, "/api/v1/dashboard/codes", "{}");
        var body = JsonSerializer.Serialize(new { code = code.GetProperty("code").GetString() });
        for (var i = 0; i < 2; i++)
        {
            await RestHost.SendAsync(_host, HttpMethod.Post, "/api/v1/dashboard/sessions", body);
        }

        var records = await FindAsync("?kind=change");

        Assert.Equal(
            [
                ("POST /api/v1/dashboard/sessions", "unknown", "denied", "Unauthenticated"),
                ("POST /api/v1/dashboard/sessions", "admin", "allowed", "ok"),
                ("POST /api/v1/dashboard/codes", "admin", "allowed", "ok"),
            ],
            records.Select(static record => (Text(record, "method"), Text(record, "principal"), Text(record, "verdict"), Text(record, "outcome"))));
        Assert.DoesNotContain(code.GetProperty("code").GetString()!, JsonSerializer.Serialize(records), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Records_ComeInPages()
    {
        for (var i = 0; i < 5; i++)
        {
            await AdminAsync(HttpMethod.Post, "/api/v1/servers/calc/enable");
        }

        var seen = new List<long>();
        string? cursor = null;
        do
        {
            var (_, page, _) = await AdminAsync(HttpMethod.Get, $"{Path}?kind=change&limit=2{(cursor is null ? "" : "&cursor=" + cursor)}");
            seen.AddRange(page.GetProperty("records").EnumerateArray().Select(static record => record.GetProperty("seq").GetInt64()));
            cursor = page.TryGetProperty("nextCursor", out var next) ? next.GetString() : null;
        }
        while (cursor is not null);

        Assert.Equal([7, 6, 5, 4, 3], seen);
    }

    [Theory]
    [InlineData("?limit=0", "above 0")]
    [InlineData("?limit=1001", "from 1 to 1000")]
    [InlineData("?cursor=abc", "nextCursor")]
    [InlineData("?since=yesterday", "looks like")]
    [InlineData("?who=me", "principal")]
    public async Task Query_ThatCannotBeUnderstood_SaysWhatItMayBe(string query, string part)
    {
        var answer = await AdminAsync(HttpMethod.Get, Path + query);

        RestHost.AssertProblem(answer, HttpStatusCode.BadRequest, "InvalidRequest");
        Assert.Contains(part, answer.Body.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Log_ThatIsOff_IsNotThere()
    {
        await using var host = await RestHost.StartAsync(static options => options.Audit.Record = AuditScope.Off);

        RestHost.AssertProblem(await RestHost.SendAsync(host, HttpMethod.Get, Path, token: FrontHost.AdminToken), HttpStatusCode.NotFound, "NotFound");
    }

    [Fact]
    public async Task Log_WithoutTheToken_IsNotShown() =>
        RestHost.AssertProblem(await RestHost.SendAsync(_host, HttpMethod.Get, Path), HttpStatusCode.Unauthorized, "Unauthenticated");

    private async Task<List<JsonElement>> FindAsync(string query)
    {
        var (status, body, _) = await AdminAsync(HttpMethod.Get, Path + query);
        Assert.Equal(HttpStatusCode.OK, status);
        return [.. body.GetProperty("records").EnumerateArray()];
    }

    private Task<(HttpStatusCode Status, JsonElement Body, HttpResponseMessage Response)> AdminAsync(HttpMethod method, string path, string? body = null) =>
        RestHost.SendAsync(_host, method, path, body, FrontHost.AdminToken);

    private static string? Text(JsonElement record, string name) => record.TryGetProperty(name, out var value) ? value.ToString() : null;
}
