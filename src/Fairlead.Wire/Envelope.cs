namespace Fairlead.Wire;

/// <summary>What a JSON-RPC message is, told by the members it has.</summary>
public enum MessageKind : byte
{
    /// <summary>Nothing was scanned yet.</summary>
    None,

    /// <summary><c>method</c> and <c>id</c>.</summary>
    Request,

    /// <summary><c>method</c> without <c>id</c>.</summary>
    Notification,

    /// <summary><c>result</c>.</summary>
    Result,

    /// <summary><c>error</c>; its id may be null or absent.</summary>
    Error,

    /// <summary>An array (JSON-RPC batch, MCP 2025-03-26 only). Only <see cref="Envelope.Root"/> is set.</summary>
    Batch,
}

/// <summary>The places in one message that routing and splicing need. Found by <see cref="EnvelopeScanner"/> in one pass; everything else stays
/// unread bytes.</summary>
/// <remarks>A range with length 0 means that the member is absent. All ranges are raw JSON tokens: strings include their quotes and escapes.</remarks>
public struct Envelope
{
#pragma warning disable CA1051 // Fields: the scanner fills them by reference, and 24 property calls would only hide that.
    /// <summary>What the message is.</summary>
    public MessageKind Kind;

    /// <summary>The root object (or array), without whitespace around it.</summary>
    public ByteRange Root;

    /// <summary>Root <c>id</c>: a number or string token; <c>null</c> only on <see cref="MessageKind.Error"/>.</summary>
    public ByteRange Id;

    /// <summary>Root <c>method</c>, a string token with its quotes.</summary>
    public ByteRange Method;

    /// <summary>Which known method <see cref="Method"/> is (compared after unescaping).</summary>
    public McpMethod KnownMethod;

    /// <summary>Root <c>params</c>: an object or array token (anything else is <see cref="ScanError.NotJsonRpc"/>).</summary>
    public ByteRange Params;

    /// <summary><c>params.name</c> when it is a string.</summary>
    public ByteRange Name;

    /// <summary><c>params.uri</c> when it is a string.</summary>
    public ByteRange Uri;

    /// <summary><c>params.arguments</c>, any value.</summary>
    public ByteRange Arguments;

    /// <summary><c>params.cursor</c>, any value.</summary>
    public ByteRange Cursor;

    /// <summary><c>params.requestId</c> (notifications/cancelled), a number or string token.</summary>
    public ByteRange RequestId;

    /// <summary><c>params.inputResponses</c> (2026-07-28), any value.</summary>
    public ByteRange InputResponses;

    /// <summary><c>params.requestState</c> (2026-07-28), any value.</summary>
    public ByteRange RequestState;

    /// <summary><c>params._meta</c> of a request or notification, always an object (anything else is <see cref="ScanError.NotJsonRpc"/>).</summary>
    public ByteRange Meta;

    /// <summary><c>params._meta.progressToken</c> of a request; <c>params.progressToken</c> of notifications/progress.</summary>
    public ByteRange ProgressToken;

    /// <summary><c>params._meta["io.modelcontextprotocol/protocolVersion"]</c>, any value.</summary>
    public ByteRange MetaProtocolVersion;

    /// <summary><c>params._meta["io.modelcontextprotocol/clientCapabilities"]</c>, any value.</summary>
    public ByteRange MetaClientCapabilities;

    /// <summary><c>params._meta["io.modelcontextprotocol/clientInfo"]</c>, any value.</summary>
    public ByteRange MetaClientInfo;

    /// <summary><c>params._meta["io.modelcontextprotocol/logLevel"]</c>, any value.</summary>
    public ByteRange MetaLogLevel;

    /// <summary><c>params._meta["io.modelcontextprotocol/subscriptionId"]</c> of a notification, or the same in <c>result._meta</c>.</summary>
    public ByteRange SubscriptionId;

    /// <summary>Root <c>result</c>, any value.</summary>
    public ByteRange Result;

    /// <summary><c>result.resultType</c>, any value.</summary>
    public ByteRange ResultType;

    /// <summary><c>result.ttlMs</c>, any value.</summary>
    public ByteRange TtlMs;

    /// <summary><c>result.cacheScope</c>, any value.</summary>
    public ByteRange CacheScope;

    /// <summary>Root <c>error</c>, any value.</summary>
    public ByteRange Error;

    /// <summary><c>error.code</c>; 0 when absent or not a 32-bit integer.</summary>
    public int ErrorCode;
#pragma warning restore CA1051
}
