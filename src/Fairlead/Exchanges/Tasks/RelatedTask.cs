using Fairlead.Wire;

namespace Fairlead.Exchanges.Tasks;

/// <summary><c>_meta["io.modelcontextprotocol/related-task"]</c> of 2025-11-25 (basic/utilities/tasks, Associating Task-Related Messages).</summary>
internal static class RelatedTask
{
    private static ReadOnlySpan<byte> Key => "io.modelcontextprotocol/related-task"u8;

    /// <summary>Finds the member's value in a <c>_meta</c> object.</summary>
    public static bool TryFind(ReadOnlySpan<byte> source, ByteRange meta, out ByteRange related) => JsonMembers.TryFind(source, meta, Key, out related);

    /// <summary>Finds the id token in a <c>_meta</c> object.</summary>
    public static bool TryFindId(ReadOnlySpan<byte> source, ByteRange meta, out ByteRange id)
    {
        id = default;
        return TryFind(source, meta, out var related) && JsonMembers.TryFind(source, related, "taskId"u8, out id) && JsonText.IsString(id.Of(source));
    }
}
