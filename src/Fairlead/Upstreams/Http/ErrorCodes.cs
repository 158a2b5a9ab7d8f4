namespace Fairlead.Upstreams.Http;

/// <summary>JSON-RPC error codes of 2026-07-28 that speak of this side's request (schema 2026-07-28; protocol.md 2.4).</summary>
internal static class ErrorCodes
{
    /// <summary>A header is missing, wrong, or disagrees with the body.</summary>
    public const int HeaderMismatch = -32020;

    /// <summary>The request needs a client capability that it did not declare.</summary>
    public const int MissingRequiredClientCapability = -32021;

    /// <summary>The revision is not served; <c>data.supported</c> names those that are.</summary>
    public const int UnsupportedProtocolVersion = -32022;
}
