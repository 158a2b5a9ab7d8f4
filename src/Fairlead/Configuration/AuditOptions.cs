namespace Fairlead.Configuration;

/// <summary>What the audit log holds.</summary>
public enum AuditScope
{
    /// <summary>Nothing; there is no audit log.</summary>
    Off,

    /// <summary>What somebody did to the fleet over the API: deploy, stop, scale, reload, ...; also what was refused.</summary>
    Changes,

    /// <summary>That, and every call.</summary>
    Calls,
}

/// <summary>What the audit log keeps of a call's arguments.</summary>
public enum AuditArguments
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The SHA-256 of the JSON text as the client sent it: whether a call had certain arguments can be proved later, what they were cannot be read.</summary>
    Digest,

    /// <summary>The JSON text, without known secrets, up to 4 KiB; and its digest.</summary>
    Full,
}

/// <summary>What happens to calls that the audit log has no room for.</summary>
public enum AuditFullMode
{
    /// <summary>They go on; a record says how many are missing.</summary>
    Gap,

    /// <summary>They are refused until there is room.</summary>
    Refuse,
}

/// <summary>The audit log: who did what with which outcome, in hash-chained files of the state folder. Without a state folder there is none.</summary>
[ConfigShorthand(nameof(Record))]
public sealed class AuditOptions
{
    /// <summary>What is recorded.</summary>
    [ConfigKey("record")]
    public AuditScope Record { get; set; } = AuditScope.Changes;

    /// <summary>What is kept of a call's arguments.</summary>
    [ConfigKey("arguments")]
    public AuditArguments Arguments { get; set; } = AuditArguments.Digest;

    /// <summary>What happens when records come faster than the disk takes them, or the disk takes none.</summary>
    [ConfigKey("onFull")]
    public AuditFullMode OnFull { get; set; } = AuditFullMode.Gap;

    /// <summary>Records that wait for the disk at most.</summary>
    [ConfigKey("queueMax", Min = 100, Max = 10_000_000)]
    public int QueueMax { get; set; } = 65_536;

    /// <summary>Size at which a new file is begun.</summary>
    [ConfigKey("fileBytesMax", Min = 64 * 1024, Max = 4.0 * 1024 * 1024 * 1024, Unit = "bytes")]
    public long FileBytesMax { get; set; } = 64 * 1024 * 1024;

    /// <summary>Size of all files together above which the oldest are removed. 0 = none ever is.</summary>
    [ConfigKey("keepBytes", Min = 0, Max = 1024.0 * 1024 * 1024 * 1024, Unit = "bytes")]
    public long KeepBytes { get; set; } = 1024L * 1024 * 1024;
}
