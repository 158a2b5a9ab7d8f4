using Fairlead.Guards;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Catalog;

/// <summary>The four kinds of lists.</summary>
internal enum ListKind : byte
{
    /// <summary>tools/list.</summary>
    Tools,

    /// <summary>prompts/list.</summary>
    Prompts,

    /// <summary>resources/list.</summary>
    Resources,

    /// <summary>resources/templates/list.</summary>
    ResourceTemplates,
}

/// <summary>Which lists changed; the names of the three list_changed notifications.</summary>
[Flags]
internal enum CatalogChanges : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>notifications/tools/list_changed.</summary>
    Tools = 1,

    /// <summary>notifications/prompts/list_changed.</summary>
    Prompts = 2,

    /// <summary>notifications/resources/list_changed: resources or templates.</summary>
    Resources = 4,
}

/// <summary>Whether a tool runs as a task of 2025-11-25 (<c>execution.taskSupport</c>).</summary>
internal enum TaskSupport : byte
{
    /// <summary>It does not; also when its definition says nothing.</summary>
    Forbidden,

    /// <summary>It may.</summary>
    Optional,

    /// <summary>It runs no other way.</summary>
    Required,
}

/// <summary>One tool, prompt, resource or template as its server defined it: bytes, and the place of its name.</summary>
/// <param name="Name">Tool or prompt name, URI or URI template, unescaped.</param>
/// <param name="Raw">The raw definition object, as the server wrote it.</param>
/// <param name="NameToken">Where in <paramref name="Raw"/> the string token of the name stands.</param>
internal sealed record CatalogEntry(string Name, byte[] Raw, ByteRange NameToken)
{
    /// <summary>Custom headers of a tool's input schema; empty for almost all.</summary>
    public McpHeaderParameter[] Headers { get; init; } = [];

    /// <summary>Where in <see cref="Raw"/> the URI token of a tool's user interface stands (MCP Apps, <c>_meta.ui.resourceUri</c>); absent for most.</summary>
    public ByteRange UiResource { get; init; }

    /// <summary>Whether a tool runs as a task.</summary>
    public TaskSupport Tasks { get; init; }

    /// <summary>Whether a tool says of itself that calling it again does no harm (<c>annotations.readOnlyHint</c> or <c>idempotentHint</c>).</summary>
    public bool MayRepeat { get; init; }

    /// <summary>Whether a tool has an <c>outputSchema</c> that is not one of objects, so that legacy clients see it and its values wrapped (<see cref="OutputWrap"/>).</summary>
    public bool WrapsOutput { get; init; }
}

/// <summary>The last known definitions of one server. Frozen.</summary>
/// <param name="Tools">Tools, in the server's order.</param>
/// <param name="Prompts">Prompts.</param>
/// <param name="Resources">Resources.</param>
/// <param name="Templates">Resource templates.</param>
/// <param name="Identity">What the server said of itself when it was last connected; null before the first time.</param>
internal sealed record ServerCatalog(CatalogEntry[] Tools, CatalogEntry[] Prompts, CatalogEntry[] Resources, CatalogEntry[] Templates, UpstreamIdentity? Identity)
{
    /// <summary>Nothing is known yet.</summary>
    public static ServerCatalog Empty { get; } = new([], [], [], [], null);

    /// <summary>Whether nothing has ever been learned of this server.</summary>
    public bool IsUnknown => Identity is null;

    /// <summary>How long each list may be kept, by <see cref="ListKind"/>, over all its pages; not to be changed.</summary>
    public CacheHint[] Hints { get; init; } = new CacheHint[4];
}

/// <summary>Where a name or URI leads.</summary>
/// <param name="Cell">The server.</param>
/// <param name="NameToken">The server's own name or URI as a raw JSON string token: what the request must carry upstream. Empty when a URI was routed by template or as the
/// only possibility: the client's own token goes on unchanged.</param>
/// <param name="IsRenamed">Whether the client's word differs from the server's.</param>
/// <param name="Entry">The definition; null when no exact definition was found (<paramref name="NameToken"/> is empty then, too).</param>
internal sealed record CatalogRoute(ServerCell Cell, byte[] NameToken, bool IsRenamed, CatalogEntry? Entry)
{
    private ToolGuard? _tool;

    /// <summary>Whether the client's URI is a wrapped one that stands in no list (<see cref="WrappedUri"/>): the server's own is inside it.</summary>
    public bool IsWrapped { get; init; }

    /// <summary>What of the server clients know by wrapped URIs; null for nearly all servers, whose results need no look at their URIs.</summary>
    public WrappedResources? Wrapped { get; init; }

    /// <summary>The guard of the tool that the route leads to; null for other things.</summary>
    public ToolGuard? Tool => Entry is null ? null : _tool ??= Cell.Guards.ToolOf(Entry.Name);

    /// <summary>What the request must carry upstream instead of the client's word; null when that goes on unchanged. Allocates only for wrapped URIs that stand in no list.</summary>
    /// <param name="nameToken">The raw string token that was routed.</param>
    public byte[]? UpstreamName(ReadOnlySpan<byte> nameToken) => IsWrapped ? WrappedUri.Unwrap(nameToken) : IsRenamed ? NameToken : null;
}
