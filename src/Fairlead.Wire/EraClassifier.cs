namespace Fairlead.Wire;

/// <summary>What a POSTed message is, by era, and with that how it is answered (protocol.md 4.1).</summary>
public enum EraVerdict : byte
{
    /// <summary>A modern request (it claims a version in <c>_meta</c>); check it with <see cref="ModernRequest"/>.</summary>
    Modern,

    /// <summary>A modern notification: accept with 202. It may lack the claim when the header says 2026-07-28.</summary>
    ModernNotification,

    /// <summary>The header says 2026-07-28 but <c>_meta</c> claims nothing: 400, -32602 naming the missing keys.</summary>
    ModernMissingMeta,

    /// <summary><c>initialize</c> without a claim under a 2026-07-28 header: 400, -32020.</summary>
    InitializeWithModernHeader,

    /// <summary><c>initialize</c>: opens a legacy session.</summary>
    LegacyInitialize,

    /// <summary>A request within a legacy session.</summary>
    LegacyRequest,

    /// <summary>A notification within a legacy session.</summary>
    LegacyNotification,

    /// <summary>An answer to a request of ours within a legacy session.</summary>
    LegacyResponse,

    /// <summary>A batch of legacy messages. Only sessions of 2025-03-26 or older may send one, others get 400, -32600.</summary>
    Batch,

    /// <summary>An array that no revision allows: empty, or with an element that is broken, modern, or <c>initialize</c>. 400, -32600.</summary>
    BatchRefused,
}

/// <summary>Decides the era of a message by its body first (protocol.md 4.1).</summary>
public static class EraClassifier
{
    /// <summary>Classifies the body of a POST. GET and DELETE are legacy session operations and never come here.</summary>
    /// <param name="envelope">The scanned body, accepted by the scanner.</param>
    /// <param name="body">The body; read only to look into a batch.</param>
    /// <param name="protocolVersionHeader">Value of <c>MCP-Protocol-Version</c>; empty when the header is absent.</param>
    /// <param name="limits">Bounds for the elements of a batch.</param>
    public static EraVerdict ClassifyPost(in Envelope envelope, ReadOnlySpan<byte> body, ReadOnlySpan<char> protocolVersionHeader, in ScanLimits limits)
    {
        switch (envelope.Kind)
        {
            case MessageKind.Batch:
                return IsLegacyBatch(envelope, body, limits) ? EraVerdict.Batch : EraVerdict.BatchRefused;
            case MessageKind.Result or MessageKind.Error:
                return EraVerdict.LegacyResponse;
            default:
                break;
        }

        var isNotification = envelope.Kind == MessageKind.Notification;
        if (envelope.MetaProtocolVersion.Exists)
        {
            return isNotification ? EraVerdict.ModernNotification : EraVerdict.Modern;
        }

        var isInitialize = envelope.KnownMethod == McpMethod.Initialize && !isNotification;
        if (ProtocolVersions.Parse(protocolVersionHeader).IsModern())
        {
            return isNotification ? EraVerdict.ModernNotification
                : isInitialize ? EraVerdict.InitializeWithModernHeader
                : EraVerdict.ModernMissingMeta;
        }

        return isInitialize ? EraVerdict.LegacyInitialize
            : isNotification ? EraVerdict.LegacyNotification
            : EraVerdict.LegacyRequest;
    }

    /// <inheritdoc cref="ClassifyPost(in Envelope, ReadOnlySpan{byte}, ReadOnlySpan{char}, in ScanLimits)"/>
    public static EraVerdict ClassifyPost(in Envelope envelope, ReadOnlySpan<byte> body, ReadOnlySpan<char> protocolVersionHeader) =>
        ClassifyPost(envelope, body, protocolVersionHeader, ScanLimits.Default);

    /// <summary>Classifies a message of a stdio or HTTP+SSE connection, where there are no headers and eras may mix (protocol.md 4.1, 10).</summary>
    /// <inheritdoc cref="ClassifyPost(in Envelope, ReadOnlySpan{byte}, ReadOnlySpan{char}, in ScanLimits)"/>
    public static EraVerdict ClassifyMessage(in Envelope envelope, ReadOnlySpan<byte> body) => ClassifyPost(envelope, body, default, ScanLimits.Default);

    private static bool IsLegacyBatch(in Envelope envelope, ReadOnlySpan<byte> body, in ScanLimits limits)
    {
        var any = false;
        foreach (var element in new JsonElements(body, envelope.Root))
        {
            any = true;
            if (EnvelopeScanner.Scan(element.Of(body), limits, out var inner) != ScanError.None
                || inner.Kind == MessageKind.Batch
                || inner.MetaProtocolVersion.Exists
                || inner.KnownMethod == McpMethod.Initialize)
            {
                return false;
            }
        }

        return any;
    }
}
