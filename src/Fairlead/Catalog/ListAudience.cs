using Fairlead.Wire;

namespace Fairlead.Catalog;

/// <summary>Clients that see the same bytes of a list.</summary>
internal enum ListAudience : byte
{
    /// <summary>2024-11-05 to 2025-06-18: no tasks.</summary>
    Older,

    /// <summary>2025-11-25: tools may need to run as tasks.</summary>
    WithTasks,

    /// <summary>2026-07-28: results carry <c>resultType</c>, <c>ttlMs</c> and <c>cacheScope</c>.</summary>
    Modern,
}

/// <summary>Which audience a client belongs to.</summary>
internal static class ListAudiences
{
    /// <summary>Number of audiences.</summary>
    public const int Count = 3;

    /// <summary>The audience of a client that speaks <paramref name="version"/>.</summary>
    public static ListAudience Of(ProtocolVersion version) =>
        version.IsModern() ? ListAudience.Modern : version == ProtocolVersion.V20251125 ? ListAudience.WithTasks : ListAudience.Older;

    /// <summary>The member of the result that holds the entries.</summary>
    public static ReadOnlySpan<byte> MemberOf(ListKind kind) => kind switch
    {
        ListKind.Tools => "tools"u8,
        ListKind.Prompts => "prompts"u8,
        ListKind.Resources => "resources"u8,
        _ => "resourceTemplates"u8,
    };

    /// <summary>The notification that tells of a change of the list.</summary>
    public static CatalogChanges ChangeOf(ListKind kind) => kind switch
    {
        ListKind.Tools => CatalogChanges.Tools,
        ListKind.Prompts => CatalogChanges.Prompts,
        _ => CatalogChanges.Resources,
    };
}
