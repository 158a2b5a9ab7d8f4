using System.Text;
using System.Text.Json;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Wire;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>A list of a thousand tools: it is put together once for each change and era, and what clients get is written from there.</summary>
public sealed class LongListTests
{
    private const int Tools = 1_000;

    [Theory]
    [InlineData(1024)]
    [InlineData(1024 * 1024)]
    public async Task List_OfAThousandTools_ComesWholeFromBytesThatAreKeptUntilItChanges(int stalledClientBytes)
    {
        var description = "one";
        await using var fleet = await ScriptedFleet.StartAsync(
            new FairleadOptions { Limits = { StalledClientBytes = stalledClientBytes } },
            ("s", server => server.SpeaksLegacy("""{"tools":{"listChanged":true}}""").On("tools/list", _ => $"\"result\":{{\"tools\":[{string.Join(',', Enumerable.Range(0, Tools).Select(Definition))}]}}")));
        string Definition(int number) => "{\"name\":\"t-" + number + "\",\"description\":\"" + description + " and " + new string('x', 64) + "\",\"inputSchema\":{\"type\":\"object\"}}";
        var session = await fleet.Host.InitializeAsync("/mcp/s");
        Assert.True(fleet.Host.Manager.Fleet.TryGet("s", out var cell));

        foreach (var version in (ProtocolVersion[])[ProtocolVersion.V20251125, ProtocolVersion.V20260728])
        {
            var kept = Page(version);
            for (var time = 0; time < 2; time++)
            {
                using var answer = JsonDocument.Parse(version.IsModern()
                    ? await fleet.ModernAsync("/mcp/s", "tools/list", "")
                    : await fleet.LegacyAsync("/mcp/s", session, "tools/list", "{}"));
                var result = answer.RootElement.GetProperty("result");
                Assert.Equal("c", answer.RootElement.GetProperty("id").GetString());
                Assert.Equal(Tools, result.GetProperty("tools").GetArrayLength());
                Assert.Equal(Encoding.UTF8.GetString(kept.Span), result.GetRawText());
                Assert.True(kept.Span == Page(version).Span);
            }
        }

        var before = Page(ProtocolVersion.V20260728);
        var changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        fleet.Host.Manager.Fleet.CatalogChanged += (endpoint, _) =>
        {
            if (endpoint == cell)
            {
                changed.TrySetResult();
            }
        };
        description = "two";
        await (await fleet.ServerAsync("s")).SendAsync("""{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}""");
        await Guard.WithinAsync(changed.Task, "the changed list");

        Assert.False(before.Span == Page(ProtocolVersion.V20260728).Span);
        Assert.Contains("two and x", await fleet.ModernAsync("/mcp/s", "tools/list", ""), StringComparison.Ordinal);

        ReadOnlyMemory<byte> Page(ProtocolVersion version)
        {
            Assert.True(cell!.Offered.TryGetPage(ListKind.Tools, version, default, out var page));
            return page;
        }
    }
}
