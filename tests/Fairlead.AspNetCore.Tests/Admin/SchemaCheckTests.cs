using System.Text.Json;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>The check that the tests of the OpenAPI document rely on.</summary>
public sealed class SchemaCheckTests
{
    [Theory]
    [InlineData("""{"type":"string"}""", "\"a\"", 0)]
    [InlineData("""{"type":"string"}""", "1", 1)]
    [InlineData("""{"type":["string","null"]}""", "null", 0)]
    [InlineData("""{"type":"integer"}""", "1.5", 1)]
    [InlineData("""{"type":"integer","minimum":1,"maximum":3}""", "0", 1)]
    [InlineData("""{"type":"integer","minimum":1,"maximum":3}""", "4", 1)]
    [InlineData("""{"enum":["a","b"]}""", "\"c\"", 1)]
    [InlineData("""{"const":412}""", "412", 0)]
    [InlineData("""{"const":412}""", "409", 1)]
    [InlineData("""{"type":"string","pattern":"^a$"}""", "\"ab\"", 1)]
    [InlineData("""{"type":"string","format":"date-time"}""", "\"2026-11-30T16:33:47Z\"", 0)]
    [InlineData("""{"type":"string","format":"date-time"}""", "\"yesterday\"", 1)]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}""", "{}", 1)]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}""", """{"a":"x"}""", 0)]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string"}}}""", """{"a":"x","b":1}""", 1)]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":true}""", """{"a":"x","b":1}""", 0)]
    [InlineData("""{"type":"object","additionalProperties":{"type":"integer"}}""", """{"a":1,"b":"x"}""", 1)]
    [InlineData("""{"type":"array","items":{"type":"object","properties":{"a":{}}}}""", """[{"a":{"anything":1}},{"b":1}]""", 1)]
    [InlineData("""{"$ref":"#/defs/named"}""", """{"n":1}""", 0)]
    [InlineData("""{"$ref":"#/defs/named"}""", """{"n":1,"m":2}""", 1)]
    [InlineData("""{"allOf":[{"$ref":"#/defs/named"},{"properties":{"m":{"type":"integer"}}}]}""", """{"n":1,"m":2}""", 0)]
    [InlineData("""{"allOf":[{"$ref":"#/defs/named"},{"properties":{"m":{"type":"integer"}}}]}""", """{"n":1,"m":"2"}""", 1)]
    [InlineData("""{"oneOf":[{"properties":{"a":{}},"required":["a"]},{"properties":{"b":{}},"required":["b"]}]}""", """{"b":1}""", 0)]
    [InlineData("""{"oneOf":[{"properties":{"a":{}},"required":["a"]},{"properties":{"b":{}},"required":["b"]}]}""", """{"a":1,"b":1}""", 3)]
    [InlineData("""{"oneOf":[{"properties":{"a":{}},"required":["a"]},{"properties":{"b":{}},"required":["b"]}]}""", """{}""", 1)]
    [InlineData("""{"multipleOf":2}""", "2", 1)]
    public void Errors_OfAValue_AreCounted(string schema, string value, int count)
    {
        using var document = JsonDocument.Parse("""{"defs":{"named":{"type":"object","properties":{"n":{"type":"integer"}}}}}""");
        using var wanted = JsonDocument.Parse(schema);
        using var given = JsonDocument.Parse(value);
        Assert.Equal(count, new SchemaCheck(document.RootElement).Errors(wanted.RootElement, given.RootElement).Count);
    }
}
