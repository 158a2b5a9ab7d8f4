using System.Net;
using System.Text.Json;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>Changes of the fleet over the API, as docs/rest.md describes them.</summary>
public sealed class FleetRoutesTests : IAsyncLifetime
{
    private LiveHost _host = null!;

    public async Task InitializeAsync() => _host = await LiveHost.StartAsync();

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Deploy_WhenTheEntryIsGood_ItServesAndComesBackAfterARestart()
    {
        var (status, server, response) = await _host.SendAsync(HttpMethod.Post, "", LiveHost.Extra);
        Assert.Equal(HttpStatusCode.Created, status);
        Assert.Equal("/api/v1/servers/extra", response.Headers.Location?.OriginalString);
        Assert.Equal("api", server.GetProperty("owner").GetString());
        await _host.ReachedAsync("extra", ServerState.Healthy);
        Assert.Equal("hello", (await _host.PostAsync("/extra/tools/hello/call")).GetProperty("content")[0].GetProperty("text").GetString());

        var kept = await File.ReadAllTextAsync(_host.FleetFile);
        Assert.Contains("${LIVE_PLACE}", kept, StringComparison.Ordinal);
        Assert.DoesNotContain("a-place-of-its-own", kept, StringComparison.Ordinal);

        await _host.StopAsync();
        await using var again = await LiveHost.StartAsync(_host);
        await again.ReachedAsync("extra", ServerState.Healthy);
        Assert.Equal(["calc", "extra"], (await again.Manager.ListServersAsync()).Select(static info => info.Id));
        Assert.Equal([ServerOwner.File, ServerOwner.Api], (await again.Manager.ListServersAsync()).Select(static info => info.Owner));

        Assert.Equal(HttpStatusCode.NoContent, (await again.SendAsync(HttpMethod.Delete, "/extra")).Status);
        Assert.DoesNotContain("extra", await File.ReadAllTextAsync(again.FleetFile), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deploy_WhenASecretStandsInTheEntry_ItIsSealedAndComesBack()
    {
        await _host.PostAsync("", """{"name":"extra","transport":"in-process","env":{"API_TOKEN":"s3cret-never-shown"}}""");
        Assert.DoesNotContain("s3cret-never-shown", await File.ReadAllTextAsync(_host.FleetFile), StringComparison.Ordinal);

        await _host.StopAsync();
        await using var again = await LiveHost.StartAsync(_host);
        await again.ReachedAsync("extra", ServerState.Healthy);
        Assert.True(again.Manager.Fleet.TryGet("extra", out var cell));
        Assert.Equal("s3cret-never-shown", cell.Current.Config.Environment["API_TOKEN"]);
    }

    [Fact]
    public async Task Deploy_WhenTheEntryIsWrong_AllErrorsAreNamedAndNothingIsDeployed()
    {
        var answer = await _host.SendAsync(HttpMethod.Post, "", """{"name":"bad","command":"sh","timeoutMs":1,"nonsense":true,"retry":{"attempts":99}}""");
        RestHost.AssertProblem(answer, HttpStatusCode.BadRequest, "InvalidConfiguration");
        var detail = answer.Body.GetProperty("detail").GetString()!;
        Assert.All(["timeoutMs", "nonsense", "retry.attempts"], key => Assert.Contains(key, detail, StringComparison.Ordinal));
        Assert.Single(await _host.Manager.ListServersAsync());
    }

    [Theory]
    [InlineData("""{"name":"calc","transport":"in-process"}""", HttpStatusCode.Conflict, "AlreadyExists")]
    [InlineData("""{"name":"other","command":"sh"}""", HttpStatusCode.Forbidden, "Forbidden")]
    [InlineData("""{"name":"other","command":"there-is-no-such-program"}""", HttpStatusCode.BadRequest, "InvalidConfiguration")]
    [InlineData("""{"transport":"in-process"}""", HttpStatusCode.BadRequest, "InvalidConfiguration")]
    [InlineData("""{"name":"other","transport":"in-process","dependsOn":["nobody"]}""", HttpStatusCode.BadRequest, "InvalidConfiguration")]
    [InlineData("[]", HttpStatusCode.BadRequest, "InvalidConfiguration")]
    [InlineData("{", HttpStatusCode.BadRequest, "InvalidConfiguration")]
    [InlineData("", HttpStatusCode.BadRequest, "InvalidConfiguration")]
    public async Task Deploy_WhenItCannotBe_SaysWhyAndNothingIsDeployed(string body, HttpStatusCode status, string title)
    {
        RestHost.AssertProblem(await _host.SendAsync(HttpMethod.Post, "", body), status, title);
        Assert.Single(await _host.Manager.ListServersAsync());
        Assert.False(File.Exists(_host.FleetFile) && (await File.ReadAllTextAsync(_host.FleetFile)).Contains("other", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Deploy_WhenTheProgramIsOneOfTheFile_ItIsAllowedAndItsNameElsewhereIsNot()
    {
        await _host.StopAsync();
        var planted = Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(_host.FleetFile)!, "planted"));
        var fake = Path.Combine(planted.FullName, "dotnet");
        await File.WriteAllTextAsync(fake, "#!/bin/sh\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(fake, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        await using var again = await LiveHost.StartAsync(_host, static options =>
        {
            options.Servers.Add(Echo.Server("echo"));
            options.AllowedCommands.Add("cat");
        });

        var script = JsonSerializer.Serialize(Echo.Server("x").Arguments[0]);
        await again.PostAsync("", $$"""{"name":"second","command":"dotnet","args":[{{script}}]}""");
        await again.PostAsync("", """{"name":"third","command":"cat"}""");
        var answer = await again.SendAsync(HttpMethod.Post, "", $$"""{"name":"evil","command":"dotnet","env":{"PATH":"{{planted.FullName}}"} }""");
        RestHost.AssertProblem(answer, HttpStatusCode.Forbidden, "Forbidden");
        Assert.Contains("allowedCommands", answer.Body.GetProperty("detail").GetString(), StringComparison.Ordinal);
        RestHost.AssertProblem(await again.SendAsync(HttpMethod.Post, "", $$"""{"name":"evil","command":"./dotnet","cwd":"{{planted.FullName}}"}"""), HttpStatusCode.Forbidden, "Forbidden");
    }

    [Fact]
    public async Task Change_WhenTheServerIsOfTheFile_IsRefusedWithFileAndKey()
    {
        foreach (var answer in new[] { await _host.SendAsync(HttpMethod.Put, "/calc", """{"transport":"in-process"}"""), await _host.SendAsync(HttpMethod.Delete, "/calc") })
        {
            RestHost.AssertProblem(answer, HttpStatusCode.Conflict, "OwnedElsewhere");
            Assert.Contains("/etc/some/fairlead.json (servers.calc)", answer.Body.GetProperty("detail").GetString(), StringComparison.Ordinal);
        }

        await _host.Manager.DeployServerAsync(new Configuration.ServerConfig { Name = "extra" });
        RestHost.AssertProblem(await _host.SendAsync(HttpMethod.Delete, "/extra"), HttpStatusCode.Conflict, "OwnedElsewhere");
    }

    [Fact]
    public async Task Update_WhenTheChangedServerCannotStart_TheOneBeforeServesAndIsKept()
    {
        await _host.PostAsync("", LiveHost.Extra);
        await _host.ReachedAsync("extra", ServerState.Healthy);
        var (status, server, _) = await _host.SendAsync(HttpMethod.Put, "/extra", """{"transport":"in-process","timeoutMs":4321}""");
        Assert.Equal((HttpStatusCode.OK, "api"), (status, server.GetProperty("owner").GetString()));
        Assert.True(_host.Manager.Fleet.TryGet("extra", out var cell));
        Assert.Equal(4321, cell.Current.Config.TimeoutMs);

        RestHost.AssertProblem(await _host.SendAsync(HttpMethod.Put, "/extra", """{"url":"http://127.0.0.1:1/mcp"}"""), HttpStatusCode.BadGateway, "DeploymentFailed");
        RestHost.AssertProblem(await _host.SendAsync(HttpMethod.Put, "/extra", """{"name":"another","transport":"in-process"}"""), HttpStatusCode.BadRequest, "InvalidConfiguration");
        Assert.Equal("hello", (await _host.PostAsync("/extra/tools/hello/call")).GetProperty("content")[0].GetProperty("text").GetString());
        Assert.Contains("4321", await File.ReadAllTextAsync(_host.FleetFile), StringComparison.Ordinal);
        Assert.DoesNotContain("127.0.0.1:1", await File.ReadAllTextAsync(_host.FleetFile), StringComparison.Ordinal);
    }

    [Fact]
    public async Task StopAndStart_WhenAsked_CallsLearnTheState()
    {
        Assert.Equal("Stopped", (await _host.PostAsync("/calc/stop")).GetProperty("state").GetString());
        await CallIsRefusedAsync("calc", "Stopped");
        await _host.PostAsync("/calc/start");
        await _host.ReachedAsync("calc", ServerState.Healthy);
        await _host.PostAsync("/calc/restart");
        await _host.ReachedAsync("calc", ServerState.Healthy);
    }

    [Fact]
    public async Task Disable_WhenAsked_StaysSoAfterARestartUntilEnabled()
    {
        var disabled = await _host.PostAsync("/calc/disable");
        Assert.Equal("Disabled", disabled.GetProperty("state").GetString());
        Assert.True(disabled.GetProperty("byHand").GetProperty("disabled").GetBoolean());
        await CallIsRefusedAsync("calc", "disabled by hand");
        await _host.PostAsync("/calc/start"); // Does not overrule it.
        await _host.ReachedAsync("calc", ServerState.Disabled);

        await _host.StopAsync();
        await using var again = await LiveHost.StartAsync(_host);
        await again.ReachedAsync("calc", ServerState.Disabled);
        Assert.False((await again.PostAsync("/calc/enable")).TryGetProperty("byHand", out _));
        await again.ReachedAsync("calc", ServerState.Healthy);
    }

    [Fact]
    public async Task Enable_WhenTheConfigurationDisablesTheServer_ItServes()
    {
        await using var host = await LiveHost.StartAsync(null, static options => options.Servers[0].Disabled = true);
        await host.ReachedAsync("calc", ServerState.Disabled);
        var enabled = await host.PostAsync("/calc/enable");
        Assert.False(enabled.GetProperty("byHand").GetProperty("disabled").GetBoolean());
        await host.ReachedAsync("calc", ServerState.Healthy);
    }

    [Fact]
    public async Task Maintenance_WhenOn_CallsLearnTheReasonAndOffServesAgain()
    {
        Assert.Equal("disk is replaced", (await _host.PostAsync("/calc/maintenance", """{"on":true,"reason":"disk is replaced"}""")).GetProperty("reason").GetString());
        await CallIsRefusedAsync("calc", "Maintenance: disk is replaced");
        await _host.PostAsync("/calc/maintenance", """{"on":false}""");
        await _host.ReachedAsync("calc", ServerState.Healthy);
    }

    [Fact]
    public async Task Tool_WhenDisabled_ItCannotBeCalledUntilEnabled()
    {
        Assert.Equal("say", (await _host.PostAsync("/calc/tools/say/disable")).GetProperty("byHand").GetProperty("disabledTools")[0].GetString());
        RestHost.AssertProblem(await _host.SendAsync(HttpMethod.Post, "/calc/tools/say/call", "{}"), HttpStatusCode.NotFound, "ToolNotFound");
        Assert.Equal("3", (await _host.PostAsync("/calc/tools/add/call")).GetProperty("content")[0].GetProperty("text").GetString());
        await _host.PostAsync("/calc/tools/say/enable");
        await _host.PostAsync("/calc/tools/say/call");
        RestHost.AssertProblem(await _host.SendAsync(HttpMethod.Post, "/calc/tools/nothing/disable", "{}"), HttpStatusCode.NotFound, "ToolNotFound");
    }

    [Theory]
    [InlineData("/calc/scale", """{"replicas":2000}""", HttpStatusCode.BadRequest, "InvalidConfiguration")]
    [InlineData("/calc/scale", """{"replicas":"2"}""", HttpStatusCode.BadRequest, "InvalidRequest")]
    [InlineData("/calc/scale", """{"count":2}""", HttpStatusCode.BadRequest, "InvalidRequest")]
    [InlineData("/calc/maintenance", """{"on":"yes"}""", HttpStatusCode.BadRequest, "InvalidRequest")]
    [InlineData("/calc/maintenance", """{"on":true,"reason":5}""", HttpStatusCode.BadRequest, "InvalidRequest")]
    [InlineData("/calc/maintenance", "no json", HttpStatusCode.BadRequest, "InvalidRequest")]
    [InlineData("/nobody/restart", "{}", HttpStatusCode.NotFound, "ServerNotFound")]
    [InlineData("/nobody/stop", "{}", HttpStatusCode.NotFound, "ServerNotFound")]
    [InlineData("/nobody/start", "{}", HttpStatusCode.NotFound, "ServerNotFound")]
    [InlineData("/nobody/enable", "{}", HttpStatusCode.NotFound, "ServerNotFound")]
    [InlineData("/nobody/disable", "{}", HttpStatusCode.NotFound, "ServerNotFound")]
    [InlineData("/nobody/scale", """{"replicas":1}""", HttpStatusCode.NotFound, "ServerNotFound")]
    [InlineData("/nobody/maintenance", """{"on":true}""", HttpStatusCode.NotFound, "ServerNotFound")]
    [InlineData("/nobody/tools/x/disable", "{}", HttpStatusCode.NotFound, "ServerNotFound")]
    public async Task Change_WhenItCannotBe_SaysWhy(string path, string body, HttpStatusCode status, string title) =>
        RestHost.AssertProblem(await _host.SendAsync(HttpMethod.Post, path, body), status, title);

    [Fact]
    public async Task Configuration_WhenThereIsNoneToLoadAgain_SaysSo() => RestHost.AssertProblem(
        await RestHost.SendAsync(_host.Front, HttpMethod.Post, "/api/v1/configuration/reload", "{}", FrontHost.AdminToken), HttpStatusCode.NotFound, "NotFound");

    private async Task CallIsRefusedAsync(string server, string reason)
    {
        var answer = await Guard.WithinAsync(_host.SendAsync(HttpMethod.Post, $"/{server}/tools/say/call", "{}"), "the refusal");
        RestHost.AssertProblem(answer, HttpStatusCode.BadGateway, "ConnectionFailed");
        Assert.Contains(reason, answer.Body.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }
}
