using System.Net;
using System.Text.Json;
using Fairlead.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>The API as docs/rest.md describes it, over a real Kestrel.</summary>
public sealed class RestApiTests : IAsyncLifetime
{
    private const string Call = "/api/v1/servers/calc/tools/say/call";

    private FrontHost _host = null!;

    public async Task InitializeAsync() => _host = await RestHost.StartAsync();

    public Task DisposeAsync() => _host.DisposeAsync().AsTask();

    [Fact]
    public async Task Health_WhenServersDiffer_TellsTheStateAndReasonOfEach()
    {
        var (status, body, _) = await RestHost.SendAsync(_host, HttpMethod.Get, "/health");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("serving", body.GetProperty("status").GetString());
        Assert.Equal("Healthy", body.GetProperty("servers").GetProperty("calc").GetProperty("state").GetString());
        var waits = body.GetProperty("servers").GetProperty("waits");
        Assert.Equal("MissingAuth", waits.GetProperty("state").GetString());
        Assert.Contains("SOME_KEY", waits.GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/ready")]
    public async Task Probe_WhenAskedWithHead_AnswersWithoutABody(string path)
    {
        var (status, body, _) = await RestHost.SendAsync(_host, HttpMethod.Head, path);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(JsonValueKind.Undefined, body.ValueKind);
    }

    [Fact]
    public async Task Servers_WhenListedAndRead_ShowTheSame()
    {
        var (_, list, _) = await RestHost.SendAsync(_host, HttpMethod.Get, "/api/v1/servers");
        var (status, one, _) = await RestHost.SendAsync(_host, HttpMethod.Get, "/api/v1/servers/calc");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("calc", one.GetProperty("id").GetString());
        Assert.Equal("in-process", one.GetProperty("transport").GetString());
        Assert.Equal(["calc", "waits"], list.GetProperty("servers").EnumerateArray().Select(static server => server.GetProperty("id").GetString()));
    }

    [Fact]
    public async Task Tools_WhenListed_AreAsTheServerWroteThemWithoutHiddenOnes()
    {
        var response = await _host.Http.GetStringAsync("/api/v1/servers/calc/tools");
        Assert.Contains("\"x-own\":1.50", response, StringComparison.Ordinal);
        Assert.DoesNotContain("\"secret\"", response, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tools_WhenTheCursorIsInvented_AnswersInvalidRequest() =>
        RestHost.AssertProblem(await RestHost.SendAsync(_host, HttpMethod.Get, "/api/v1/servers/calc/tools?cursor=x%22"), HttpStatusCode.BadRequest, "InvalidRequest");

    [Theory]
    [InlineData("{\"arguments\":{\"n\":1.50}}", "{\"n\":1.50}")]
    [InlineData(" { \"arguments\" : {} } ", "{}")]
    [InlineData("{}", "")]
    [InlineData("", "")]
    public async Task Call_WhenTheBodyIsGood_HandsTheArgumentsOnAsTheyWereWritten(string body, string seen)
    {
        var (status, result, _) = await RestHost.SendAsync(_host, HttpMethod.Post, Call, body);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(seen, result.GetProperty("content")[0].GetProperty("text").GetString());
    }

    [Fact]
    public async Task Call_WhenTheToolFails_Answers200WithIsError()
    {
        var (status, result, _) = await RestHost.SendAsync(_host, HttpMethod.Post, "/api/v1/servers/calc/tools/fail/call", "{}");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.True(result.GetProperty("isError").GetBoolean());
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("not json")]
    [InlineData("{\"arguments\":[]}")]
    [InlineData("{\"arguments\":null}")]
    [InlineData("{\"arguments\":{}} trailing")]
    [InlineData("{\"arguments\":{},\"arguments\":{}}")]
    [InlineData("{\"arguments\":{},\"argum\\u0065nts\":{}}")]
    [InlineData("{\"message\":\"without the wrapper\"}")]
    public async Task Call_WhenTheBodyIsBroken_AnswersInvalidRequest(string body) =>
        RestHost.AssertProblem(await RestHost.SendAsync(_host, HttpMethod.Post, Call, body), HttpStatusCode.BadRequest, "InvalidRequest");

    [Fact]
    public async Task Call_WhenNestedTooDeep_AnswersInvalidRequest()
    {
        var body = "{\"arguments\":{\"a\":" + new string('[', 100) + new string(']', 100) + "}}";
        RestHost.AssertProblem(await RestHost.SendAsync(_host, HttpMethod.Post, Call, body), HttpStatusCode.BadRequest, "InvalidRequest");
    }

    [Fact]
    public async Task Call_WhenTheBodyIsTooLong_NamesTheLimit()
    {
        await using var small = await RestHost.StartAsync(static options => options.Limits.RequestBodyBytesMax = 1024);
        var answer = await RestHost.SendAsync(small, HttpMethod.Post, Call, "{\"arguments\":{\"a\":\"" + new string('x', 2000) + "\"}}");
        RestHost.AssertProblem(answer, HttpStatusCode.RequestEntityTooLarge, "BodyTooLarge");
        Assert.Contains("requestBodyBytesMax", answer.Body.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_WhenNotJsonByContentType_Answers415() => RestHost.AssertProblem(
        await RestHost.SendAsync(_host, HttpMethod.Post, Call, "{}", contentType: "text/plain"), HttpStatusCode.UnsupportedMediaType, "UnsupportedMediaType");

    [Theory]
    [InlineData("/api/v1/servers/nobody/tools/say/call", "ServerNotFound")]
    [InlineData("/api/v1/servers/calc/tools/nothing/call", "ToolNotFound")]
    [InlineData("/api/v1/servers/calc/tools/secret/call", "ToolNotFound")]
    public async Task Call_WhenServerOrToolIsUnknownOrHidden_Answers404(string path, string title) =>
        RestHost.AssertProblem(await RestHost.SendAsync(_host, HttpMethod.Post, path, "{}"), HttpStatusCode.NotFound, title);

    [Fact]
    public async Task Call_WhenTheServerWaitsForAVariable_NamesIt()
    {
        var answer = await RestHost.SendAsync(_host, HttpMethod.Post, "/api/v1/servers/waits/tools/any/call", "{}");
        RestHost.AssertProblem(answer, HttpStatusCode.BadGateway, "Unauthenticated");
        Assert.Contains("SOME_KEY", answer.Body.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/api/v1/servers/nobody")]
    [InlineData("/api/v1/servers/nobody/tools")]
    public async Task Get_WhenTheServerIsUnknown_Answers404(string path) =>
        RestHost.AssertProblem(await RestHost.SendAsync(_host, HttpMethod.Get, path), HttpStatusCode.NotFound, "ServerNotFound");

    [Theory]
    [InlineData("PUT", "/health", "GET, HEAD")]
    [InlineData("DELETE", "/api/v1/servers", "GET, HEAD, POST")]
    [InlineData("GET", Call, "POST")]
    [InlineData("GET", "/api/v1/shutdown", "POST")]
    public async Task Route_WhenTheVerbIsWrong_Answers405WithTheRightOnes(string verb, string path, string allow)
    {
        var answer = await RestHost.SendAsync(_host, new HttpMethod(verb), path);
        RestHost.AssertProblem(answer, HttpStatusCode.MethodNotAllowed, "MethodNotAllowed");
        Assert.Equal(allow, string.Join(", ", answer.Response.Content.Headers.Allow));
    }

    [Theory]
    [InlineData("GET", "/")]
    [InlineData("GET", "/api/v2/servers")]
    [InlineData("POST", "/mcp/calc/more")]
    public async Task Route_WhenThePathIsUnknown_Answers404(string verb, string path) =>
        RestHost.AssertProblem(await RestHost.SendAsync(_host, new HttpMethod(verb), path), HttpStatusCode.NotFound, "NotFound");

    [Fact]
    public async Task Logs_WhenTheNumberOfLinesIsNone_AnswersInvalidRequest() => RestHost.AssertProblem(
        await RestHost.SendAsync(_host, HttpMethod.Get, "/api/v1/servers/calc/logs?lines=0", token: FrontHost.AdminToken), HttpStatusCode.BadRequest, "InvalidRequest");

    [Fact]
    public async Task Shutdown_WhenTheTokenIsRight_AnswersAndThenStopsTheApplication()
    {
        var stopping = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = _host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.Register(stopping.SetResult);
        var (status, _, _) = await RestHost.SendAsync(_host, HttpMethod.Post, "/api/v1/shutdown", "{}", FrontHost.AdminToken);
        Assert.Equal(HttpStatusCode.Accepted, status);
        await Guard.WithinAsync(stopping.Task, "the application to stop");
    }

    [Fact]
    public async Task Call_WhenTheManagerIsShutDown_Answers503()
    {
        await _host.Manager.ShutdownAsync(TimeSpan.Zero);
        RestHost.AssertProblem(await RestHost.SendAsync(_host, HttpMethod.Post, Call, "{}"), HttpStatusCode.ServiceUnavailable, "RuntimeShutdown");
    }
}
