using System.Net;
using Fairlead.AspNetCore.Admin;
using Fairlead.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Fairlead.AspNetCore.Tests.Admin;

public sealed class ConfigurationRoutesTests
{
    private const string Text = """{"servers":{"calc":{"url":"http://127.0.0.1:1/mcp","disabled":true,"headers":{"X-Own":"${OPEN_SESAME}"}}},"port":0}""";

    private static readonly Dictionary<string, string> s_variables = new() { ["OPEN_SESAME"] = "s3cr3t-value" };

    [Fact]
    public async Task Show_WhenAValueIsASecret_HidesIt()
    {
        await using var host = await StartAsync();

        var (status, body, _) = await RestHost.SendAsync(host, HttpMethod.Get, "/api/v1/configuration", token: FrontHost.AdminToken);

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("http://127.0.0.1:1/mcp", body.GetProperty("configuration").GetProperty("servers").GetProperty("calc").GetProperty("url").GetString());
        Assert.Equal("REDACTED", body.GetProperty("configuration").GetProperty("servers").GetProperty("calc").GetProperty("headers").GetProperty("X-Own").GetString());
        Assert.DoesNotContain("s3cr3t-value", body.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validate_WhenATextHasErrors_TellsAllOfThemAndChangesNothing()
    {
        await using var host = await StartAsync();

        var (status, body, _) = await ValidateAsync(host, """{"servers":{"a":{"command":"${OPEN_SESAME}","timeoutMs":-1},"b":{"command":"x","env":{"K":"${NOT_SET}"}}}} // a comment""");

        Assert.Equal((HttpStatusCode.OK, false, 2), (status, body.GetProperty("valid").GetBoolean(), body.GetProperty("servers").GetInt32()));
        var error = Assert.Single(body.GetProperty("errors").EnumerateArray());
        Assert.Equal(("servers.a.timeoutMs", "-1"), (error.GetProperty("key").GetString(), error.GetProperty("value").GetString()));
        Assert.All((string[])["rule", "fix"], name => Assert.NotEmpty(error.GetProperty(name).GetString()!));
        Assert.Equal("NOT_SET", body.GetProperty("missingVariables").GetProperty("b")[0].GetString());
        Assert.Equal(["calc"], (await host.Manager.ListServersAsync()).Select(static server => server.Id));
    }

    [Fact]
    public async Task Validate_WhenATextRepeatsASecretOfTheConfigurationInForce_DoesNotTellIt()
    {
        await using var host = await StartAsync();

        var (_, body, _) = await ValidateAsync(host, """{"servers":{"a":{"url":"s3cr3t-value"}}}""");

        Assert.NotEmpty(body.GetProperty("errors").EnumerateArray());
        Assert.DoesNotContain("s3cr3t-value", body.GetRawText(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"text":7}""")]
    [InlineData("""{"file":"/etc/passwd"}""")]
    [InlineData("""[]""")]
    public async Task Validate_WhenTheBodyIsNone_SaysWhatWouldBe(string body)
    {
        await using var host = await StartAsync();

        var answer = await RestHost.SendAsync(host, HttpMethod.Post, "/api/v1/configuration/validate", body, FrontHost.AdminToken);

        RestHost.AssertProblem(answer, HttpStatusCode.BadRequest, "InvalidRequest");
        Assert.Contains("{\"text\":\"...\"}", answer.Body.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Configuration_WhenAProgramDecides_IsNotThere()
    {
        await using var host = await RestHost.StartAsync();

        RestHost.AssertProblem(await RestHost.SendAsync(host, HttpMethod.Get, "/api/v1/configuration", token: FrontHost.AdminToken), HttpStatusCode.NotFound, "NotFound");
        RestHost.AssertProblem(await ValidateAsync(host, "{}"), HttpStatusCode.NotFound, "NotFound");
    }

    private static Task<(HttpStatusCode Status, System.Text.Json.JsonElement Body, HttpResponseMessage Response)> ValidateAsync(FrontHost host, string text) => RestHost.SendAsync(
        host, HttpMethod.Post, "/api/v1/configuration/validate", System.Text.Json.JsonSerializer.Serialize(new { text }), FrontHost.AdminToken);

    private static Task<FrontHost> StartAsync()
    {
        var loaded = ConfigurationLoader.LoadText(Text, s_variables);
        Assert.Empty(loaded.Errors);
        return FrontHost.StartAsync(
            loaded.Options, manager => manager.Redactor.Add(loaded.Redactor),
            services: (services, manager) => services.AddSingleton(
                new ConfigurationReload(manager, loaded, () => ConfigurationLoader.LoadText(Text, s_variables), TimeProvider.System, NullLogger.Instance)));
    }
}
