namespace Fairlead.Measuring;

/// <summary>Why a measurement could not be taken.</summary>
internal enum LoadFault
{
    /// <summary>Nothing listens at the address, or the connection was lost before the first answer.</summary>
    Unreachable,

    /// <summary>The endpoint answered, but not as an MCP endpoint does, or it refused.</summary>
    Refused,

    /// <summary>The endpoint has no tool of that name.</summary>
    UnknownTool,

    /// <summary>The tool answered the first call with an error of its own.</summary>
    ToolError,
}

/// <summary>A measurement could not begin. The message is a whole sentence for the user, with what was wrong and how to mend it.</summary>
internal sealed class LoadFailedException(LoadFault fault, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What kind of failure it is.</summary>
    public LoadFault Fault { get; } = fault;
}
