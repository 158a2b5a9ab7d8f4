using System.Text;
using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.Tests.Upstreams.Http;

namespace Fairlead.Tests.Servers;

/// <summary>A server of 2026-07-28 changes which arguments it wants as headers and says so only by refusing the next call (protocol.md 10.15).</summary>
public sealed class StaleSchemaTests
{
    [Fact]
    public async Task Call_WhenTheToolsHeadersHaveChanged_IsAnsweredAndTheNewListIsOffered()
    {
        var wanted = "Region";
        await using var upstream = await ModernScript.StartAsync((_, context, request) => request.RpcMethod switch
        {
            "tools/list" => context.ResultAsync(request, "{\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\",\"tools\":[" + Tool(Volatile.Read(ref wanted)) + "]}"),
            "tools/call" when request["Mcp-Param-" + Volatile.Read(ref wanted)] == "eu" => context.ResultAsync(request, """{"resultType":"complete","content":[]}"""),
            "tools/call" => context.ErrorAsync(request, """{"code":-32020,"message":"a header is missing"}""", 400),
            _ => context.ErrorAsync(request, """{"code":-32601,"message":"no such method"}""", 404),
        });
        await using var manager = new McpManager();
        await manager.DeployServerAsync(new ServerConfig { Name = "s", Url = upstream.Url });
        await manager.ReachedAsync("s", ServerState.Healthy);
        await manager.ExecuteToolAsync("s", "t", new { zone = "eu" });

        Volatile.Write(ref wanted, "Zone");
        await manager.ExecuteToolAsync("s", "t", new { zone = "eu" });

        var snapshot = await manager.ReachedAsync("s", static snapshot => snapshot.Catalog.Tools[0].Headers[0].Name == "Zone", "the new list");
        Assert.Contains("\"x-mcp-header\":\"Zone\"", Encoding.UTF8.GetString(Assert.Single(snapshot.Catalog.Tools).Raw), StringComparison.Ordinal);
    }

    private static string Tool(string header) =>
        """{"name":"t","inputSchema":{"type":"object","properties":{"zone":{"type":"string","x-mcp-header":"HEADER"}}}}""".Replace("HEADER", header, StringComparison.Ordinal);
}
