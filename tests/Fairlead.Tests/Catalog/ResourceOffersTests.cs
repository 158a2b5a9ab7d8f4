using System.Text;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.Wire;
using static Fairlead.Tests.Catalog.CatalogWorld;

namespace Fairlead.Tests.Catalog;

/// <summary>Resources of several servers at one endpoint: URIs stay, unless an earlier server has the same (protocol.md 7, URIs).</summary>
public sealed class ResourceOffersTests
{
    [Fact]
    public void Resources_WhenTwoServersHaveOneUri_TheLaterOneIsWrapped()
    {
        var notes = new List<string>();
        var snapshot = CatalogBuilder.BuildAggregate([Source("b", Having(["file:///x"])), Source("a", Having(["file:///x", "file:///y"]))], NamingPolicy.Prefix, notes);

        Assert.Equal(["file:///x", "fairlead://a/file:///x", "file:///y"], snapshot.Names(ListKind.Resources));
        Assert.Equal("b:\"file:///x\"", snapshot.Route("file:///x", ListKind.Resources));
        Assert.Equal("a:\"file:///x\"", snapshot.Route("fairlead://a/file:///x", ListKind.Resources));
        Assert.Equal("a:\"file:///y\"", snapshot.Route("file:///y", ListKind.Resources));
        Assert.Empty(notes);
        Assert.Contains("""{"uri":"fairlead://a/file:///x","name":"n"}""", snapshot.Page(ListKind.Resources), StringComparison.Ordinal);
    }

    [Fact]
    public void Resources_WhenOnlyOneServerHasAUri_TheirResultsNeedNoLook()
    {
        var snapshot = Aggregate(NamingPolicy.Prefix, Source("b", Having(["file:///x"], ["b://{id}"])), Source("a", Having(["file:///x"], ["a://{id}"])), Source("c", Having(["file:///y"], ["b://{id}"])));

        Assert.Null(Find(snapshot, "file:///x").Wrapped);
        Assert.NotNull(Find(snapshot, "fairlead://a/file:///x").Wrapped);
        Assert.NotNull(Find(snapshot, "file:///y").Wrapped);
        Assert.Null(Find(CatalogBuilder.BuildIdentity(Source("a", Having(["file:///x"]))), "file:///x").Wrapped);
    }

    [Fact]
    public void Templates_WhenTwoServersHaveTheSame_TheLaterOneExpandsToWrappedUris()
    {
        var snapshot = Aggregate(NamingPolicy.Prefix, Source("b", Having([], ["db://{table}{?q}"])), Source("a", Having([], ["db://{table}{?q}", "{+any}"])));

        Assert.Equal(["db://{table}{?q}", "fairlead://a/db://{table}{?q}", "{+any}"], snapshot.Names(ListKind.ResourceTemplates));
        Assert.Equal("b:\"db://{table}{?q}\"", snapshot.Route("db://{table}{?q}", ListKind.ResourceTemplates));
        Assert.Equal("a:\"db://{table}{?q}\"", snapshot.Route("fairlead://a/db://{table}{?q}", ListKind.ResourceTemplates));
        Assert.Equal("b", Find(snapshot, "db://t?q=1").Cell.Name);
        var expanded = Find(snapshot, "fairlead://a/db://t?q=1");
        Assert.Equal(("a", "\"db://t?q=1\""), (expanded.Cell.Name, Upstream(expanded, "fairlead://a/db://t?q=1")));
        Assert.True(expanded.Wrapped!.TryWrap("\"db:\\/\\/other\""u8, out var wrapped));
        Assert.Equal("fairlead://a/db://other", wrapped);
        Assert.False(expanded.Wrapped.TryWrap("\"x://other\""u8, out _));
        Assert.False(expanded.Wrapped.TryWrap("7"u8, out _));
    }

    [Fact]
    public void Wrapped_WhenNothingCollidesAnyMore_StillLeadsToItsServer()
    {
        var snapshot = Aggregate(NamingPolicy.Prefix, Source("a", Having(["file:///x"])), Source("b", Having([], ["{+any}"])));

        Assert.Equal(("a", "\"file:///x\\\"\\\\\""), (Find(snapshot, "fairlead://a/file:///x\"\\").Cell.Name, Upstream(Find(snapshot, "fairlead://a/file:///x\"\\"), "fairlead://a/file:///x\"\\")));
        Assert.Equal("\"ui://v/é\"", Upstream(Find(snapshot, "ui://fairlead/a/v/é"), "ui://fairlead/a/v/é"));

        // What only looks so is a URI like any other.
        foreach (var plain in new[] { "fairlead://nobody/x", "fairlead://a", "fairlead:///x", "ui://fairlead/a", "Fairlead://a/x" })
        {
            Assert.Equal(("b", (string?)null), (Find(snapshot, plain).Cell.Name, Upstream(Find(snapshot, plain), plain)));
        }
    }

    [Theory]
    [InlineData("""{"name":"t","_meta":{"ui":{"resourceUri":"ui:\/\/v","x":1.0}}}""", """{"name":"a__t","_meta":{"ui":{"resourceUri":"ui://fairlead/a/v","x":1.0}}}""")]
    [InlineData("""{"name":"t","_meta":{"ui/resourceUri":"ui://v"}}""", """{"name":"a__t","_meta":{"ui/resourceUri":"ui://fairlead/a/v"}}""")]
    [InlineData("""{"name":"t","_meta":{"ui/resourceUri":"ui://v","ui":{"resourceUri":"ui://v"}}}""", """{"name":"a__t","_meta":{"ui/resourceUri":"ui://fairlead/a/v","ui":{"resourceUri":"ui://fairlead/a/v"}}}""")]
    public void UserInterface_WhenTwoServersHaveOneUri_StaysAUiUri(string tool, string shown)
    {
        var first = Offering(Entry("""{"name":"t","_meta":{"ui":{"resourceUri":"ui://v"}}}"""));
        var snapshot = Aggregate(NamingPolicy.Prefix, Source("b", first), Source("a", Offering(Entry(tool), Entry("""{"name":"o","_meta":{"ui":{"resourceUri":"ui://own"}}}"""))));

        Assert.Contains(shown, snapshot.Page(), StringComparison.Ordinal);
        Assert.Contains("""{"name":"b__t","_meta":{"ui":{"resourceUri":"ui://v"}}}""", snapshot.Page(), StringComparison.Ordinal);
        Assert.Contains("\"ui://own\"", snapshot.Page(), StringComparison.Ordinal);
        Assert.Equal("b", Find(snapshot, "ui://v").Cell.Name);
        Assert.Equal(("a", "\"ui://v\""), (Find(snapshot, "ui://fairlead/a/v").Cell.Name, Upstream(Find(snapshot, "ui://fairlead/a/v"), "ui://fairlead/a/v")));
        Assert.True(snapshot.TryRoute(ListKind.Tools, "\"a__o\""u8, out var route));
        Assert.True(route.Wrapped!.TryWrap("\"ui://v\""u8, out _));
    }

    [Fact]
    public void UserInterface_WhenItsServerListsIt_IsNamedAsInTheList()
    {
        var app = Offering(Entry("""{"name":"t","_meta":{"ui":{"resourceUri":"ui://v"}}}""")) with { Resources = Having(["ui://v"]).Resources };
        var snapshot = Aggregate(NamingPolicy.Prefix, Source("b", app), Source("a", app));

        Assert.Equal(["ui://v", "ui://fairlead/a/v"], snapshot.Names(ListKind.Resources));
        Assert.Contains("\"resourceUri\":\"ui://fairlead/a/v\"", snapshot.Page(), StringComparison.Ordinal);
        Assert.Equal("a:\"ui://v\"", snapshot.Route("ui://fairlead/a/v", ListKind.Resources));
    }

    [Fact]
    public void Profile_OfTheLaterServer_HasTheUrisOfTheAggregate()
    {
        CatalogSource[] sources = [Source("b", Having(["file:///x"], ["b://{id}"])), Source("a", Having(["file:///x"], ["b://{id}"]))];
        var profile = CatalogBuilder.BuildProfile(
            new ProfileEndpoint("p", new ProfileOptions { Servers = ["a"] }), Aggregate(NamingPolicy.Prefix, sources), sources, []);

        Assert.Equal(["fairlead://a/file:///x"], profile.Names(ListKind.Resources));
        Assert.Equal("a:\"file:///x\"", profile.Route("fairlead://a/file:///x", ListKind.Resources));
        Assert.Equal("a:", profile.Route("fairlead://a/b://7", ListKind.Resources));
        Assert.Equal("a:", profile.Route("fairlead://b/file:///x", ListKind.Resources));
    }

    private static ServerCatalog Having(string[] uris, string[]? templates = null) => new(
        [],
        [],
        [.. uris.Select(uri => Entry($"{{\"uri\":\"{uri}\",\"name\":\"n\"}}", ListKind.Resources))],
        [.. (templates ?? []).Select(template => Entry($"{{\"uriTemplate\":\"{template}\",\"name\":\"n\"}}", ListKind.ResourceTemplates))],
        Identity("""{"resources":{}}"""));

    private static CatalogRoute Find(CatalogSnapshot snapshot, string uri)
    {
        Assert.True(snapshot.TryRoute(ListKind.Resources, JsonText.Quote(uri), out var route), uri);
        return route;
    }

    private static string? Upstream(CatalogRoute route, string uri) => route.UpstreamName(JsonText.Quote(uri)) is { } token ? Encoding.UTF8.GetString(token) : null;
}
