namespace Fairlead.Processes;

/// <summary>What to start and how to keep its stderr. Values are final: variables are expanded before they come here.</summary>
internal sealed record ChildProcessOptions
{
    /// <summary>Name of the server this child belongs to; used in log messages and errors only.</summary>
    public required string Server { get; init; }

    /// <summary>
    /// Program to run. Without a directory separator it is looked up in the PATH that the child will have; with one it is taken relative to
    /// <see cref="WorkingDirectory"/>. Never given to a shell.
    /// </summary>
    public required string Command { get; init; }

    /// <summary>Arguments, one element each, passed on unchanged. Default none.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>The server's own variables. They are added to the inherited few of <see cref="ChildEnvironment"/> and win over them. Default none.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Directory to start in; null = the directory of this process.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>Most descriptors that each process of the child may have; null = as many as this process. Linux only.</summary>
    public int? OpenFilesMax { get; init; }

    /// <summary>Most MiB that each process of the child may map for writing; null = no limit. Linux only.</summary>
    public int? MemoryMiBMax { get; init; }

    /// <summary>Niceness of the child's processes and of its session, 1 to 19; null = that of this process. Linux only.</summary>
    public int? Nice { get; init; }

    /// <summary>
    /// File that receives stderr line by line (10 MiB, two older ones beside it as <c>.1</c> and <c>.2</c>); null = memory only. Several children
    /// of one supervisor may name the same file.
    /// </summary>
    public string? LogFile { get; init; }

    /// <summary>
    /// Takes one line of stderr and returns it without secrets; null = lines are kept as they are. Called from the reading loop of the child,
    /// one call at a time per child. A line for which it throws is withheld.
    /// </summary>
    public Func<string, string>? Redact { get; init; }

    /// <summary>Told of each line of stderr, without secrets; null = nobody is. Called as <see cref="Redact"/> is; must not block.</summary>
    public Action<string>? Wrote { get; init; }
}
