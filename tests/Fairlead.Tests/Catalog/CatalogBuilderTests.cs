using System.Text;
using System.Text.Json;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Wire;
using static Fairlead.Tests.Catalog.CatalogWorld;

namespace Fairlead.Tests.Catalog;

public sealed class CatalogBuilderTests
{
    private static ServerCatalog Resources(string[] uris, string[]? templates = null, string capabilities = """{"resources":{}}""") => new(
        [], [],
        [.. uris.Select(uri => Entry($"{{\"uri\":\"{uri}\",\"name\":\"n\"}}", ListKind.Resources))],
        [.. (templates ?? []).Select(template => Entry($"{{\"uriTemplate\":\"{template}\",\"name\":\"n\"}}", ListKind.ResourceTemplates))],
        Identity(capabilities));

    [Fact]
    public void Aggregate_WithPrefixes_ListsServersInOrderAndRoutesBothWays()
    {
        var snapshot = Aggregate(NamingPolicy.Prefix, Source("b", Tools("list", "x.y")), Source("a", Tools("list")));

        Assert.Equal("b__list", snapshot.Names()[0]);
        Assert.Equal("a__list", snapshot.Names()[2]);
        Assert.Equal("b:\"list\"", snapshot.Route("b__list"));
        Assert.Equal("b:\"x.y\"", snapshot.Route(snapshot.Names()[1]));
        Assert.Equal("a:\"list\"", snapshot.Route("a__list"));
        Assert.Equal("", snapshot.Route("c__list"));
    }

    [Fact]
    public void Aggregate_WhenAnOwnNameIsUnambiguous_AcceptsItToo()
    {
        var snapshot = Aggregate(NamingPolicy.Prefix, Source("b", Tools("list", "only")), Source("a", Tools("list")));

        Assert.Equal("b:\"only\"", snapshot.Route("only"));
        Assert.Equal("", snapshot.Route("list"));
        Assert.True(snapshot.TryRoute(ListKind.Tools, "\"only\""u8, out var own) && !own.IsRenamed);
        Assert.True(snapshot.TryRoute(ListKind.Tools, "\"b__only\""u8, out var given) && given.IsRenamed);
    }

    [Fact]
    public void Aggregate_WhenAnOwnNameIsAnothersGivenName_TheGivenOneWins()
    {
        var snapshot = Aggregate(NamingPolicy.Prefix, Source("a", Tools("x")), Source("evil", Tools("a__x")));

        Assert.Equal("a:\"x\"", snapshot.Route("a__x"));
        Assert.Equal("evil:\"a__x\"", snapshot.Route("evil__a__x"));
    }

    [Fact]
    public void Aggregate_OnCollision_PrefixesAllSidesAndNoOthers()
    {
        var snapshot = Aggregate(NamingPolicy.OnCollision, Source("b", Tools("list", "only")), Source("a", Tools("list")));

        Assert.Equal(["b__list", "only", "a__list"], snapshot.Names());
        Assert.Equal("b:\"only\"", snapshot.Route("only"));
    }

    [Fact]
    public void Aggregate_WithoutPrefixes_TheFirstServerWinsAndTheOtherIsReported()
    {
        var notes = new List<string>();
        var snapshot = CatalogBuilder.BuildAggregate([Source("b", Tools("list")), Source("a", Tools("list", "a.b"))], NamingPolicy.None, notes);

        Assert.Equal(["list", "a.b"], snapshot.Names());
        Assert.Equal("b:\"list\"", snapshot.Route("list"));
        var note = Assert.Single(notes);
        Assert.Contains("'list' of a is not offered", note, StringComparison.Ordinal);
        Assert.Contains("b stands earlier", note, StringComparison.Ordinal);
    }

    [Fact]
    public void Aggregate_ForPrompts_NamesThemByTheSameRule()
    {
        var catalog = new ServerCatalog([], [Entry("""{"name":"hello"}""", ListKind.Prompts)], [], [], Identity());
        var snapshot = Aggregate(NamingPolicy.Prefix, Source("s", catalog));

        Assert.Equal(["s__hello"], snapshot.Names(ListKind.Prompts));
        Assert.Equal("s:\"hello\"", snapshot.Route("s__hello", ListKind.Prompts));
        Assert.Equal("", snapshot.Route("s__hello", ListKind.Tools));
    }

    [Fact]
    public void Expose_WhenToolsAreHiddenAndRenamed_ClientsSeeOnlyTheRestUnderTheNewNames()
    {
        var source = Source("s", Tools("list_all", "list_one", "delete", "drop_table"), config =>
        {
            config.Expose.Tools = ["list*", "delete"];
            config.Expose.Hide = ["*_all"];
            config.Expose.Rename["delete"] = "remove";
        });
        var aggregate = Aggregate(NamingPolicy.Prefix, source);
        var own = CatalogBuilder.BuildIdentity(source);

        Assert.Equal(["s__list_one", "s__remove"], aggregate.Names());
        Assert.Equal("s:\"delete\"", aggregate.Route("s__remove"));
        Assert.Equal(["list_one", "delete"], own.Names());
        foreach (var hidden in new[] { "list_all", "s__list_all", "drop_table" })
        {
            Assert.Equal("", aggregate.Route(hidden));
            Assert.Equal("", own.Route(hidden));
        }
    }

    [Fact]
    public void Expose_WhenARenameMeetsAnotherTool_TheFirstStaysAndTheOtherIsReported()
    {
        var notes = new List<string>();
        var snapshot = CatalogBuilder.BuildAggregate([Source("s", Tools("a", "b"), config => config.Expose.Rename["b"] = "a")], NamingPolicy.Prefix, notes);

        Assert.Equal(["s__a"], snapshot.Names());
        Assert.Contains("expose.rename", Assert.Single(notes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("*", "", true)]
    [InlineData("a*c", "abbc", true)]
    [InlineData("a*c", "abcd", false)]
    [InlineData("*a*b*", "xxaxxbxx", true)]
    [InlineData("a?", "ab", false)]
    [InlineData("a.c", "abc", false)]
    [InlineData("", "a", false)]
    public void Expose_Patterns_MatchWholeNames(string pattern, string name, bool expected) => Assert.Equal(expected, ExposeRules.Matches(pattern, name));

    [Fact]
    public void Resources_WhenAUriIsNotListed_TemplatesFindTheServer()
    {
        var snapshot = Aggregate(NamingPolicy.Prefix, Source("b", Resources([], ["b://{id}"])), Source("a", Resources([], ["a://{id}"])));

        Assert.Equal("a:", snapshot.Route("a://7", ListKind.Resources));
        Assert.Equal("b:", snapshot.Route("b://7", ListKind.Resources));
        Assert.Equal("", snapshot.Route("c://7", ListKind.Resources));
        Assert.Equal("a:\"a://{id}\"", snapshot.Route("a://{id}", ListKind.ResourceTemplates));
    }

    [Fact]
    public void Resources_WhenOnlyOneServerHasAny_AllUrisGoThere()
    {
        var snapshot = Aggregate(NamingPolicy.Prefix, Source("b", Tools("t") with { Identity = Identity("""{"tools":{}}""") }), Source("a", Resources([])));

        Assert.Equal("a:", snapshot.Route("any://thing", ListKind.Resources));
    }

    [Fact]
    public void Resources_WhenAToolNamesItsInterface_TheInterfaceIsReadFromItsServer()
    {
        var tool = Entry("""{"name":"t","_meta":{"ui":{"resourceUri":"ui:\/\/pdf"}}}""");
        var older = Entry("""{"name":"o","_meta":{"ui/resourceUri":"ui://older"}}""");
        var snapshot = Aggregate(NamingPolicy.Prefix, Source("b", Resources([])), Source("a", Offering(tool, older)));

        Assert.Equal("a:", snapshot.Route("ui://pdf", ListKind.Resources));
        Assert.Equal("a:", snapshot.Route("ui://older", ListKind.Resources));
    }

    [Fact]
    public void Identity_WhenTheServerIsKnown_OffersItsNamesAndTakesAnyUri()
    {
        var snapshot = CatalogBuilder.BuildIdentity(Source("s", Tools("a.b")));

        Assert.Equal(["a.b"], snapshot.Names());
        Assert.Equal("s:\"a.b\"", snapshot.Route("a.b"));
        Assert.Equal("", snapshot.Route("other"));
        Assert.Equal("s:", snapshot.Route("any://thing", ListKind.Resources));
        Assert.Equal("{\"name\":\"s\",\"version\":\"2\"}", Encoding.UTF8.GetString(snapshot.ServerInfo.Span));
    }

    [Fact]
    public void Identity_WhenTheServerWasNeverListed_TakesAnyNameUnlessToolsAreHidden()
    {
        var open = CatalogBuilder.BuildIdentity(Source("s", ServerCatalog.Empty));
        var guarded = CatalogBuilder.BuildIdentity(Source("s", ServerCatalog.Empty, config => config.Expose.Hide = ["secret"]));

        Assert.Equal("s:", open.Route("anything"));
        Assert.Equal("", guarded.Route("anything"));
    }

    [Fact]
    public void Capabilities_OfTheAggregate_AreTheUnionWithListChanged()
    {
        var one = new ServerCatalog([], [], [], [], Identity("""{"tools":{},"logging":{},"extensions":{"io.modelcontextprotocol/ui":{"a":1.0},"io.modelcontextprotocol/tasks":{}},"tasks":{"list":{}}}"""));
        var two = new ServerCatalog([], [], [], [], Identity("""{"tools":{"listChanged":false},"resources":{"subscribe":true},"completions":{},"extensions":{"io.modelcontextprotocol/ui":{"a":2},"x/y":{}}}""", modern: true));
        var snapshot = Aggregate(NamingPolicy.Prefix, Source("a", one), Source("b", two));
        const string Expected = """{"tools":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"logging":{},"extensions":{"io.modelcontextprotocol/ui":{"a":1.0},"x/y":{}},"completions":{}}""";

        Assert.Equal(Expected, Encoding.UTF8.GetString(snapshot.Capabilities(modern: true).Span));
        Assert.Equal(Expected, Encoding.UTF8.GetString(snapshot.Capabilities(modern: false).Span));
    }

    [Theory]
    [InlineData("""{"list":{},"cancel":{},"requests":{"tools":{"call":{}},"x":1}}""", """ "tasks":{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}},""")]
    [InlineData("""{"requests":{"tools":{"call":{}}}}""", """ "tasks":{"requests":{"tools":{"call":{}}}},""")]
    [InlineData("""{"list":{}}""", "")]
    public void Capabilities_OfALegacyServer_KeepTheTasksThatAreCarriedForClientsOfItsEra(string declared, string expected)
    {
        var source = Source("a", new ServerCatalog([], [], [], [], Identity($$$"""{"tools":{"x":1},"tasks":{{{declared}}},"experimental":{"k":[1]}}""")));
        foreach (var snapshot in new[] { CatalogBuilder.BuildIdentity(source), Aggregate(NamingPolicy.Prefix, source) })
        {
            Assert.Equal($$$"""{"tools":{"listChanged":true},{{{expected.Trim()}}}"experimental":{"k":[1]}}""", Encoding.UTF8.GetString(snapshot.Capabilities(modern: false).Span));
            Assert.Equal("""{"tools":{"listChanged":true},"experimental":{"k":[1]}}""", Encoding.UTF8.GetString(snapshot.Capabilities(modern: true).Span));
        }
    }

    [Fact]
    public void Capabilities_OfSeveralServersWithTasks_AreTheirUnion()
    {
        static ServerCatalog With(string capabilities, bool modern = false) => new([], [], [], [], Identity(capabilities, modern: modern));

        var snapshot = Aggregate(
            NamingPolicy.Prefix,
            Source("a", With("""{"tasks":{"list":{},"requests":{"tools":{"call":{}}}}}""")),
            Source("b", With("""{"tasks":{"cancel":{},"requests":{"tools":{"call":{}}}}}""")),
            Source("c", With("""{"extensions":{"io.modelcontextprotocol/tasks":{}}}""", modern: true)));

        Assert.Equal("""{"tasks":{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}},"extensions":{}}""", Encoding.UTF8.GetString(snapshot.Capabilities(modern: false).Span));
        Assert.Equal("""{"extensions":{"io.modelcontextprotocol/tasks":{}}}""", Encoding.UTF8.GetString(snapshot.Capabilities(modern: true).Span));
    }

    [Fact]
    public void Capabilities_WhenAServerIsNotKnownYet_PromiseTheLists()
    {
        Assert.Equal(CapabilityUnion.Expected, CatalogSnapshot.Empty.Capabilities(modern: true).ToArray());
        Assert.Equal(CapabilityUnion.Expected, Aggregate(NamingPolicy.Prefix).Capabilities(modern: false).ToArray());
        Assert.Equal(CapabilityUnion.Expected, Aggregate(NamingPolicy.Prefix, Source("s", ServerCatalog.Empty)).Capabilities(modern: false).ToArray());
        Assert.Equal("{}", Encoding.UTF8.GetString(CatalogBuilder.BuildIdentity(Source("s", new ServerCatalog([], [], [], [], Identity("{}")))).Capabilities(modern: false).Span));
    }

    [Fact]
    public void Instructions_OfTheAggregate_StandUnderHeadingsAndAreCut()
    {
        static ServerCatalog Saying(string? text) => new([], [], [], [], Identity(instructions: text));

        var snapshot = Aggregate(NamingPolicy.Prefix, Source("a", Saying("Use \"me\".")), Source("b", Saying(null)), Source("c", Saying(new string('x', 5000))));
        var text = JsonSerializer.Deserialize<string>(snapshot.Instructions.Span)!;
        var flood = Aggregate(NamingPolicy.Prefix, [.. Enumerable.Range(0, 50).Select(i => Source($"s{i}", Saying(new string('y', 3000))))]);

        Assert.StartsWith("## a\n\nUse \"me\".\n\n## c\n\nxxx", text, StringComparison.Ordinal);
        Assert.EndsWith("x [...]", text, StringComparison.Ordinal);
        Assert.InRange(JsonSerializer.Deserialize<string>(flood.Instructions.Span)!.Length, 1000, InstructionsText.CharsMax + 20);
        Assert.True(Aggregate(NamingPolicy.Prefix, Source("b", Saying(null))).Instructions.IsEmpty);
        Assert.Equal("\"Use \\\"me\\\".\"", Encoding.UTF8.GetString(CatalogBuilder.BuildIdentity(Source("a", Saying("Use \"me\"."))).Instructions.Span));
    }

    [Fact]
    public void Route_WhenTheClientEscapesAName_FindsItAllTheSame()
    {
        var snapshot = Aggregate(NamingPolicy.None, Source("s", Offering(Tool("café"), Tool("q\"uote"))));

        Assert.True(snapshot.TryRoute(ListKind.Tools, "\"caf\\u00e9\""u8, out _));
        Assert.True(snapshot.TryRoute(ListKind.Tools, "\"q\\\"uote\""u8, out _));
        Assert.False(snapshot.TryRoute(ListKind.Tools, "7"u8, out _));
        Assert.False(snapshot.TryRoute(ListKind.Tools, default, out _));
        Assert.False(snapshot.TryRoute(ListKind.Tools, Encoding.UTF8.GetBytes("\"\\u0061" + new string('x', 2000) + "\""), out _));
    }
}
