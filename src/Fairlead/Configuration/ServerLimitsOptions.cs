namespace Fairlead.Configuration;

/// <summary>What each process of a server may take. Set by the system before the program begins, on Linux; without effect elsewhere and on servers without a command.</summary>
public sealed class ServerLimitsOptions
{
    /// <summary>Most files, sockets and pipes that one process of the server may have open. Unset: what Fairlead itself may have.</summary>
    [ConfigKey("maxOpenFiles", Min = 32, Max = 1_048_576, Unit = "files", DefaultText = "inherited")]
    public int? MaxOpenFiles { get; set; }

    /// <summary>Most memory that one process of the server may write to: its heaps, private mappings and the stacks of its threads, touched or not.
    /// Address space that is only reserved does not count. Unset: no limit.</summary>
    [ConfigKey("maxMemoryMb", Min = 16, Max = 1_048_576, Unit = "MiB", DefaultText = "no limit")]
    public int? MaxMemoryMb { get; set; }

    /// <summary>How far the server steps back when processor time is short: 19 = it gets what nobody else wants. Set for its processes and, where the system shares time out by session (autogroup),
    /// for its session, which a program cannot do with <c>nice</c> alone. Unset: as Fairlead itself.</summary>
    [ConfigKey("nice", Min = 1, Max = 19, DefaultText = "inherited")]
    public int? Nice { get; set; }
}
