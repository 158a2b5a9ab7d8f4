using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>ETag and If-Match: who changes a server in the version that he was shown overwrites nobody else's change.</summary>
public sealed class IfMatchTests : IAsyncLifetime
{
    private const string Entry = """{"transport":"in-process","timeoutMs":1234}""";

    private LiveHost _host = null!;

    public async Task InitializeAsync()
    {
        _host = await LiveHost.StartAsync();
        await _host.PostAsync("", LiveHost.Extra);
        await _host.ReachedAsync("extra", ServerState.Healthy);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task ETag_StandsForTheConfigurationAndWhatWasDoneByHandAlone()
    {
        var first = await TagAsync();
        var (_, server, answer) = await _host.SendAsync(HttpMethod.Get, "/extra");
        Assert.Equal($"\"{server.GetProperty("configurationVersion").GetString()}\"", first);
        Assert.True(answer.Headers.CacheControl!.NoStore);
        Assert.Equal(first, (await _host.SendAsync(HttpMethod.Head, "/extra")).Response.Headers.ETag!.ToString());

        // What happens to it by itself, or is of the moment.
        await _host.PostAsync("/extra/stop");
        await _host.PostAsync("/extra/start");
        await _host.ReachedAsync("extra", ServerState.Healthy);
        await _host.PostAsync("/extra/enable"); // It is.
        await _host.PostAsync("/calc/disable"); // Another one.
        Assert.Equal(first, await TagAsync());

        var tags = new List<string> { first };
        foreach (var (path, body) in ((string, string)[])[("/extra/maintenance", """{"on":true,"reason":"a"}"""), ("/extra/maintenance", """{"on":false}"""), ("/extra/scale", """{"replicas":2}"""), ("/extra/tools/hello/disable", "{}")])
        {
            await _host.PostAsync(path, body);
            tags.Add(await TagAsync());
        }

        await _host.SendAsync(HttpMethod.Put, "/extra", Entry);
        tags.Add(await TagAsync());
        await _host.SendAsync(HttpMethod.Delete, "/extra");
        await _host.PostAsync("", LiveHost.Extra);
        tags.Add(await TagAsync());
        Assert.Distinct(tags);
    }

    [Fact]
    public async Task ETag_WhenAChangeIsUndoneOrNeverBegan_IsThatOfBefore()
    {
        var first = await TagAsync();
        Assert.Equal(HttpStatusCode.BadGateway, await ChangeAsync(HttpMethod.Put, "/extra", """{"url":"http://127.0.0.1:1/mcp"}""", first));
        Assert.Equal(first, await TagAsync());

        Assert.Equal(HttpStatusCode.Accepted, await ChangeAsync(HttpMethod.Post, "/extra/rollouts", """{"server":{"transport":"in-process","env":{"PLACE":"new"}},"strategy":"canary","observeMs":3600000}""", first));
        Assert.NotEqual(first, await TagAsync());
        await _host.SendAsync(HttpMethod.Post, "/extra/rollouts/abort", "{}");
        await Guard.WithinAsync(ReachedAsync(first), "the version of before"); // Declared again when the trial has ended.

        // Fresh instances of the same configuration are no change of it.
        Assert.Equal(HttpStatusCode.Accepted, await ChangeAsync(HttpMethod.Post, "/extra/rollouts", """{"strategy":"blue-green"}""", first));
        Assert.Equal(first, await TagAsync());
    }

    [Theory]
    [InlineData("PUT", "/extra", Entry)]
    [InlineData("DELETE", "/extra", null)]
    [InlineData("POST", "/extra/disable", "{}")]
    [InlineData("POST", "/extra/enable", "{}")]
    [InlineData("POST", "/extra/maintenance", """{"on":true}""")]
    [InlineData("POST", "/extra/scale", """{"replicas":3}""")]
    [InlineData("POST", "/extra/tools/hello/disable", "{}")]
    [InlineData("POST", "/extra/tools/hello/enable", "{}")]
    [InlineData("POST", "/extra/rollouts", "{}")]
    [InlineData("POST", "/extra/rollouts", """{"server":{"transport":"in-process"}}""")]
    public async Task Change_WhenTheServerIsInAnotherVersion_IsRefusedAndNothingHappens(string verb, string path, string? body)
    {
        var old = await TagAsync();
        await _host.PostAsync("/extra/maintenance", """{"on":true,"reason":"somebody was here"}""");
        await _host.PostAsync("/extra/maintenance", """{"on":false}""");
        await _host.ReachedAsync("extra", ServerState.Healthy);
        var now = await TagAsync();

        foreach (var tag in (string[])[old, "W/" + now, "\"other\", " + old])
        {
            var answer = await SendAsync(new HttpMethod(verb), path, body, tag);
            Assert.Equal((HttpStatusCode.PreconditionFailed, now), (answer.StatusCode, answer.Headers.ETag?.ToString()));
            using var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            Assert.Contains($"its version is {now}", problem.RootElement.GetProperty("detail").GetString(), StringComparison.Ordinal);
        }

        Assert.Equal(now, await TagAsync());
        Assert.True((int)await ChangeAsync(new HttpMethod(verb), path, body, "\"other\", " + now) < 300);
    }

    [Fact]
    public async Task Change_OfManyAtOnceInTheSameVersion_OneSucceeds()
    {
        var tag = await TagAsync();
        var statuses = await Guard.WithinAsync(
            Task.WhenAll(Enumerable.Range(0, 20).Select(n => ChangeAsync(HttpMethod.Put, "/extra", $$"""{"transport":"in-process","timeoutMs":{{1000 + n}}}""", tag))), "twenty changes");
        Assert.Equal(1, statuses.Count(static status => status == HttpStatusCode.OK));
        Assert.Equal(19, statuses.Count(static status => status == HttpStatusCode.PreconditionFailed));
    }

    [Fact]
    public async Task IfMatch_WhenItIsAnyOrNone_IsAsTheSpecificationSays()
    {
        Assert.Equal(HttpStatusCode.OK, await ChangeAsync(HttpMethod.Put, "/extra", Entry, "*"));
        Assert.Equal(HttpStatusCode.NotFound, await ChangeAsync(HttpMethod.Put, "/nobody", Entry, "*"));
        Assert.Equal(HttpStatusCode.BadRequest, await ChangeAsync(HttpMethod.Put, "/extra", Entry, "unquoted"));
        Assert.Equal(HttpStatusCode.BadRequest, await ChangeAsync(HttpMethod.Post, "/extra/restart", "{}", await TagAsync()));
        var answer = await SendAsync(HttpMethod.Get, "/extra", null, null, await TagAsync());
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode); // Its state may have changed: never 304.
    }

    private async Task ReachedAsync(string tag)
    {
        while (await TagAsync() != tag)
        {
            await Task.Yield();
        }
    }

    private async Task<string> TagAsync() => (await _host.SendAsync(HttpMethod.Get, "/extra")).Response.Headers.ETag!.ToString();

    private async Task<HttpStatusCode> ChangeAsync(HttpMethod method, string path, string? body, string ifMatch) => (await SendAsync(method, path, body, ifMatch)).StatusCode;

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? body, string? ifMatch, string? ifNoneMatch = null)
    {
        using var request = new HttpRequestMessage(method, "/api/v1/servers" + path);
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", FrontHost.AdminToken);
        foreach (var (name, value) in new[] { ("If-Match", ifMatch), ("If-None-Match", ifNoneMatch) }.Where(static header => header.Item2 is not null))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await Guard.WithinAsync(_host.Front.Http.SendAsync(request), $"the answer to {method} {path}");
    }
}
