namespace Fairlead;

/// <summary>The server has no tool of this name, or does not show it.</summary>
public sealed class ToolNotFound(string message, Exception? innerException = null) : McpException(message, innerException);

/// <summary>The tool ran and said that it failed (<c>isError</c>), or the server refused the call with a JSON-RPC error.</summary>
/// <remarks>Not a failure of the connection: the same arguments most likely fail again.</remarks>
public sealed class ToolFailed : McpException
{
    /// <summary>Makes the error of a failed call.</summary>
    public ToolFailed(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <summary>What the tool gave; null when the server answered with a JSON-RPC error instead.</summary>
    public ToolResult? Result { get; init; }

    /// <summary>The JSON-RPC code of the server's answer; null when the tool gave a result.</summary>
    public int? Code { get; init; }
}

/// <summary>The word <c>Timeout</c> of the API: the server did not answer in time. It may still have acted on the call.</summary>
/// <remarks>Not called Timeout, because that would hide <see cref="System.Threading.Timeout"/> from everybody who imports this namespace.</remarks>
public sealed class McpTimeout(string message, Exception? innerException = null) : McpException(message, innerException)
{
    /// <inheritdoc/>
    public override string Word => "Timeout";

    /// <inheritdoc/>
    public override bool IsTransient => true;
}

/// <summary>Calls to this server are refused for a while because it kept failing.</summary>
public sealed class CircuitOpen(string message, Exception? innerException = null) : McpException(message, innerException)
{
    /// <inheritdoc/>
    public override bool IsTransient => true;
}

/// <summary>A bound was reached; the message names it and its key.</summary>
public sealed class ResourceExhausted(string message, Exception? innerException = null) : McpException(message, innerException)
{
    /// <summary>Whether the server has as many calls as it can take, so that another one may do.</summary>
    internal bool IsServerFull { get; init; }

    /// <inheritdoc/>
    public override bool IsTransient => true;
}
