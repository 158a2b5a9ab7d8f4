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
}
