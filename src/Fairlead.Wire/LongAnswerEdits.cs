namespace Fairlead.Wire;

/// <summary>Why an answer cannot be passed on while it comes.</summary>
public enum LongAnswerFault : byte
{
    /// <summary>Nothing is wrong.</summary>
    None,

    /// <summary>It is not one JSON object with one <c>id</c> and one <c>result</c>.</summary>
    NotAResult,

    /// <summary>It answers another request.</summary>
    OtherId,

    /// <summary>It is nested deeper than allowed.</summary>
    TooDeep,

    /// <summary>Its <c>resultType</c>, which came late, says something that the reader of the answer cannot be told.</summary>
    OtherType,

    /// <summary>It ended before its last bracket.</summary>
    Cut,
}

/// <summary>What becomes of <c>structuredContent</c> on its way (docs/protocol.md 6).</summary>
public enum StructuredContentWrap : byte
{
    /// <summary>It stays as it is.</summary>
    Never,

    /// <summary>It becomes <c>{"result":VALUE}</c> unless it is an object.</summary>
    UnlessObject,

    /// <summary>It becomes <c>{"result":VALUE}</c>.</summary>
    Always,
}

/// <summary>What is written otherwise in an answer that passes.</summary>
public sealed class LongAnswerEdits
{
    /// <summary>The id that the answer must have.</summary>
    public required long UpstreamId { get; init; }

    /// <summary>The raw id token that it is written with.</summary>
    public required ReadOnlyMemory<byte> Id { get; init; }

    /// <summary>Deepest nesting of the answer.</summary>
    public int DepthMax { get; init; } = ScanLimits.Default.DepthMax;

    /// <summary>Whether <c>resultType</c>, <c>ttlMs</c> and <c>cacheScope</c> are left out: the answer is for revisions before 2026-07-28.</summary>
    public bool RemovesModernMembers { get; init; }

    /// <summary>Whether <c>"resultType":"complete"</c> is added where there is none (2026-07-28, basic/index).</summary>
    public bool AddsResultType { get; init; }

    /// <summary>Whether <c>ttlMs</c> and <c>cacheScope</c> are added where there are none (2026-07-28, resources/read).</summary>
    public bool AddsCacheHints { get; init; }

    /// <summary>What becomes of <c>structuredContent</c>.</summary>
    public StructuredContentWrap Wrap { get; init; }
}
