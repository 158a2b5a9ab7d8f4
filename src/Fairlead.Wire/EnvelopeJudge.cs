using System.Text.Unicode;

namespace Fairlead.Wire;

/// <summary>Decides what a walked message is and whether it may be used.</summary>
internal static class EnvelopeJudge
{
    /// <summary>Sets kind, known method and progress token, takes an id that must not be echoed out of the envelope, and names the first reason to
    /// refuse.</summary>
    public static ScanError Judge(ReadOnlySpan<byte> text, ref Envelope envelope, in EnvelopeNotes notes, int idBytesMax)
    {
        var asks = notes.Has(EnvelopeMember.Method);
        envelope.Kind = asks ? (notes.Has(EnvelopeMember.Id) ? MessageKind.Request : MessageKind.Notification)
            : notes.Has(EnvelopeMember.Error) ? MessageKind.Error
            : notes.Has(EnvelopeMember.Result) ? MessageKind.Result
            : MessageKind.None;
        var idError = JudgeId(text, ref envelope, notes.IdDoubled, idBytesMax);

        if (notes.RootDoubled || (asks && notes.ParamsDoubled))
        {
            return ScanError.DuplicateMember;
        }

        var answers = notes.Has(EnvelopeMember.Result) || notes.Has(EnvelopeMember.Error);
        if (asks ? answers : notes.Has(EnvelopeMember.Result) && notes.Has(EnvelopeMember.Error))
        {
            return ScanError.MixedKinds;
        }

        // Some servers leave jsonrpc out of answers; a request without it is no JSON-RPC 2.0 (a batch-less 1.0 peer would read ids differently).
        var versionFits = notes.JsonRpc.Exists ? JsonText.Equals(notes.JsonRpc.Of(text), "2.0"u8) : !asks;
        if (envelope.Kind == MessageKind.None || !versionFits)
        {
            return ScanError.NotJsonRpc;
        }

        if (idError != ScanError.None)
        {
            return idError;
        }

        if (!asks)
        {
            if (envelope.Params.Exists)
            {
                ForgetParams(ref envelope);
            }

            return ScanError.None;
        }

        if (notes.WrongType || !JsonText.IsString(envelope.Method.Of(text)))
        {
            return ScanError.NotJsonRpc;
        }

        envelope.KnownMethod = FindMethod(envelope.Method.Of(text));
        envelope.ProgressToken = envelope.Kind == MessageKind.Request ? notes.MetaProgressToken
            : envelope.KnownMethod == McpMethod.NotificationsProgress ? notes.ParamsProgressToken
            : default;
        return ScanError.None;
    }

    private static ScanError JudgeId(ReadOnlySpan<byte> text, ref Envelope envelope, bool doubled, int idBytesMax)
    {
        if (!envelope.Id.Exists)
        {
            // An error may lack its id (it answers what could not be read); a result without one answers nothing.
            return envelope.Kind == MessageKind.Result ? ScanError.NotJsonRpc : ScanError.None;
        }

        var token = envelope.Id.Of(text);
        if (token.Length > idBytesMax)
        {
            envelope.Id = default;
            return ScanError.IdTooLong;
        }

        // Invalid UTF-8 in an id would come back in our own answers, which then would not be JSON.
        if (JsonText.IsNumber(token) || (JsonText.IsString(token) && Utf8.IsValid(token)))
        {
            if (doubled)
            {
                envelope.Id = default;
            }

            return ScanError.None;
        }

        if (envelope.Kind == MessageKind.Error && token[0] == (byte)'n')
        {
            return ScanError.None;
        }

        envelope.Id = default;
        return ScanError.InvalidId;
    }

    private static McpMethod FindMethod(ReadOnlySpan<byte> token)
    {
        var content = token[1..^1];
        if (!content.Contains((byte)'\\'))
        {
            return McpMethods.Find(content);
        }

        Span<byte> name = stackalloc byte[McpMethods.NameBytesMax];
        return JsonText.TryUnescapeContent(content, name, out var written) ? McpMethods.Find(name[..written]) : McpMethod.Unknown;
    }

    /// <summary>A response that carries <c>params</c> as well: they mean nothing there, and nobody may route by them.</summary>
    private static void ForgetParams(ref Envelope envelope)
    {
        var found = envelope;
        envelope = new Envelope
        {
            Kind = found.Kind,
            Root = found.Root,
            Id = found.Id,
            Result = found.Result,
            ResultType = found.ResultType,
            TtlMs = found.TtlMs,
            CacheScope = found.CacheScope,
            Error = found.Error,
            ErrorCode = found.ErrorCode,

            // Both objects can hold one; only that inside the result belongs to the answer.
            SubscriptionId = found.SubscriptionId.Start >= found.Result.Start && found.SubscriptionId.End <= found.Result.End ? found.SubscriptionId : default,
        };
    }
}
