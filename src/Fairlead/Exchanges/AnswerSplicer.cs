using System.Buffers;
using Fairlead.Catalog;
using Fairlead.Exchanges.Tasks;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>Turns what a server sent for a call into what its client reads: the client's own id and progress token, results of the client's era (protocol.md 6).</summary>
internal static class AnswerSplicer
{
    /// <summary>Writes the answer of a complete, successful exchange.</summary>
    /// <param name="exchange">The exchange; it has no <see cref="UpstreamCall.Error"/>.</param>
    /// <param name="writer">Where to.</param>
    /// <returns>Number of bytes written, and the HTTP status that a modern client gets.</returns>
    public static (int Bytes, int Status) Write(Exchange exchange, IBufferWriter<byte> writer)
    {
        var source = exchange.Answer;
        ref readonly var envelope = ref exchange.AnswerEnvelope;
        var id = exchange.RequestEnvelope.Id.Of(exchange.Request.Span);
        var upstreamIsModern = exchange.AnswerVersion.IsModern();
        if (envelope.Kind == MessageKind.Error && AnswerTranslation.Error(exchange, upstreamIsModern) is { } translated)
        {
            writer.Write(translated.Body);
            return (translated.Body.Length, translated.Status);
        }

        var clientIsModern = exchange.ClientVersion.IsModern();
        if (envelope.Kind == MessageKind.Result && !clientIsModern && upstreamIsModern && AnswerTranslation.InputRequired(exchange) is { } refused)
        {
            writer.Write(refused);
            return (refused.Length, 200);
        }

        Span<byte> scratch = stackalloc byte[Splice.ScratchBytes];
        var splice = new Splice(source, scratch, blankNewlines: true);
        try
        {
            splice.Replace(envelope.Id, id);
            if (envelope.Kind == MessageKind.Result)
            {
                if (exchange.TaskRole != TaskRole.None)
                {
                    TaskEdits.Result(ref splice, exchange, source);
                }

                // Absent means complete, also from a modern server that forgot it (2026-07-28, basic/utilities/mrtr); a modern client may insist on it.
                if (clientIsModern && (!upstreamIsModern || !envelope.ResultType.Exists))
                {
                    AddModernMembers(ref splice, exchange, source);
                }
                else if (!clientIsModern && upstreamIsModern)
                {
                    RemoveModernMembers(ref splice, envelope);
                    if (exchange.RequestEnvelope.KnownMethod == McpMethod.ToolsCall)
                    {
                        OutputWrap.WrapValue(ref splice, source, envelope.Result, exchange.Route is { Entry.WrapsOutput: true });
                    }
                }

                if (ContentEdits.AreDue(exchange))
                {
                    ContentEdits.Apply(ref splice, exchange);
                }
            }
            else if (ContentEdits.IsReadByAnotherUri(exchange) && JsonMembers.TryFind(source, envelope.Error, "data"u8, out var data))
            {
                ContentEdits.ApplyToErrorData(ref splice, exchange, source, data);
            }

            var length = splice.ResultLength;
            splice.WriteTo(writer.GetSpan(length));
            writer.Advance(length);
            return (length, 200);
        }
        finally
        {
            splice.Dispose();
        }
    }

    /// <summary>Writes a notification of the call with the client's own progress token.</summary>
    public static void WriteNotification(Exchange exchange, CallMessage message, IBufferWriter<byte> writer)
    {
        Span<byte> scratch = stackalloc byte[Splice.ScratchBytes];
        using var splice = new Splice(message.Bytes, scratch, blankNewlines: true);
        if (message.Envelope.KnownMethod == McpMethod.NotificationsProgress && message.Envelope.ProgressToken.Exists)
        {
            splice.Replace(message.Envelope.ProgressToken, exchange.RequestEnvelope.ProgressToken.Of(exchange.Request.Span));
        }

        var length = splice.ResultLength;
        splice.WriteTo(writer.GetSpan(length));
        writer.Advance(length);
    }

    // 2026-07-28 requires resultType everywhere, and the two caching hints on resources/read; lists are answered by the catalogue.
    private static void AddModernMembers(scoped ref Splice splice, Exchange exchange, ReadOnlySpan<byte> source)
    {
        ref readonly var envelope = ref exchange.AnswerEnvelope;
        if (source[envelope.Result.Start] != (byte)'{')
        {
            return;
        }

        if (exchange.RequestEnvelope.KnownMethod == McpMethod.ResourcesRead)
        {
            if (!envelope.TtlMs.Exists)
            {
                splice.PrependMember(envelope.Result, "\"ttlMs\":0"u8);
            }

            if (!envelope.CacheScope.Exists)
            {
                splice.PrependMember(envelope.Result, "\"cacheScope\":\"private\""u8);
            }
        }

        if (!envelope.ResultType.Exists)
        {
            splice.PrependMember(envelope.Result, "\"resultType\":\"complete\""u8);
        }
    }

    // TypeScript SDK v1 reads some results strictly: an extra resultType makes ping, setLevel and subscribe fail.
    private static void RemoveModernMembers(scoped ref Splice splice, in Envelope envelope)
    {
        if (envelope.ResultType.Exists)
        {
            splice.RemoveMember(envelope.ResultType);
        }

        if (envelope.TtlMs.Exists)
        {
            splice.RemoveMember(envelope.TtlMs);
        }

        if (envelope.CacheScope.Exists)
        {
            splice.RemoveMember(envelope.CacheScope);
        }
    }
}
