using System.Text;
using Fairlead.Catalog;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Tests.Catalog;

public sealed class HeaderAnnotationsTests
{
    private static (McpHeaderParameter[] Found, string? Fault) Read(string schema)
    {
        var raw = Encoding.UTF8.GetBytes(schema);
        return (HeaderAnnotations.Read(raw, new ByteRange(0, raw.Length), out var fault), fault);
    }

    [Fact]
    public void Read_WhenAnnotationsAreValid_GivesNamePathAndType()
    {
        var (found, fault) = Read("""
            {"type":"object","properties":{
              "region":{"type":"string","x-mcp-header":"Region"},
              "limits":{"type":"object","properties":{"max":{"x-\u006dcp-header":"Max-Rows","type":"integer"},"dry":{"type":"boolean","x-mcp-header":"Dry"}}},
              "x-mcp-header":{"type":"string"},
              "plain":{"type":"object","default":{"x-mcp-header":"data"},"enum":[{"x-mcp-header":1}],"const":{"x-mcp-header":""},"examples":[{"x-mcp-header":""}]}}}
            """);

        Assert.Null(fault);
        Assert.Equal(["Region", "Max-Rows", "Dry"], found.Select(parameter => parameter.Name));
        Assert.Equal(["region", "limits/max", "limits/dry"], found.Select(parameter => string.Join('/', parameter.Path)));
        Assert.Equal([false, true, false], found.Select(parameter => parameter.IsInteger));
    }

    [Theory]
    [InlineData("""{"properties":{"a":{"type":"string","x-mcp-header":""}}}""", "no header name")]
    [InlineData("""{"properties":{"a":{"type":"string","x-mcp-header":7}}}""", "no header name")]
    [InlineData("""{"properties":{"a":{"type":"string","x-mcp-header":"My Header"}}}""", "no header name")]
    [InlineData("""{"properties":{"a":{"type":"string","x-mcp-header":"A:B"}}}""", "no header name")]
    [InlineData("""{"properties":{"a":{"type":"string","x-mcp-header":"Région"}}}""", "no header name")]
    [InlineData("""{"properties":{"a":{"type":"string","x-mcp-header":"A\tB"}}}""", "no header name")]
    [InlineData("""{"properties":{"a":{"type":"number","x-mcp-header":"A"}}}""", "no string, integer or boolean")]
    [InlineData("""{"properties":{"a":{"type":"object","x-mcp-header":"A"}}}""", "no string, integer or boolean")]
    [InlineData("""{"properties":{"a":{"type":"array","x-mcp-header":"A"}}}""", "no string, integer or boolean")]
    [InlineData("""{"properties":{"a":{"type":"null","x-mcp-header":"A"}}}""", "no string, integer or boolean")]
    [InlineData("""{"properties":{"a":{"x-mcp-header":"A"}}}""", "no string, integer or boolean")]
    [InlineData("""{"properties":{"a":{"type":"string","x-mcp-header":"Same"},"b":{"type":"string","x-mcp-header":"SAME"}}}""", "two properties")]
    [InlineData("""{"type":"string","x-mcp-header":"A"}""", "cannot be reached")]
    [InlineData("""{"properties":{"a":{"type":"array","items":{"type":"string","x-mcp-header":"A"}}}}""", "cannot be reached")]
    [InlineData("""{"anyOf":[{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}]}""", "cannot be reached")]
    [InlineData("""{"$defs":{"d":{"type":"string","x-mcp-header":"A"}}}""", "cannot be reached")]
    public void Read_WhenAnAnnotationIsNotValid_GivesNothingAndSaysWhy(string schema, string expected)
    {
        var (found, fault) = Read(schema);

        Assert.Empty(found);
        Assert.Contains(expected, fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"properties":{"a":{"type":"string"}}}""")]
    [InlineData("true")]
    [InlineData("[]")]
    public void Read_WhenThereIsNoAnnotation_GivesNothing(string schema)
    {
        var (found, fault) = Read(schema);

        Assert.Empty(found);
        Assert.Null(fault);
    }
}
