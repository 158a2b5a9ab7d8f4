using System.Text;
using System.Text.Json;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Wire;
using static Fairlead.Tests.Catalog.CatalogWorld;

namespace Fairlead.Tests.Catalog;

public sealed class PageRenderingTests
{
    private const string Odd = """{ "x-later":[12345678901234567890, 1.0,1e2],"name" : "a" ,"description":"名前 <&>\u00e9","inputSchema":{"type":"object"}}""";

    [Theory]
    [InlineData(ProtocolVersion.V20241105)]
    [InlineData(ProtocolVersion.V20250326)]
    [InlineData(ProtocolVersion.V20250618)]
    [InlineData(ProtocolVersion.V20251125)]
    public void Page_ForALegacyClient_HoldsTheDefinitionsAndNothingElse(ProtocolVersion version) =>
        Assert.Equal("{\"tools\":[" + Odd + "]}", Aggregate(NamingPolicy.None, Source("s", Offering(Entry(Odd)))).Page(version: version));

    [Fact]
    public void Page_ForAModernClient_HasTheMembersOfACacheableResult() => Assert.Equal(
        "{\"resultType\":\"complete\",\"tools\":[" + Odd + "],\"ttlMs\":0,\"cacheScope\":\"private\"}",
        Aggregate(NamingPolicy.None, Source("s", Offering(Entry(Odd)))).Page(version: ProtocolVersion.V20260728));

    [Theory]
    [InlineData((byte)ListKind.Tools, "tools")]
    [InlineData((byte)ListKind.Prompts, "prompts")]
    [InlineData((byte)ListKind.Resources, "resources")]
    [InlineData((byte)ListKind.ResourceTemplates, "resourceTemplates")]
    public void Page_WhenThereIsNothing_IsAnEmptyList(byte list, string member)
    {
        var kind = (ListKind)list;
        Assert.Equal($"{{\"{member}\":[]}}", CatalogSnapshot.Empty.Page(kind));
        Assert.Equal($"{{\"resultType\":\"complete\",\"{member}\":[],\"ttlMs\":0,\"cacheScope\":\"private\"}}", CatalogSnapshot.Empty.Page(kind, ProtocolVersion.V20260728));
    }

    [Fact]
    public void Page_WhenAToolIsRenamed_ChangesTheNameAndNoOtherByte() => Assert.Equal(
        "{\"tools\":[" + Odd.Replace("\"a\"", "\"s__a\"", StringComparison.Ordinal) + "]}",
        Aggregate(NamingPolicy.Prefix, Source("s", Offering(Entry(Odd)))).Page());

    [Fact]
    public void Page_WhenADefinitionHasLineFeeds_FitsALine()
    {
        var page = Aggregate(NamingPolicy.None, Source("s", Offering(Entry("{\n  \"name\":\"a\\n\",\r\n  \"inputSchema\":{}\n}")))).Page();

        Assert.Equal("{\"tools\":[{   \"name\":\"a\\n\",    \"inputSchema\":{} }]}", page);
    }

    [Fact]
    public void Page_WhenALegacyServerSaysHowToolsRun_ModernClientsAreNotToldOfIt()
    {
        const string Optional = """{"name":"o","execution":{"taskSupport":"optional"},"inputSchema":{}}""";
        var snapshot = Aggregate(NamingPolicy.None, Source("s", Offering(Entry(Optional))));

        Assert.Contains("execution", snapshot.Page(version: ProtocolVersion.V20251125), StringComparison.Ordinal);
        Assert.Contains("[{\"name\":\"o\",\"inputSchema\":{}}]", snapshot.Page(version: ProtocolVersion.V20260728), StringComparison.Ordinal);
    }

    [Fact]
    public void Page_WhenAToolNeedsATask_HidesItOnlyFromClientsThatCannotUseIt()
    {
        var source = Source("s", Offering(Entry("""{"name":"t","execution":{"taskSupport":"required"}}"""), Tool("plain")));
        foreach (var snapshot in new[] { CatalogBuilder.BuildIdentity(source), Aggregate(NamingPolicy.None, source) })
        {
            Assert.Contains("""{"name":"t","execution":{"taskSupport":"required"}}""", snapshot.Page(version: ProtocolVersion.V20251125), StringComparison.Ordinal);
            Assert.DoesNotContain("\"t\"", snapshot.Page(version: ProtocolVersion.V20250618), StringComparison.Ordinal);
            Assert.Contains("\"plain\"", snapshot.Page(version: ProtocolVersion.V20250618), StringComparison.Ordinal);

            // For a modern client Fairlead runs the task.
            Assert.Contains("""{"name":"t"}""", snapshot.Page(version: ProtocolVersion.V20260728), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Page_WhenAModernServerStillSaysHowToolsRun_LegacyClientsAreNotToldOfIt()
    {
        const string Required = """{"name":"t","execution":{"taskSupport":"required"}}""";
        var snapshot = CatalogBuilder.BuildIdentity(Source("s", new ServerCatalog([Entry(Required)], [], [], [], Identity(modern: true))));

        Assert.Contains("""[{"name":"t"}]""", snapshot.Page(version: ProtocolVersion.V20251125), StringComparison.Ordinal);
        Assert.Contains("""[{"name":"t"}]""", snapshot.Page(version: ProtocolVersion.V20250618), StringComparison.Ordinal);
        Assert.Contains(Required, snapshot.Page(version: ProtocolVersion.V20260728), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"type":"object"}""", false)]
    [InlineData("""{"type":"array"}""", true)]
    [InlineData("""{"anyOf":[]}""", true)]
    [InlineData("true", true)]
    public void Page_WhenAModernServerAnswersOtherThanObjects_LegacyClientsSeeObjects(string schema, bool wrapped)
    {
        var source = Source("s", new ServerCatalog([Entry($"{{\"name\":\"a\",\"outputSchema\":{schema}}}")], [], [], [], Identity(modern: true)));
        var snapshot = CatalogBuilder.BuildIdentity(source);

        Assert.Equal(wrapped, snapshot.Page(version: ProtocolVersion.V20251125).Contains("\"required\":[\"result\"]", StringComparison.Ordinal));
        Assert.Contains("\"outputSchema\":" + schema + "}", snapshot.Page(version: ProtocolVersion.V20260728), StringComparison.Ordinal);
    }

    [Fact]
    public void Page_WhenAskedTwice_IsTheSameMemory()
    {
        var snapshot = CatalogBuilder.BuildIdentity(Source("s", Tools("a")));
        snapshot.TryGetPage(ListKind.Tools, ProtocolVersion.V20251125, default, out var first);
        snapshot.TryGetPage(ListKind.Tools, ProtocolVersion.V20251125, "\"\""u8, out var second);

        Assert.True(first.Span == second.Span);
    }

    [Theory]
    [InlineData(ProtocolVersion.V20251125)]
    [InlineData(ProtocolVersion.V20260728)]
    public void Cursor_WhenTheListIsLong_LeadsThroughAllEntriesOnce(ProtocolVersion version)
    {
        var snapshot = Aggregate(NamingPolicy.Prefix, Source("s", Tools([.. Enumerable.Range(0, 2500).Select(i => $"t{i}")])));
        var names = new List<string>();
        var pages = 0;
        var cursor = "";
        do
        {
            using var page = JsonDocument.Parse(snapshot.Page(version: version, cursor: cursor));
            names.AddRange(page.RootElement.GetProperty("tools").EnumerateArray().Select(tool => tool.GetProperty("name").GetString()!));
            cursor = page.RootElement.TryGetProperty("nextCursor", out var next) ? next.GetRawText() : "";
            pages++;
        }
        while (cursor.Length > 0);

        Assert.Equal(3, pages);
        Assert.Equal(snapshot.Names(), names);
    }

    [Fact]
    public void Page_WhenDefinitionsAreHeavy_EndsAtItsBytes()
    {
        var heavy = Enumerable.Range(0, 5).Select(i => Entry($"{{\"name\":\"t{i}\",\"description\":\"{new string('x', 2_000_000)}\"}}"));
        var page = Aggregate(NamingPolicy.None, Source("s", Offering([.. heavy]))).Page();

        Assert.Contains("nextCursor", page, StringComparison.Ordinal);
        Assert.InRange(page.Length, PageRenderer.BytesMax, PageRenderer.BytesMax + 2_100_000);
    }

    [Theory]
    [InlineData("\"nonsense\"")]
    [InlineData("\"v1..1\"")]
    [InlineData("\"v1.0000000000000000.1\"")]
    [InlineData("7")]
    [InlineData("{}")]
    [InlineData("\"v2.1\"")]
    public void Cursor_WhenItIsNotOurs_IsRefused(string cursor)
    {
        var snapshot = Aggregate(NamingPolicy.Prefix, Source("s", Tools([.. Enumerable.Range(0, 1001).Select(i => $"t{i}")])));

        Assert.False(snapshot.TryGetPage(ListKind.Tools, ProtocolVersion.V20251125, Encoding.UTF8.GetBytes(cursor), out _));
        Assert.False(CatalogSnapshot.Empty.TryGetPage(ListKind.Tools, ProtocolVersion.V20251125, Encoding.UTF8.GetBytes(cursor), out _));
    }

    [Fact]
    public void Cursor_WhenTheListHasChanged_IsRefusedAndWhenNotItStaysGood()
    {
        string[] names = [.. Enumerable.Range(0, 1001).Select(i => $"t{i}")];
        var cursor = NextCursor(Aggregate(NamingPolicy.Prefix, Source("s", Tools(names))));
        var same = Aggregate(NamingPolicy.Prefix, Source("s", Tools(names)));
        var other = Aggregate(NamingPolicy.Prefix, Source("s", Tools([.. names, "more"])));

        Assert.True(same.TryGetPage(ListKind.Tools, ProtocolVersion.V20251125, cursor, out _));
        Assert.False(other.TryGetPage(ListKind.Tools, ProtocolVersion.V20251125, cursor, out _));
        Assert.False(same.TryGetPage(ListKind.Tools, ProtocolVersion.V20260728, cursor, out _));
        Assert.False(same.TryGetPage(ListKind.Prompts, ProtocolVersion.V20251125, cursor, out _));
    }

    private static byte[] NextCursor(CatalogSnapshot snapshot)
    {
        using var page = JsonDocument.Parse(snapshot.Page());
        return Encoding.UTF8.GetBytes(page.RootElement.GetProperty("nextCursor").GetRawText());
    }
}
