namespace Fairlead.Configuration;

/// <summary>What a load needs to know beside the file and the environment. Every member may stay unset.</summary>
public sealed class LoadSettings
{
    /// <summary>Options from the command line: key of the option, as in <c>port</c> or <c>limits.sessionIdle</c>, to its text. They win over everything.</summary>
    public IReadOnlyDictionary<string, string> Flags { get; init; } = new Dictionary<string, string>();

    /// <summary>What <c>${workspaceFolder}</c> stands for and where relative paths start. Null = the folder of the file, or the folder around it
    /// when that is <c>.vscode</c> or <c>.cursor</c>; without a file the current directory.</summary>
    public string? WorkspaceFolder { get; init; }

    /// <summary>What <c>${userHome}</c> stands for. Null = the profile folder of the user.</summary>
    public string? UserHome { get; init; }

    /// <summary>Asks a person for an input that no variable answers; at most once for each id, on the loading thread. Null, or an answer of null or
    /// nothing = the servers that refer to it are <c>MissingAuth</c>.</summary>
    public Func<InputRequest, string?>? AskInput { get; init; }
}

/// <summary>A value that a configuration wants to be asked for (the <c>inputs</c> of VS Code).</summary>
/// <param name="Id">The id in <c>${input:id}</c>.</param>
public sealed record InputRequest(string Id)
{
    /// <summary>The environment variable that answers it without asking.</summary>
    public required string Variable { get; init; }

    /// <summary>What to tell the person; empty when the file says nothing.</summary>
    public string Description { get; init; } = "";

    /// <summary>True when the answer must not be shown while it is typed.</summary>
    public bool IsPassword { get; init; } = true;

    /// <summary>The answers to choose from; empty = any text.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    /// <summary>What to propose; null = nothing. Never used without asking.</summary>
    public string? Default { get; init; }
}

/// <summary>Whose format a file is in. It decides how strictly unknown keys are taken.</summary>
public enum ConfigurationFormat
{
    /// <summary>Fairlead's own: <c>servers</c> and the gateway's keys. Unknown keys are errors.</summary>
    Own,

    /// <summary>The <c>mcpServers</c> object of Claude Desktop, Cursor and others. Unknown keys are warnings.</summary>
    McpServers,

    /// <summary>The <c>servers</c> and <c>inputs</c> of VS Code. Unknown keys are warnings.</summary>
    VsCode,
}
