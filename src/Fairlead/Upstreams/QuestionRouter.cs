using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <summary>Decides who is asked when a legacy server asks something (decision 8), and answers itself what needs no client.</summary>
/// <remarks>
/// Over HTTP the stream tells the call, and a task that the question names tells it anywhere. On a shared pipe the server cannot say which call its question belongs to: it is asked at the newest call
/// that can carry it, and only while all calls in flight belong to one owner. Questions never reach another owner; when in doubt they are declined.
/// </remarks>
internal static class QuestionRouter
{
    private static ReadOnlySpan<byte> NotFound => "{\"code\":-32601,\"message\":\"Method not found.\"}"u8;

    /// <summary>Receives a request of the server.</summary>
    public static void Receive(UpstreamConnection connection, ReadOnlySpan<byte> message, in Envelope envelope, UpstreamCall? streamOf)
    {
        var id = envelope.Id.Of(message);
        switch (envelope.KnownMethod)
        {
            case McpMethod.Ping:
                connection.AnswerRequest(id, "result"u8, "{}"u8);
                return;
            case McpMethod.ElicitationCreate or McpMethod.SamplingCreateMessage or McpMethod.RootsList:
                break;
            default:
                connection.AnswerRequest(id, "error"u8, NotFound);
                return;
        }

        // Asking for roots is no sign of interaction: real servers do it right after the handshake (protocol.md 10.25).
        if (envelope.KnownMethod != McpMethod.RootsList)
        {
            connection.Asked?.Invoke(connection, envelope.KnownMethod);
        }

        var request = connection.Questions.Open(id, envelope.KnownMethod);
        var question = new CallMessage(message.ToArray(), envelope) { Question = request };
        if (streamOf is not null)
        {
            if (!streamOf.CarriesMessages || !connection.TryDeliver(streamOf.UpstreamId, question, streamOf.Owner))
            {
                request.Decline();
            }

            return;
        }

        // A question about a task says whose it is.
        if (RelatedTask.TryFindCall(connection, question, out var waiting, out var call))
        {
            if (!call.CarriesMessages || !connection.TryDeliver(waiting, question, call.Owner))
            {
                request.Decline();
            }

            return;
        }

        if (TryAskOnlyOwner(connection, question, out var nobodyCalls))
        {
            return;
        }

        // Outside of any call nobody can be asked but the one owner that the instance works for (protocol.md 6.1).
        if (!nobodyCalls)
        {
            request.Decline();
        }
        else if (connection.AskOwner?.Invoke(question) != true)
        {
            Refuse(request);
        }
    }

    /// <summary>The answer to a question that belongs to nobody: method not found, or the configured roots.</summary>
    private static void Refuse(ServerRequest request)
    {
        if (request.Method == McpMethod.RootsList)
        {
            request.Decline();
        }
        else
        {
            request.Answer("error"u8, NotFound);
        }
    }

    /// <summary>Delivers to the call that was opened last among those that can carry messages, when all work of the server is for one owner.</summary>
    /// <param name="connection">Where it came in.</param>
    /// <param name="message">A question or a log line.</param>
    /// <param name="nobodyCalls">Whether no call of any client was in flight, nor one that was given up and may still be worked on.</param>
    /// <returns>False when calls of several owners are in flight, or none that can carry it.</returns>
    public static bool TryAskOnlyOwner(UpstreamConnection connection, CallMessage message, out bool nobodyCalls)
    {
        object? owner = null;
        nobodyCalls = false;
        long newestId = 0;
        var newestOpened = long.MinValue;
        for (var i = 0; i < connection.Pending.Used; i++)
        {
            var id = connection.Pending.Peek(i, out var call);
            if (id == 0 || call!.IsQueued || call.Owner is not { } other)
            {
                continue;
            }

            if (owner is not null && !ReferenceEquals(owner, other))
            {
                return false;
            }

            owner = other;
            if (call.CarriesMessages && call.OpenedAt >= newestOpened)
            {
                newestId = id;
                newestOpened = call.OpenedAt;
            }
        }

        nobodyCalls = owner is null && !connection.WorksForOthers(message);

        // The slot may have passed to another call since it was looked at: the delivery checks generation and owner again.
        return newestId != 0 && !connection.WorksForOthers(owner!) && connection.TryDeliver(newestId, message, owner);
    }
}
