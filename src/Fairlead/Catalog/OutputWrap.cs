using Fairlead.Wire;

namespace Fairlead.Catalog;

/// <summary>Makes an object of outputs that are none: up to 2025-11-25 <c>structuredContent</c> is an object and its schema says so, in 2026-07-28 both may be anything (protocol.md 6, tools/list).</summary>
/// <remarks>The value becomes <c>{"result":VALUE}</c> and the schema an object with that one property. Schema and value of a tool are wrapped both or neither, because clients validate one with the other.</remarks>
internal static class OutputWrap
{
    private static ReadOnlySpan<byte> SchemaStart => "\"type\":\"object\",\"properties\":{\"result\":"u8;

    private static ReadOnlySpan<byte> SchemaEnd => "},\"required\":[\"result\"]}"u8;

    /// <summary>Where the wrapped schema stands in the one around it, as a JSON pointer.</summary>
    private static ReadOnlySpan<byte> Pointer => "#/properties/result"u8;

    /// <summary>Wraps the value of <c>structuredContent</c>.</summary>
    /// <param name="splice">Of the message.</param>
    /// <param name="message">The message.</param>
    /// <param name="result">The result object.</param>
    /// <param name="isSchemaWrapped">Whether the client was shown a wrapped schema of the tool. Without one only values that are no objects are wrapped.</param>
    public static void WrapValue(scoped ref Splice splice, ReadOnlySpan<byte> message, ByteRange result, bool isSchemaWrapped)
    {
        foreach (var member in new JsonMembers(message, result))
        {
            if (JsonText.Equals(member.Name.Of(message), "structuredContent"u8) && (isSchemaWrapped || message[member.Value.Start] != (byte)'{'))
            {
                splice.Insert(member.Value.Start, "{\"result\":"u8);
                splice.Insert(member.Value.End, "}"u8);
            }
        }
    }

    /// <summary>Wraps an <c>outputSchema</c>. Pointers in it lead to the same places as before; anchors and identified resources are reached by name and stay.</summary>
    /// <param name="splice">Of the definition.</param>
    /// <param name="raw">The definition.</param>
    /// <param name="schema">The schema in it, of any JSON type.</param>
    public static void WrapSchema(scoped ref Splice splice, ReadOnlySpan<byte> raw, ByteRange schema)
    {
        splice.Insert(schema.Start, "{"u8);
        var isResource = IsResource(raw, schema);
        if (JsonMembers.TryFind(raw, schema, "$schema"u8, out var dialect))
        {
            // The dialect is that of a whole resource, and the wrapper is the root of one.
            splice.Insert(schema.Start, "\"$schema\":"u8);
            splice.Insert(schema.Start, dialect.Of(raw));
            splice.Insert(schema.Start, ","u8);
            if (!isResource)
            {
                splice.RemoveMember(dialect);
            }
        }

        splice.Insert(schema.Start, SchemaStart);
        splice.Insert(schema.End, SchemaEnd);
        RebaseAny(ref splice, raw, schema);
    }

    /// <summary>Whether a schema is a resource of its own, so that pointers in it start from it and not from the root around it (2020-12, core, 8.2.1).</summary>
    private static bool IsResource(ReadOnlySpan<byte> raw, ByteRange schema)
    {
        // Up to draft-07 "$id":"#name" is what $anchor is today.
        return JsonMembers.TryFind(raw, schema, "$id"u8, out var id) && JsonText.ToString(id.Of(raw)) is { Length: > 0 } text && text[0] != '#';
    }

    private static void RebaseAny(scoped ref Splice splice, ReadOnlySpan<byte> raw, ByteRange value)
    {
        switch (raw[value.Start])
        {
            case (byte)'{':
                RebaseSchema(ref splice, raw, value);
                break;
            case (byte)'[':
                foreach (var element in new JsonElements(raw, value))
                {
                    RebaseAny(ref splice, raw, element);
                }

                break;
            default:
                break;
        }
    }

    private static void RebaseSchema(scoped ref Splice splice, ReadOnlySpan<byte> raw, ByteRange schema)
    {
        if (IsResource(raw, schema))
        {
            return;
        }

        foreach (var member in new JsonMembers(raw, schema))
        {
            switch (JsonText.ToString(member.Name.Of(raw)))
            {
                case "$ref" or "$dynamicRef" when JsonText.IsString(member.Value.Of(raw)):
                    RebasePointer(ref splice, raw, member.Value);
                    break;
                case "properties" or "$defs" or "definitions" or "patternProperties" or "dependentSchemas" or "dependencies":
                    // Names of the author's choice: a property may be called const.
                    foreach (var named in new JsonMembers(raw, member.Value))
                    {
                        RebaseAny(ref splice, raw, named.Value);
                    }

                    break;
                case "const" or "enum" or "default" or "examples":
                    // Data, whatever it looks like.
                    break;
                default:
                    RebaseAny(ref splice, raw, member.Value);
                    break;
            }
        }
    }

    private static void RebasePointer(scoped ref Splice splice, ReadOnlySpan<byte> raw, ByteRange token)
    {
        var reference = JsonText.ToString(token.Of(raw))!;
        if (reference is "" or "#" || reference.StartsWith("#/", StringComparison.Ordinal))
        {
            splice.Replace(token, JsonText.Quote(System.Text.Encoding.ASCII.GetString(Pointer) + (reference.Length > 1 ? reference[1..] : "")));
        }
    }
}
