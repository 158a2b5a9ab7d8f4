using System.Net;
using System.Text.Json;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>Faults over the API: injected, shown, ended, and refused with a sentence that says how to mend it.</summary>
public sealed class FaultRoutesTests : IAsyncLifetime
{
    private const string Path = "/api/v1/servers/calc/faults";

    private FrontHost _host = null!;

    public async Task InitializeAsync() => _host = await RestHost.StartAsync(static options => options.FaultInjection.Enabled = true);

    public Task DisposeAsync() => _host.DisposeAsync().AsTask();

    [Fact]
    public async Task Fault_OfItsWholeLife_IsShownWhereItLies()
    {
        var (status, fault, _) = await SendAsync(
            HttpMethod.Post, Path, """{"kind":"latency","latencyMs":500,"jitterMs":100,"percent":20,"tool":"say","durationMs":60000,"by":"me"}""");
        Assert.Equal(HttpStatusCode.Created, status);
        Assert.Equal(
            ("f1", "calc", "latency", "say", 20, 500, 100, "me", 0),
            (Text(fault, "id"), Text(fault, "server"), Text(fault, "kind"), Text(fault, "tool"), Number(fault, "percent"), Number(fault, "latencyMs"), Number(fault, "jitterMs"), Text(fault, "by"), Number(fault, "callsAffected")));
        Assert.Equal(60, (fault.GetProperty("endsAt").GetDateTimeOffset() - fault.GetProperty("startedAt").GetDateTimeOffset()).TotalSeconds);

        var list = (await RestHost.SendAsync(_host, HttpMethod.Get, "/api/v1/faults")).Body;
        Assert.True(list.GetProperty("enabled").GetBoolean());
        Assert.Equal("f1", Text(Assert.Single(list.GetProperty("active").EnumerateArray()), "id"));
        var server = (await RestHost.SendAsync(_host, HttpMethod.Get, "/api/v1/servers/calc")).Body;
        Assert.Equal("f1", Text(Assert.Single(server.GetProperty("faults").EnumerateArray()), "id"));

        var ended = (await SendAsync(HttpMethod.Delete, "/api/v1/faults/f1")).Body;
        Assert.Equal("it was ended by hand", Text(ended, "endReason"));
        list = (await RestHost.SendAsync(_host, HttpMethod.Get, "/api/v1/faults")).Body;
        Assert.Empty(list.GetProperty("active").EnumerateArray());
        Assert.Equal("f1", Text(Assert.Single(list.GetProperty("ended").EnumerateArray()), "id"));
    }

    [Fact]
    public async Task Faults_WhenAllAreEnded_AreNamed()
    {
        await SendAsync(HttpMethod.Post, Path, """{"kind":"error"}""");
        var (_, second, _) = await SendAsync(HttpMethod.Post, Path, """{"kind":"partition","tool":"fail"}""");
        Assert.StartsWith("the API, from ", Text(second, "by"), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadGateway, (await RestHost.SendAsync(_host, HttpMethod.Post, "/api/v1/servers/calc/tools/say/call", "{}")).Status);

        var (_, answer, _) = await SendAsync(HttpMethod.Delete, "/api/v1/faults");

        Assert.Equal(["f1", "f2"], answer.GetProperty("ended").EnumerateArray().Select(static fault => Text(fault, "id")));
        Assert.Equal(1, Number(answer.GetProperty("ended")[0], "callsAffected"));
        Assert.Equal(HttpStatusCode.OK, (await RestHost.SendAsync(_host, HttpMethod.Post, "/api/v1/servers/calc/tools/say/call", "{}")).Status);
        Assert.Empty((await SendAsync(HttpMethod.Delete, "/api/v1/faults")).Body.GetProperty("ended").EnumerateArray());
    }

    [Theory]
    [InlineData("""{"kind":"latency"}""", HttpStatusCode.BadRequest, "InvalidConfiguration", "latency")]
    [InlineData("""{"kind":"slow"}""", HttpStatusCode.BadRequest, "InvalidRequest", "latency, error, disconnect, partition, crash, stall")]
    [InlineData("""{}""", HttpStatusCode.BadRequest, "InvalidRequest", "kind is missing")]
    [InlineData("""{"kind":"error","percent":"many"}""", HttpStatusCode.BadRequest, "InvalidRequest", "percent is no number")]
    [InlineData("""{"kind":"error","durationMs":1e300}""", HttpStatusCode.BadRequest, "InvalidRequest", "durationMs")]
    [InlineData("""{"kind":"error","durationMs":600001}""", HttpStatusCode.BadRequest, "InvalidConfiguration", "faultInjection.maxDurationMs")]
    [InlineData("""{"kind":"error","tool":7}""", HttpStatusCode.BadRequest, "InvalidRequest", "tool is no string")]
    [InlineData("""{"kind":"error","seconds":7}""", HttpStatusCode.BadRequest, "InvalidRequest", "seconds")]
    [InlineData("""{"kind":"error","tool":"sey"}""", HttpStatusCode.NotFound, "ToolNotFound", "'say'")]
    [InlineData("""{"kind":"crash"}""", HttpStatusCode.Conflict, "FaultRefused", "runs inside Fairlead")]
    public async Task Fault_ThatCannotBe_IsAProblemThatSaysWhy(string body, HttpStatusCode status, string title, string part)
    {
        var answer = await SendAsync(HttpMethod.Post, Path, body);

        RestHost.AssertProblem(answer, status, title);
        Assert.Contains(part, Text(answer.Body, "detail"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Faults_OfNobodyOrWithoutTheToken_AreRefused()
    {
        RestHost.AssertProblem(await SendAsync(HttpMethod.Post, "/api/v1/servers/nobody/faults", """{"kind":"error"}"""), HttpStatusCode.NotFound, "ServerNotFound");
        RestHost.AssertProblem(await SendAsync(HttpMethod.Delete, "/api/v1/faults/f9"), HttpStatusCode.NotFound, "FaultNotFound");
        Assert.Equal(HttpStatusCode.Unauthorized, (await RestHost.SendAsync(_host, HttpMethod.Post, Path, """{"kind":"error"}""")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await RestHost.SendAsync(_host, HttpMethod.Delete, "/api/v1/faults")).Status);
    }

    [Fact]
    public async Task Faults_WhileTheyAreOff_AreRefusedWithTheKey()
    {
        await using var host = await RestHost.StartAsync();

        var answer = await RestHost.SendAsync(host, HttpMethod.Post, Path, """{"kind":"error"}""", FrontHost.AdminToken);

        RestHost.AssertProblem(answer, HttpStatusCode.Conflict, "FaultRefused");
        Assert.Contains("faultInjection.enabled", Text(answer.Body, "detail"), StringComparison.Ordinal);
        Assert.False((await RestHost.SendAsync(host, HttpMethod.Get, "/api/v1/faults")).Body.GetProperty("enabled").GetBoolean());
    }

    private Task<(HttpStatusCode Status, JsonElement Body, HttpResponseMessage Response)> SendAsync(HttpMethod method, string path, string? body = null) =>
        RestHost.SendAsync(_host, method, path, body, FrontHost.AdminToken);

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static double Number(JsonElement element, string name) => element.GetProperty(name).GetDouble();
}
