using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>The links that bring administration to a browser: printed by <c>fairlead up</c> and <c>fairlead dashboard</c>, good once.</summary>
public sealed partial class DashboardCommandTests
{
    [Fact]
    public async Task Dashboard_BesideARunningInstance_PrintsALinkThatSignsInOnce()
    {
        await using var gateway = await GatewayProcess.StartAsync(new JsonObject { ["servers"] = new JsonObject() });

        var plain = (await CliRun.OfAsync("dashboard", "--state", gateway.StateFolder)).Ended(0).Output.Trim();
        var json = JsonDocument.Parse((await CliRun.OfAsync("dashboard", "--json", "--state", gateway.StateFolder)).Ended(0).Output).RootElement;

        Assert.StartsWith(new Uri(gateway.Url, "/dashboard/#code=").AbsoluteUri, plain, StringComparison.Ordinal);
        Assert.NotEqual(plain, json.GetProperty("url").GetString());
        Assert.True(json.GetProperty("expiresAt").TryGetDateTimeOffset(out _));
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized), (await SignInAsync(gateway.Url, plain), await SignInAsync(gateway.Url, plain)));
        Assert.Equal(HttpStatusCode.OK, await SignInAsync(gateway.Url, json.GetProperty("url").GetString()!));
    }

    [Fact]
    public async Task Up_WhenItListens_PrintsALinkThatSignsIn()
    {
        using var folder = new TempFolder();
        await using var up = ChildProcess.Start("dotnet", [RepositoryPaths.Cli, "up", "--config", folder.Write("c.json", """{"servers":{}}"""), "--port", "0", "--state", folder.At("state")]);

        var link = Link().Match(await up.LineAsync(static line => line.StartsWith("Dashboard: ", StringComparison.Ordinal), "the link")).Value;

        Assert.Equal(HttpStatusCode.OK, await SignInAsync(new Uri(link), link));
        Assert.Equal(0, await up.StopAsync());
    }

    [Fact]
    public async Task UpJson_WhichProgramsKeep_HoldsNoCode()
    {
        await using var gateway = await GatewayProcess.StartAsync(new JsonObject { ["servers"] = new JsonObject() });

        Assert.Contains($"\"dashboard\":\"{new Uri(gateway.Url, "/dashboard/")}\"", gateway.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("code=", gateway.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dashboard_WhenNothingRuns_SaysSo()
    {
        using var folder = new TempFolder();

        Assert.Contains("Start one with fairlead up", (await CliRun.OfAsync("dashboard", "--state", folder.At("state"))).Ended(4).Output, StringComparison.Ordinal);
    }

    /// <summary>What an administrator's route answers to whoever has come by this link.</summary>
    private static async Task<HttpStatusCode> SignInAsync(Uri url, string link)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri(url.GetLeftPart(UriPartial.Authority)) };
        using var exchanged = await Guard.WithinAsync(http.PostAsJsonAsync("/api/v1/dashboard/sessions", new { code = link[(link.IndexOf('=', StringComparison.Ordinal) + 1)..] }), "the exchange of the code");
        if (!exchanged.IsSuccessStatusCode)
        {
            return exchanged.StatusCode;
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/configuration/status");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", (await exchanged.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("token").GetString());
        using var answer = await Guard.WithinAsync(http.SendAsync(request), "the answer to the status of the configuration");
        return answer.StatusCode;
    }

    [GeneratedRegex(@"http://\S+#code=\w+")]
    private static partial Regex Link();
}
