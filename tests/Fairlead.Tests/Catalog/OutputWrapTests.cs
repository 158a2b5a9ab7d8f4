using Fairlead.Catalog;
using Fairlead.Wire;
using static Fairlead.Tests.Catalog.CatalogWorld;

namespace Fairlead.Tests.Catalog;

/// <summary>Output schemas of 2026-07-28 as clients up to 2025-11-25 see them: an object with the one property <c>result</c>, and every reference leads where it led.</summary>
public sealed class OutputWrapTests
{
    [Theory]
    [InlineData("true", "true")]
    [InlineData("""{"type":"array", "items":{"type":"number","minimum":1.50}}""", """{"type":"array", "items":{"type":"number","minimum":1.50}}""")]
    [InlineData("""{"anyOf":[{"$ref":"#/$defs/a"},{"$ref":"#"}],"$defs":{"a":{"items":{"$ref":"#/$defs/a"}}}}""",
        """{"anyOf":[{"$ref":"#/properties/result/$defs/a"},{"$ref":"#/properties/result"}],"$defs":{"a":{"items":{"$ref":"#/properties/result/$defs/a"}}}}""")]
    [InlineData("""{"items":{"$ref":""}}""", """{"items":{"$ref":"#/properties/result"}}""")]
    [InlineData("""{"items":{"$dynamicRef":"#/$defs/n~1\u00fc"}}""", """{"items":{"$dynamicRef":"#/properties/result/$defs/n~1ü"}}""")]

    // Anchors and other documents are found by name.
    [InlineData("""{"$anchor":"x","items":{"$ref":"#x"},"not":{"$ref":"https://e.org/s#/a"}}""", """{"$anchor":"x","items":{"$ref":"#x"},"not":{"$ref":"https://e.org/s#/a"}}""")]

    // Data is no schema, also where a property has its name.
    [InlineData("""{"enum":[{"$ref":"#/a"}],"properties":{"const":{"$ref":"#/a"},"$ref":{"const":{"$ref":"#"}}}}""",
        """{"enum":[{"$ref":"#/a"}],"properties":{"const":{"$ref":"#/properties/result/a"},"$ref":{"const":{"$ref":"#"}}}}""")]

    // Pointers inside a resource with its own identity start there; "$id":"#x" is an anchor of draft-07.
    [InlineData("""{"$id":"https://e.org/s","items":{"$ref":"#/a"}}""", """{"$id":"https://e.org/s","items":{"$ref":"#/a"}}""")]
    [InlineData("""{"items":{"$id":"/s","not":{"$ref":"#/a"}},"not":{"$ref":"#/items"}}""", """{"items":{"$id":"/s","not":{"$ref":"#/a"}},"not":{"$ref":"#/properties/result/items"}}""")]
    [InlineData("""{"definitions":{"b":{"$id":"#b","items":{"$ref":"#/a"}}}}""", """{"definitions":{"b":{"$id":"#b","items":{"$ref":"#/properties/result/a"}}}}""")]
    public void Schema_WhenItIsNotOfObjects_IsWrapped(string schema, string inner) =>
        Assert.Equal("""{"type":"object","properties":{"result":""" + inner + """},"required":["result"]}""", Wrap(schema));

    [Theory]
    [InlineData("""{"$schema":"http://json-schema.org/draft-07/schema#","type":"string"}""", """{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"result":{"type":"string"}},"required":["result"]}""")]
    [InlineData("""{"type":"string" , "$schema":"x"}""", """{"$schema":"x","type":"object","properties":{"result":{"type":"string" }},"required":["result"]}""")]
    [InlineData("""{"$schema":"x"}""", """{"$schema":"x","type":"object","properties":{"result":{}},"required":["result"]}""")]
    [InlineData("""{"$schema":"x","$id":"https://e.org"}""", """{"$schema":"x","type":"object","properties":{"result":{"$schema":"x","$id":"https://e.org"}},"required":["result"]}""")]
    public void Schema_WhenItNamesItsDialect_TheWrapperHasIt(string schema, string wrapped) => Assert.Equal(wrapped, Wrap(schema));

    private static string Wrap(string schema)
    {
        var source = Source("s", new ServerCatalog([Entry($"{{\"outputSchema\":{schema},\"name\":\"a\"}}")], [], [], [], Identity(modern: true)));
        var page = CatalogBuilder.BuildIdentity(source).Page(version: ProtocolVersion.V20251125);
        const string Before = "{\"tools\":[{\"outputSchema\":";
        const string After = ",\"name\":\"a\"}]}";
        Assert.StartsWith(Before, page, StringComparison.Ordinal);
        Assert.EndsWith(After, page, StringComparison.Ordinal);
        return page[Before.Length..^After.Length];
    }
}
