namespace Fairlead.Wire;

/// <summary>Bounds that a message must keep (decision 17).</summary>
/// <param name="DepthMax">Deepest nesting of objects and arrays, the root being level 1. Default 64; values over 4096 count as 4096.</param>
/// <param name="IdBytesMax">Longest id token in bytes, quotes included. Default 256.</param>
public readonly record struct ScanLimits(int DepthMax = 64, int IdBytesMax = 256)
{
    /// <summary>Depth 64, ids up to 256 bytes.</summary>
    public static ScanLimits Default { get; } = new(64, 256);
}

/// <summary>Why a message was refused.</summary>
public enum ScanError : byte
{
    /// <summary>The message is fine.</summary>
    None,

    /// <summary>Not JSON, or bytes after the value. JSON-RPC -32700.</summary>
    NotJson,

    /// <summary>Nested deeper than <see cref="ScanLimits.DepthMax"/>. JSON-RPC -32700.</summary>
    TooDeep,

    /// <summary>JSON, but not a JSON-RPC message: not an object, no method, result or error, or a wrong type of one. JSON-RPC -32600.</summary>
    NotJsonRpc,

    /// <summary>A request whose <c>id</c> is null, an object, an array or a boolean. JSON-RPC -32600.</summary>
    InvalidId,

    /// <summary>The id is longer than <see cref="ScanLimits.IdBytesMax"/>. JSON-RPC -32600.</summary>
    IdTooLong,

    /// <summary>A member stands twice where that could be read two ways (compared after unescaping). JSON-RPC -32600.</summary>
    DuplicateMember,

    /// <summary>A request with <c>result</c> or <c>error</c>, or a response with both. JSON-RPC -32600.</summary>
    MixedKinds,
}
