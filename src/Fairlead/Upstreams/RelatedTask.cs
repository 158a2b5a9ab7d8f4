using System.Diagnostics.CodeAnalysis;
using Fairlead.Wire;

namespace Fairlead.Upstreams;

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

    /// <summary>Finds the open call that waits for the task which a message of the server names: there a question about it belongs, whoever else has calls in flight.</summary>
    /// <returns>False when it names none, or nobody waits for it.</returns>
    public static bool TryFindCall(UpstreamConnection connection, CallMessage message, out long id, [NotNullWhen(true)] out UpstreamCall? call)
    {
        id = 0;
        call = null;
        if (connection.Tasks != TaskForm.Core || !TryFindId(message.Bytes, message.Envelope.Meta, out var token))
        {
            return false;
        }

        var task = JsonText.ToString(token.Of(message.Bytes));
        for (var i = 0; i < connection.Pending.Used; i++)
        {
            id = connection.Pending.Peek(i, out call);
            if (id != 0 && call!.TaskAtServer is { } awaited && JsonText.ToString(awaited) == task)
            {
                return true;
            }
        }

        return false;
    }
}
