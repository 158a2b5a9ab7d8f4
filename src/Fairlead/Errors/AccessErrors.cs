namespace Fairlead;

/// <summary>Credentials are missing or refused: those of the caller, or Fairlead's own at the server (the message says which).</summary>
public sealed class Unauthenticated(string message, Exception? innerException = null) : McpException(message, innerException);

/// <summary>The caller is known but may not do this.</summary>
public sealed class Forbidden(string message, Exception? innerException = null) : McpException(message, innerException);

/// <summary>The manager is stopping or has stopped. Make another one.</summary>
public sealed class RuntimeShutdown(string message, Exception? innerException = null) : McpException(message, innerException)
{
    /// <summary>The usual message.</summary>
    internal static RuntimeShutdown Now(Exception? cause = null) => new("The manager is shut down and takes no more commands or calls. Make a new McpManager.", cause);
}
