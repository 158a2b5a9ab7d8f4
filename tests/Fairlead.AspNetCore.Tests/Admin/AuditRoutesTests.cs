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
