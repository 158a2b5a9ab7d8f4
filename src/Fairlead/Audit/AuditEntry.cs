using System.Runtime.CompilerServices;

namespace Fairlead.Audit;

/// <summary>One thing that was done, on its way to the audit log. A value: making one allocates nothing.</summary>
internal struct AuditEntry
{
    /// <summary>When it ended.</summary>
    public DateTimeOffset At;

    /// <summary>One of <see cref="AuditKind"/>.</summary>
    public string Kind;

    /// <summary>Who did it: <c>local</c> or <c>admin</c>, as long as there are no other principals.</summary>
    public string Principal;

    /// <summary>The program that it said to be; null when it did not say.</summary>
    public string? Client;

    /// <summary>By which way it came: <c>mcp</c>, <c>rest</c>, <c>in-process</c>, <c>file</c>, ...</summary>
    public string Via;

    /// <summary>The server; null when it concerned none, or none was found.</summary>
    public string? Server;

    /// <summary>The method of MCP, or the verb and path of the API.</summary>
    public string Method;

    /// <summary>The tool, prompt or URI, in the server's own words; null when there is none.</summary>
    public string? Target;

    /// <summary>Whether it was let through: <c>allowed</c>, or <c>denied</c>.</summary>
    public string Verdict;

    /// <summary>How it ended: <c>ok</c>, <c>toolError</c>, or the word of the error.</summary>
    public string Outcome;

    /// <summary>How long it took; 0 when that was not measured.</summary>
    public long Micros;

    /// <summary>Whether <see cref="Digest"/> is set.</summary>
    public bool HasDigest;

    /// <summary>The SHA-256 of the arguments.</summary>
    public AuditDigest Digest;

    /// <summary>The arguments; null when they are not kept.</summary>
    public string? Arguments;
}

/// <summary>32 bytes of SHA-256.</summary>
[InlineArray(32)]
internal struct AuditDigest
{
    private byte _first;
}

/// <summary>What records are of.</summary>
internal static class AuditKind
{
    /// <summary>The first of a file.</summary>
    public const string Begin = "begin";

    /// <summary>Fairlead has started.</summary>
    public const string Start = "start";

    /// <summary>Fairlead has stopped in order.</summary>
    public const string Stop = "stop";

    /// <summary>A call.</summary>
    public const string Call = "call";

    /// <summary>A change of the fleet, or an attempt at one.</summary>
    public const string Change = "change";

    /// <summary>Records are missing here.</summary>
    public const string Gap = "gap";
}
