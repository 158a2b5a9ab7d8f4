namespace Fairlead;

/// <summary>A kind of MCP server that runs inside this process and is made anew for each configuration of its <see cref="Type"/>.</summary>
public interface IMcpServerFactory
{
    /// <summary>The word that stands as <c>type</c> in a configuration, such as <c>git</c>. Constant.</summary>
    string Type { get; }

    /// <summary>The environment variables that the server reads. Those that its configuration's <c>env</c> leaves out are taken from the process. Constant.</summary>
    IReadOnlyList<string> Variables { get; }

    /// <summary>Makes a server. Does not connect to anything and takes no time.</summary>
    /// <param name="settings">What it may know.</param>
    /// <returns>When it is <see cref="IAsyncDisposable"/> it is disposed after its last run. When it is an <see cref="IBackedServer"/> it is run only while its backend is there.</returns>
    /// <exception cref="ArgumentException">A variable has a value that cannot be used; the message names it and the fix.</exception>
    IMcpServer Create(McpServerSettings settings);
}

/// <summary>Takes kinds of in-process servers. Implemented by whatever hosts them.</summary>
public interface IMcpServerRegistry
{
    /// <summary>Makes a kind of server known; one of the same <see cref="IMcpServerFactory.Type"/> is replaced for later starts.</summary>
    void AddServerType(IMcpServerFactory factory);
}

/// <summary>What a server that is being made may know of the world around it.</summary>
/// <param name="Name">Id of the server in the fleet; for people.</param>
/// <param name="Variables">Values of <see cref="IMcpServerFactory.Variables"/> that are set. Never changed afterwards.</param>
public sealed record McpServerSettings(string Name, IReadOnlyDictionary<string, string> Variables)
{
    /// <summary>Where relative paths start, and what the server may touch unless a variable says more. An absolute path.</summary>
    public string WorkingDirectory { get; init; } = Environment.CurrentDirectory;

    /// <summary>Variables that every program the server starts must get: by them programs are found and ended that outlive Fairlead. Empty when nobody looks for them.</summary>
    public IReadOnlyDictionary<string, string> ProgramVariables { get; init; } = new Dictionary<string, string>();

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The value of a variable; null when it is not set or blank.</summary>
    public string? Find(string variable) => Variables.TryGetValue(variable, out var value) && !string.IsNullOrWhiteSpace(value) ? value.Trim() : null;
}
