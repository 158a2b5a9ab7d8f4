using System.Net;
using System.Text;
using Fairlead.Configuration;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Profiles at <c>/mcp/p/NAME</c> over raw HTTP, both eras (product C4).</summary>
public sealed class ProfileTests : IAsyncLifetime
{
    private FrontHost _host = null!;

    public async Task InitializeAsync()
    {
        var options = Echo.Options("one", "two");
        options.Servers.Add(Echo.Misbehaving("slow", "slow"));
        options.Profiles["work"] = new ProfileOptions { Servers = ["one", "slow"], Hide = ["*__release"], Rename = { ["one__echo"] = "say" } };
        options.Profiles["all"] = new ProfileOptions();
        _host = await FrontHost.StartAsync(options);
    }

    public Task DisposeAsync() => _host.DisposeAsync().AsTask();

    [Fact]
    public async Task Profile_OfModernClients_ListsAndCallsItsPartUnderItsNames()
    {
        var (status, list, _) = await _host.ModernAsync("/mcp/p/work", "tools/list", "");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("\"name\":\"say\"", list, StringComparison.Ordinal);
        Assert.Contains("\"name\":\"slow__wait\"", list, StringComparison.Ordinal);
        Assert.DoesNotContain("two__", list, StringComparison.Ordinal);
        Assert.DoesNotContain("release", list, StringComparison.Ordinal);

        var (_, said, _) = await _host.ModernAsync("/mcp/p/work", "tools/call", "\"name\":\"say\",\"arguments\":{\"text\":\"x\"}", "say");
        Assert.Contains("\"content\"", said, StringComparison.Ordinal);
        foreach (var hidden in new[] { "slow__release", "release", "two__echo", "nothing" })
        {
            var (_, refused, _) = await _host.ModernAsync("/mcp/p/work", "tools/call", "\"name\":\"" + hidden + "\",\"arguments\":{}", hidden);
            Assert.Contains($"Unknown tool: {hidden}", refused, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Profile_OfLegacyClients_ListsAndCallsItsPartAndIsASessionOfItsOwn()
    {
        var session = "Mcp-Session-Id: " + await _host.InitializeAsync("/mcp/p/work");
        var (_, list, _) = await _host.PostAsync("/mcp/p/work", """{"jsonrpc":"2.0","id":1,"method":"tools/list"}""", session);
        Assert.Contains("\"name\":\"say\"", list, StringComparison.Ordinal);
        Assert.DoesNotContain("two__", list, StringComparison.Ordinal);
        var (_, said, _) = await _host.PostAsync("/mcp/p/work", """{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"say","arguments":{"text":"x"}}}""", session);
        Assert.Contains("\"content\"", said, StringComparison.Ordinal);
        foreach (var elsewhere in new[] { "/mcp", "/mcp/one", "/mcp/p/all" })
        {
            var (status, _, _) = await _host.PostAsync(elsewhere, """{"jsonrpc":"2.0","id":3,"method":"ping"}""", session);
            Assert.Equal(HttpStatusCode.NotFound, status);
        }
    }

    [Theory]
    [InlineData("/mcp/p/wrk")]
    [InlineData("/mcp/p/wrk/sse")]
    public async Task Profile_WhenUnknown_Is404AndNamesThoseThatExist(string path)
    {
        using var response = await Guard.WithinAsync(_host.Http.GetAsync(new Uri(path, UriKind.Relative)), "the answer");
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Contains("There is no profile 'wrk' here; the profiles are all, work.", (await response.Content.ReadAsStringAsync()).Replace("\\u0027", "'", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Profile_WhenItsPartChanges_TellsItsClientsAndNoOthers()
    {
        using var all = await ListenAsync("/mcp/p/all");
        using var work = await ListenAsync("/mcp/p/work");
        var session = await _host.InitializeAsync("/mcp/p/all");
        using var get = new HttpRequestMessage(HttpMethod.Get, "/mcp/p/all");
        get.Headers.Add("Mcp-Session-Id", session);
        get.Headers.Add("Accept", "text/event-stream");
        using var standalone = new StreamReader(await (await SendAsync(get)).Content.ReadAsStreamAsync());

        await _host.Manager.DeployServerAsync(Echo.Server("late"));
        Assert.Contains("notifications/tools/list_changed", await DataAsync(all, "the change for the modern client"), StringComparison.Ordinal);
        Assert.Contains("notifications/tools/list_changed", await DataAsync(standalone, "the change for the legacy session"), StringComparison.Ordinal);

        // What comes next on the other profile's stream is about its own server.
        await _host.Manager.UndeployServerAsync("one");
        Assert.Contains("list_changed", await DataAsync(work, "the change of the other profile"), StringComparison.Ordinal);
        var (_, list, _) = await _host.ModernAsync("/mcp/p/work", "tools/list", "");
        Assert.DoesNotContain("\"say\"", list, StringComparison.Ordinal);
    }

    private async Task<StreamReader> ListenAsync(string path)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(
                """{"jsonrpc":"2.0","id":7,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}""",
                Encoding.UTF8, "application/json"),
        };
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        request.Headers.Add("MCP-Protocol-Version", "2026-07-28");
        request.Headers.Add("Mcp-Method", "subscriptions/listen");
        var lines = new StreamReader(await (await SendAsync(request)).Content.ReadAsStreamAsync());
        Assert.Contains("acknowledged", await DataAsync(lines, "the acknowledgement"), StringComparison.Ordinal);
        return lines;
    }

    private static async Task<string> DataAsync(StreamReader lines, string what)
    {
        while (true)
        {
            var line = await Guard.WithinAsync(lines.ReadLineAsync(), what) ?? throw new InvalidOperationException($"The stream ended before {what}.");
            if (line.StartsWith("data: {", StringComparison.Ordinal))
            {
                return line;
            }
        }
    }

    private Task<HttpResponseMessage> SendAsync(HttpRequestMessage request) =>
        Guard.WithinAsync(_host.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead), "the head of an answer");
}
