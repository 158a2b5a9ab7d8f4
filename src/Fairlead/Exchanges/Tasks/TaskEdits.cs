using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges.Tasks;

/// <summary>The edits that tasks need in messages that pass: ids of the hop, and what asks for a task or for none. All are splices; nothing else in a message changes.</summary>
internal static class TaskEdits
{
    /// <summary>Edits a request on its way to the server; its <c>taskId</c> is replaced as a name is.</summary>
    public static void Request(scoped ref Splice splice, Exchange exchange, ReadOnlySpan<byte> source)
    {
        if (exchange.TaskRole is not (TaskRole.Absorbs or TaskRole.Declines))
        {
            return;
        }

        var parameters = exchange.RequestEnvelope.Params;
        if (!JsonMembers.TryFind(source, parameters, "task"u8, out var task))
        {
            if (exchange.TaskRole == TaskRole.Absorbs)
            {
                splice.AppendMember(parameters, "\"task\":{}"u8);
            }
        }
        else if (exchange.TaskRole == TaskRole.Absorbs)
        {
            splice.Replace(task, "{}"u8);
        }
        else
        {
            splice.RemoveMember(task);
        }
    }

    /// <summary>Edits a result on its way to the client.</summary>
    public static void Result(scoped ref Splice splice, Exchange exchange, ReadOnlySpan<byte> source)
    {
        var result = exchange.AnswerEnvelope.Result;
        if ((exchange.TaskRole == TaskRole.Absorbs || !exchange.ClientVersion.IsModern())
            && JsonMembers.TryFind(source, result, "_meta"u8, out var meta) && RelatedTask.TryFind(source, meta, out var related))
        {
            if (exchange.TaskRole == TaskRole.Absorbs)
            {
                splice.RemoveMember(related);
            }
            else if (RelatedTask.TryFindId(source, meta, out var relatedId))
            {
                Replace(ref splice, exchange, source, relatedId);
            }
        }

        if (TryFindId(exchange, source, exchange.AnswerEnvelope, out var id))
        {
            Replace(ref splice, exchange, source, id);
        }
    }

    /// <summary>Finds where a result tells the id of its task: nested for a task that 2025-11-25 creates, flat everywhere else.</summary>
    public static bool TryFindId(Exchange exchange, ReadOnlySpan<byte> source, in Envelope envelope, out ByteRange id)
    {
        id = default;
        var holder = envelope.Result;
        switch (exchange.TaskRole)
        {
            case TaskRole.Creates when exchange.ClientVersion.IsModern():
                if (!envelope.ResultType.Exists || !JsonText.Equals(envelope.ResultType.Of(source), "task"u8))
                {
                    return false;
                }

                break;
            case TaskRole.Creates or TaskRole.Absorbs:
                if (!JsonMembers.TryFind(source, envelope.Result, "task"u8, out holder))
                {
                    return false;
                }

                break;

            // What tasks/result gives is the result of the tool, whose members are its own.
            case TaskRole.Follows when exchange.RequestEnvelope.KnownMethod != McpMethod.TasksResult:
                break;
            default:
                return false;
        }

        return JsonMembers.TryFind(source, holder, "taskId"u8, out id) && JsonText.IsString(id.Of(source));
    }

    /// <summary>A message of the server for a client that knows its task: the id in its <c>_meta</c> is the client's. The same object when it speaks of none.</summary>
    public static CallMessage Localized(ClientTasks tasks, string server, CallMessage message) =>
        RelatedTask.TryFindId(message.Bytes, message.Envelope.Meta, out var id)
            ? Rescanned(message, Replaced(message.Bytes, id, tasks.IdForClient(server, id.Of(message.Bytes)))) : message;

    /// <summary>A message of the server for a client that must not know of a task.</summary>
    public static CallMessage Unrelated(CallMessage message)
    {
        if (!RelatedTask.TryFind(message.Bytes, message.Envelope.Meta, out var related))
        {
            return message;
        }

        using var splice = new Splice(message.Bytes, stackalloc byte[Splice.ScratchBytes]);
        splice.RemoveMember(related);
        var without = new byte[splice.ResultLength];
        splice.WriteTo(without);
        return Rescanned(message, without);
    }

    /// <summary>A copy of a text with other bytes in one place.</summary>
    public static byte[] Replaced(ReadOnlySpan<byte> source, ByteRange place, ReadOnlySpan<byte> bytes) => [.. source[..place.Start], .. bytes, .. source[place.End..]];

    private static void Replace(scoped ref Splice splice, Exchange exchange, ReadOnlySpan<byte> source, ByteRange id) =>
        splice.Replace(id, exchange.Tasks!.IdForClient(exchange.Cell!.Name, id.Of(source)));

    // The bounds were kept when the message came in; an id is a flat text and cannot break them.
    private static CallMessage Rescanned(CallMessage message, byte[] bytes)
    {
        EnvelopeScanner.Scan(bytes, new ScanLimits(int.MaxValue, bytes.Length), out var envelope);
        return message with { Bytes = bytes, Envelope = envelope };
    }
}
