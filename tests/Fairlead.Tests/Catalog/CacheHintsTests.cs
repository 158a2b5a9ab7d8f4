using System.Text;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.TestKit;
using Fairlead.Upstreams;
using Fairlead.Wire;
using static Fairlead.Tests.Catalog.CatalogWorld;

namespace Fairlead.Tests.Catalog;

/// <summary>How long clients may keep lists, and for whom (2026-07-28, basic/utilities/caching).</summary>
public sealed class CacheHintsTests
{
    [Theory]
    [InlineData("60000", "\"public\"", 60000, true)]
    [InlineData("1", "\"private\"", 1, false)]
    [InlineData("", "", 0, false)]
    [InlineData("-5", "\"public\"", 0, true)]
    [InlineData("1.5", "\"Public\"", 0, false)]
    [InlineData("\"7\"", "7", 0, false)]
    [InlineData("99999999999999999999", "null", 0, false)]
    public void Read_OfAnyTokens_IsWhatIsSafe(string ttl, string scope, long milliseconds, bool isPublic) =>
        Assert.Equal(new CacheHint(milliseconds, isPublic), CacheHint.Read(Encoding.UTF8.GetBytes(ttl), Encoding.UTF8.GetBytes(scope)));

    [Fact]
    public async Task Read_OfAModernServersLists_KeepsTheShortestAndMostPrivateOfAllPages()
    {
        await using var server = await ConnectedServer.OpenAsync(new ScriptedServer()
            .SpeaksModern("""{"tools":{},"prompts":{},"resources":{}}""")
            .On("tools/list", static request => request.Text("cursor") is null
                ? """ "result":{"resultType":"complete","tools":[{"name":"a"}],"nextCursor":"2","ttlMs":9000,"cacheScope":"public"} """
                : """ "result":{"resultType":"complete","tools":[{"name":"b"}],"ttlMs":5000,"cacheScope":"private"} """)
            .On("prompts/list", """ "result":{"resultType":"complete","prompts":[],"ttlMs":7000,"cacheScope":"public"} """)
            .On("resources/list", """ "result":{"resultType":"complete","resources":[]} """));

        var catalog = (await server.ReadAsync()).Catalog;

        Assert.Equal([new(5000, false), new(7000, true), default, default], catalog.Hints);

        // What is not read again keeps its hint; what cannot be read keeps what was known.
        server.Server.On("prompts/list", """ "error":{"code":-32603,"message":"no"} """).On("tools/list", """ "result":{"resultType":"complete","tools":[],"ttlMs":1,"cacheScope":"public"} """);
        Assert.Equal([new(1, true), new(7000, true), default, default], (await server.ReadAsync(known: catalog, which: CatalogChanges.Tools | CatalogChanges.Prompts)).Catalog.Hints);
    }

    [Fact]
    public async Task Read_OfALegacyServersLists_TakesNoHints()
    {
        await using var server = await ConnectedServer.OpenAsync(new ScriptedServer()
            .SpeaksLegacy("""{"tools":{}}""").On("tools/list", """ "result":{"tools":[{"name":"a"}],"ttlMs":9000,"cacheScope":"public"} """));

        Assert.Equal(new CacheHint[4], (await server.ReadAsync()).Catalog.Hints);
    }

    [Fact]
    public void Aggregate_OfSeveralServers_AllowsWhatAllOfThemAllow()
    {
        var slow = Source("slow", Hinted(new(60_000, true)));
        var fast = Source("fast", Hinted(new(5_000, true)));
        var secret = Source("secret", Hinted(new(90_000, false)));
        var silent = Source("silent", Hinted(default) with { Identity = Identity("""{"prompts":{}}""", modern: true) });
        var legacy = Source("legacy", Tools("a"));
        var unknown = Source("unknown", ServerCatalog.Empty);

        AssertHint("\"ttlMs\":5000,\"cacheScope\":\"public\"", slow, fast);
        AssertHint("\"ttlMs\":5000,\"cacheScope\":\"private\"", slow, fast, secret);
        AssertHint("\"ttlMs\":5000,\"cacheScope\":\"public\"", slow, fast, silent);
        AssertHint("\"ttlMs\":0,\"cacheScope\":\"private\"", slow, legacy);
        AssertHint("\"ttlMs\":0,\"cacheScope\":\"private\"", slow, unknown);
        AssertHint("\"ttlMs\":0,\"cacheScope\":\"private\"", silent);
        AssertHint("\"ttlMs\":0,\"cacheScope\":\"private\"");
        AssertHint("\"ttlMs\":60000,\"cacheScope\":\"private\"", Source("slow", Hinted(new(60_000, true)), config => config.Expose.Hide.Add("x")));
    }

    [Fact]
    public void Discover_OfSeveralServers_AllowsWhatAllOfThemAllow()
    {
        var slow = Source("slow", Hinted(default, new(60_000, true)));
        var fast = Source("fast", Hinted(default, new(5_000, true)));

        Assert.Equal(new CacheHint(60_000, true), CatalogBuilder.BuildIdentity(slow).Caching);
        Assert.Equal(new CacheHint(5_000, true), Aggregate(NamingPolicy.Prefix, slow, fast).Caching);
        Assert.Equal(default, Aggregate(NamingPolicy.Prefix, slow, Source("legacy", Tools("a"))).Caching);
        Assert.Equal(default, CatalogSnapshot.Empty.Caching);
    }

    [Fact]
    public void Profile_OfPublicServers_IsPrivate()
    {
        CatalogSource[] sources = [Source("one", Hinted(new(60_000, true), new(50_000, true))), Source("two", Tools("a"))];
        var aggregate = Aggregate(NamingPolicy.Prefix, sources);
        var profile = CatalogBuilder.BuildProfile(new ProfileEndpoint("p", new ProfileOptions { Servers = ["one"] }), aggregate, sources, []);

        Assert.Contains("\"ttlMs\":60000,\"cacheScope\":\"private\"", profile.Page(version: ProtocolVersion.V20260728), StringComparison.Ordinal);
        Assert.Equal(new CacheHint(50_000, false), profile.Caching);
    }

    [Fact]
    public void Succeed_WhenOnlyTheHintIsAnother_TellsNobodyAndShowsIt()
    {
        var before = CatalogBuilder.BuildIdentity(Source("s", Hinted(new(1, true))));
        before.Page(version: ProtocolVersion.V20260728);
        before.TryGetPage(ListKind.Tools, ProtocolVersion.V20251125, default, out var legacyPage);
        var after = CatalogBuilder.BuildIdentity(Source("s", Hinted(new(2, true))));

        Assert.Equal(CatalogChanges.None, CatalogComparison.Succeed(before, after));
        Assert.Contains("\"ttlMs\":2,", after.Page(version: ProtocolVersion.V20260728), StringComparison.Ordinal);
        after.TryGetPage(ListKind.Tools, ProtocolVersion.V20251125, default, out var adopted);
        Assert.True(legacyPage.Span == adopted.Span);
        Assert.False(CatalogComparison.AreEqual(Hinted(new(1, true)), Hinted(new(2, true))));
        Assert.False(CatalogComparison.AreEqual(Hinted(default, new(1, true)), Hinted(default)));
    }

    [Fact]
    public void File_AfterWriting_GivesTheHintsBack()
    {
        var catalog = Hinted(new(7, true), new(8, false));

        var read = CatalogFile.Parse(CatalogFile.Write(catalog, "s", "d").ToArray(), "d");

        Assert.Equal(catalog.Hints, read.Hints);
        Assert.Equal(catalog.Identity!.Caching, read.Identity!.Caching);
    }

    [Fact]
    public void File_OfAProgramThatKnewNoHints_ReadsAsTheSafest()
    {
        var read = CatalogFile.Parse("""{"formatVersion":1,"digest":"d","version":"2026-07-28","capabilities":{"tools":{}},"tools":[{"name":"a"}]}"""u8.ToArray(), "d");

        Assert.Equal("a", Assert.Single(read.Tools).Name);
        Assert.Equal(new CacheHint[4], read.Hints);
        Assert.Equal(default, read.Identity!.Caching);
    }

    private static ServerCatalog Hinted(CacheHint tools, CacheHint discover = default) =>
        Tools("a") with { Identity = Identity("""{"tools":{}}""", modern: true) with { Caching = discover }, Hints = [tools, default, default, default] };

    private static void AssertHint(string members, params CatalogSource[] sources)
    {
        var aggregate = Aggregate(NamingPolicy.Prefix, sources);
        Assert.EndsWith($",{members}}}", aggregate.Page(version: ProtocolVersion.V20260728), StringComparison.Ordinal);
        Assert.DoesNotContain("ttlMs", aggregate.Page(version: ProtocolVersion.V20251125), StringComparison.Ordinal);
    }
}
