using System.Diagnostics;
using Fairlead.Exchanges.Tasks;
using Fairlead.Sessions;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>Turns a client's request into the server's: same bytes, with id, progress token and name replaced and <c>_meta</c> of the right era (protocol.md 6).</summary>
internal static class RequestSplicer
{
    /// <summary>Composes the frame of an exchange.</summary>
    /// <param name="exchange">What the client asked.</param>
    /// <param name="upstreamIsModern">The era of the server.</param>
    /// <param name="upstreamId">The id at the server: the exchange's own once it is open, or that of a copy.</param>
    public static OutboundFrame Compose(Exchange exchange, bool upstreamIsModern, long upstreamId)
    {
        var source = exchange.Request.Span;
        ref readonly var envelope = ref exchange.RequestEnvelope;
        Span<byte> scratch = stackalloc byte[Splice.ScratchBytes];
        Span<byte> id = stackalloc byte[20];
        upstreamId.TryFormat(id, out var idLength, default, System.Globalization.CultureInfo.InvariantCulture);
        id = id[..idLength];

        var splice = new Splice(source, scratch, blankNewlines: true);
        try
        {
            splice.Replace(envelope.Id, id);
            if (envelope.ProgressToken.Exists)
            {
                splice.Replace(envelope.ProgressToken, id);
            }

            if (exchange.UpstreamName is { } name)
            {
                splice.Replace(NamePlace(source, envelope), name);
            }

            if (exchange.TaskRole != TaskRole.None)
            {
                TaskEdits.Request(ref splice, exchange, source);
            }

            // Only this call's own frame: a copy for another instance is no try of it.
            var span = upstreamId == exchange.UpstreamId ? exchange.TrySpan : null;
            if (span is not null && envelope.Meta.Exists)
            {
                CallSpans.Write(ref splice, source, envelope.Meta, span);
                span = null;
            }

            if (!upstreamIsModern)
            {
                RemoveModernMembers(ref splice, envelope);
                if (span is not null)
                {
                    AddMeta(ref splice, envelope, CallSpans.Members(span));
                }
            }
            else if (!exchange.ClientVersion.IsModern())
            {
                AddModernMeta(ref splice, envelope, exchange.Client ?? throw new InvalidOperationException("A legacy client's words are needed for a modern server."), span);
                SetRound(ref splice, envelope, exchange.RoundMembers);
            }

            var length = splice.ResultLength;
            var frame = OutboundFrame.Rent(length);
            splice.WriteTo(frame.GetSpan(length));
            frame.Advance(length);
            return frame;
        }
        finally
        {
            splice.Dispose();
        }
    }

    /// <summary>The token that names the tool, prompt, resource or task: <c>params.name</c>, <c>params.uri</c>, <c>params.taskId</c>, or the reference of a completion.</summary>
    public static ByteRange NamePlace(ReadOnlySpan<byte> source, in Envelope envelope) => envelope.KnownMethod switch
    {
        McpMethod.CompletionComplete => CompletionReference.Find(source, envelope.Params).Place,
        McpMethod.ResourcesRead or McpMethod.ResourcesSubscribe or McpMethod.ResourcesUnsubscribe => envelope.Uri,
        McpMethod.TasksGet or McpMethod.TasksCancel or McpMethod.TasksResult or McpMethod.TasksUpdate =>
            JsonMembers.TryFind(source, envelope.Params, "taskId"u8, out var task) ? task : default,
        _ => envelope.Name,
    };

    // Toward legacy servers what only 2026-07-28 knows is removed (decision 4): a server must not take a client's word for its own session's.
    private static void RemoveModernMembers(scoped ref Splice splice, in Envelope envelope)
    {
        RemoveIfThere(ref splice, envelope.MetaProtocolVersion);
        RemoveIfThere(ref splice, envelope.MetaClientCapabilities);
        RemoveIfThere(ref splice, envelope.MetaClientInfo);
        RemoveIfThere(ref splice, envelope.MetaLogLevel);
        RemoveIfThere(ref splice, envelope.InputResponses);
        RemoveIfThere(ref splice, envelope.RequestState);
    }

    private static void RemoveIfThere(scoped ref Splice splice, ByteRange value)
    {
        if (value.Exists)
        {
            splice.RemoveMember(value);
        }
    }

    // The rounds of a legacy client's call are Fairlead's: what the client itself wrote there would be taken for answers of its user.
    private static void SetRound(scoped ref Splice splice, in Envelope envelope, byte[] members)
    {
        RemoveIfThere(ref splice, envelope.InputResponses);
        RemoveIfThere(ref splice, envelope.RequestState);
        if (members.Length != 0)
        {
            splice.AppendMember(envelope.Params, members);
        }
    }

    private static void AddModernMeta(scoped ref Splice splice, in Envelope envelope, LegacyClient client, Activity? span)
    {
        if (envelope.Meta.Exists)
        {
            splice.AppendMember(envelope.Meta, client.MetaMembers);
            if (client.LogLevelMember.Length != 0)
            {
                splice.AppendMember(envelope.Meta, client.LogLevelMember);
            }

            return;
        }

        byte[] comma = client.LogLevelMember.Length != 0 ? [(byte)','] : [];
        byte[] trace = span is null ? [] : [(byte)',', .. CallSpans.Members(span)];
        AddMeta(ref splice, envelope, [.. client.MetaMembers, .. comma, .. client.LogLevelMember, .. trace]);
    }

    // The request has none yet.
    private static void AddMeta(scoped ref Splice splice, in Envelope envelope, byte[] members)
    {
        byte[] meta = [.. "\"_meta\":{"u8, .. members, .. "}"u8];
        if (envelope.Params.Exists)
        {
            splice.AppendMember(envelope.Params, meta);
        }
        else
        {
            splice.AppendMember(envelope.Root, [.. "\"params\":{"u8, .. meta, .. "}"u8]);
        }
    }
}
