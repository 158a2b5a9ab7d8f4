using Fairlead.Wire;

namespace Fairlead.Catalog;

/// <summary>The places in a raw definition that Fairlead reads. Everything else in it stays unread bytes.</summary>
internal readonly record struct DefinitionShape
{
    /// <summary>The value of <c>name</c>, <c>uri</c> or <c>uriTemplate</c>, whichever names this kind; any JSON value; absent when the member is missing.</summary>
    public ByteRange Name { get; private init; }

    /// <summary>Whether the naming member stands there twice: clients and servers could then read different names.</summary>
    public bool IsNameDoubled { get; private init; }

    /// <summary>A tool's <c>inputSchema</c>.</summary>
    public ByteRange InputSchema { get; private init; }

    /// <summary>A tool's <c>outputSchema</c>.</summary>
    public ByteRange OutputSchema { get; private init; }

    /// <summary>Whether <see cref="OutputSchema"/> says <c>"type":"object"</c>.</summary>
    public bool OutputIsObject { get; private init; }

    /// <summary>Whether there is an <see cref="OutputSchema"/> that legacy clients cannot take as it is.</summary>
    public bool WrapsOutput => OutputSchema.Exists && !OutputIsObject;

    /// <summary>A tool's <c>execution</c> (2025-11-25).</summary>
    public ByteRange Execution { get; private init; }

    /// <summary>Whether the tool runs as a task of 2025-11-25.</summary>
    public TaskSupport Tasks { get; private init; }

    /// <summary>The URI token of a tool's user interface (MCP Apps); absent for most.</summary>
    public ByteRange UiResource { get; private init; }

    /// <summary>Whether a tool's <c>annotations</c> say that it only reads, or that once more changes nothing.</summary>
    public bool MayRepeat { get; private init; }

    /// <summary>Looks through a definition.</summary>
    /// <param name="raw">A valid JSON object.</param>
    /// <param name="kind">What it defines.</param>
    public static DefinitionShape Read(ReadOnlySpan<byte> raw, ListKind kind)
    {
        var naming = NamingMember(kind);
        var shape = default(DefinitionShape);
        foreach (var member in new JsonMembers(raw, new ByteRange(0, raw.Length)))
        {
            var name = member.Name.Of(raw);
            if (JsonText.Equals(name, naming))
            {
                shape = shape with { Name = member.Value, IsNameDoubled = shape.Name.Exists };
            }
            else if (kind != ListKind.Tools)
            {
                continue;
            }
            else if (JsonText.Equals(name, "inputSchema"u8))
            {
                shape = shape with { InputSchema = member.Value };
            }
            else if (JsonText.Equals(name, "outputSchema"u8))
            {
                shape = shape with { OutputSchema = member.Value, OutputIsObject = HasText(raw, member.Value, "type"u8, "object"u8) };
            }
            else if (JsonText.Equals(name, "execution"u8))
            {
                shape = shape with { Execution = member.Value, Tasks = TasksOf(raw, member.Value) };
            }
            else if (JsonText.Equals(name, "annotations"u8))
            {
                shape = shape with { MayRepeat = IsTrue(raw, member.Value, "readOnlyHint"u8) || IsTrue(raw, member.Value, "idempotentHint"u8) };
            }
            else if (JsonText.Equals(name, "_meta"u8))
            {
                shape = shape with { UiResource = FindUiResource(raw, member.Value) };
            }
        }

        return shape;
    }

    /// <summary>The member that names a definition of this kind.</summary>
    public static ReadOnlySpan<byte> NamingMember(ListKind kind) => kind switch
    {
        ListKind.Resources => "uri"u8,
        ListKind.ResourceTemplates => "uriTemplate"u8,
        _ => "name"u8,
    };

    private static TaskSupport TasksOf(ReadOnlySpan<byte> raw, ByteRange execution) =>
        HasText(raw, execution, "taskSupport"u8, "required"u8) ? TaskSupport.Required
        : HasText(raw, execution, "taskSupport"u8, "optional"u8) ? TaskSupport.Optional : TaskSupport.Forbidden;

    private static bool IsTrue(ReadOnlySpan<byte> raw, ByteRange objectToken, ReadOnlySpan<byte> member) =>
        JsonMembers.TryFind(raw, objectToken, member, out var value) && value.Of(raw).SequenceEqual("true"u8);

    private static bool HasText(ReadOnlySpan<byte> raw, ByteRange objectToken, ReadOnlySpan<byte> member, ReadOnlySpan<byte> text) =>
        JsonMembers.TryFind(raw, objectToken, member, out var value) && JsonText.Equals(value.Of(raw), text);

    // Both spellings are in the wild (protocol.md 7, MCP Apps).
    private static ByteRange FindUiResource(ReadOnlySpan<byte> raw, ByteRange meta)
    {
        if ((JsonMembers.TryFind(raw, meta, "ui"u8, out var ui) && JsonMembers.TryFind(raw, ui, "resourceUri"u8, out var uri))
            || JsonMembers.TryFind(raw, meta, "ui/resourceUri"u8, out uri))
        {
            return JsonText.IsString(uri.Of(raw)) ? uri : default;
        }

        return default;
    }
}
