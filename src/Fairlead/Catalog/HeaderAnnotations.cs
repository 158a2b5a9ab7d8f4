using System.Buffers;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Catalog;

/// <summary>Reads the <c>x-mcp-header</c> annotations of a tool's input schema (MCP 2026-07-28, transports, custom headers; protocol.md 2.4).</summary>
/// <remarks>One object reads one schema. An annotation is valid on a string, integer or boolean property that is reached through <c>properties</c> alone, with a non-empty token as its value
/// that no other annotation of the tool has in any letter case.</remarks>
internal sealed class HeaderAnnotations
{
    // RFC 9110, 5.6.2: what a header name is made of.
    private static readonly SearchValues<char> s_token = SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    private readonly byte[] _raw;
    private readonly List<McpHeaderParameter> _found = [];
    private readonly List<string> _path = [];
    private string? _fault;

    private HeaderAnnotations(byte[] raw) => _raw = raw;

    private static ReadOnlySpan<byte> Annotation => "x-mcp-header"u8;

    /// <summary>Reads the annotations of one tool.</summary>
    /// <param name="raw">The tool's definition.</param>
    /// <param name="inputSchema">Where in it the input schema stands; may be absent.</param>
    /// <param name="fault">What is wrong with an annotation, in words; null when all are valid.</param>
    /// <returns>The parameters; empty when there are none or one is not valid.</returns>
    public static McpHeaderParameter[] Read(byte[] raw, ByteRange inputSchema, out string? fault)
    {
        fault = null;
        var schema = inputSchema.Of(raw);

        // Nearly no tool has one. An escaped spelling of the word is found by the walk, so any \u sends us there.
        if (schema.IndexOf(Annotation) < 0 && schema.IndexOf("\\u"u8) < 0)
        {
            return [];
        }

        var reader = new HeaderAnnotations(raw);
        reader.Schema(inputSchema, isReachable: true);
        fault = reader._fault;
        return fault is null ? [.. reader._found] : [];
    }

    /// <summary>Looks at one schema; <see cref="_path"/> leads to it while <paramref name="isReachable"/>.</summary>
    private void Schema(ByteRange schema, bool isReachable)
    {
        foreach (var member in new JsonMembers(_raw, schema))
        {
            var name = JsonText.ToString(member.Name.Of(_raw));
            switch (name)
            {
                case "x-mcp-header":
                    Take(schema, member.Value, isReachable && _path.Count > 0);
                    break;
                case "properties":
                    Named(member.Value, isReachable);
                    break;
                case "$defs" or "definitions" or "patternProperties" or "dependentSchemas":
                    Named(member.Value, isReachable: false);
                    break;
                case "const" or "enum" or "default" or "examples":
                    // Data, whatever it looks like.
                    break;
                default:
                    Nested(member.Value);
                    break;
            }
        }
    }

    /// <summary>Schemas under names of the author's choice.</summary>
    private void Named(ByteRange schemas, bool isReachable)
    {
        foreach (var property in new JsonMembers(_raw, schemas))
        {
            _path.Add(JsonText.ToString(property.Name.Of(_raw)) ?? "");
            Schema(property.Value, isReachable);
            _path.RemoveAt(_path.Count - 1);
        }
    }

    private void Nested(ByteRange value)
    {
        foreach (var element in new JsonElements(_raw, value))
        {
            Nested(element);
        }

        Schema(value, isReachable: false);
    }

    private void Take(ByteRange schema, ByteRange annotation, bool isReachable)
    {
        var where = _path.Count == 0 ? "the schema itself" : $"'{string.Join('.', _path)}'";
        var header = JsonText.ToString(annotation.Of(_raw));
        JsonMembers.TryFind(_raw, schema, "type"u8, out var type);
        var typeName = JsonText.ToString(type.Of(_raw));
        if (!isReachable)
        {
            _fault ??= $"the x-mcp-header of {where} cannot be reached through properties alone";
        }
        else if (string.IsNullOrEmpty(header) || header.AsSpan().ContainsAnyExcept(s_token))
        {
            _fault ??= $"the x-mcp-header of {where} is no header name";
        }
        else if (typeName is not ("string" or "integer" or "boolean"))
        {
            _fault ??= $"the x-mcp-header of {where} stands on a property that is no string, integer or boolean";
        }
        else if (_found.Exists(other => other.Name.Equals(header, StringComparison.OrdinalIgnoreCase)))
        {
            _fault ??= $"two properties have the x-mcp-header '{header}'";
        }
        else
        {
            _found.Add(new McpHeaderParameter(header, [.. _path], typeName == "integer"));
        }
    }
}
