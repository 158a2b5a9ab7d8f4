namespace Fairlead;

/// <summary>An MCP server that runs inside this process and speaks the protocol over two byte streams, whatever library it is written with.</summary>
/// <remarks>
/// The framing is that of stdio: one JSON-RPC message per line, UTF-8, no line break inside a message (MCP 2025-11-25, basic/transports, stdio).
/// One object may be run several times, also at the same time: once for each instance that Fairlead needs.
/// </remarks>
public interface IMcpServer
{
    /// <summary>Serves one connection until <paramref name="input"/> ends or <paramref name="cancellationToken"/> is cancelled.</summary>
    /// <param name="input">What the client sends; it ends when Fairlead stops the server. Owned by the caller.</param>
    /// <param name="output">Where answers go; flush after each message. Owned by the caller. Writing may wait while the reader is behind.</param>
    /// <param name="cancellationToken">Cancelled when the server did not end by itself in time.</param>
    /// <returns>Ends with the connection. An exception counts as a crash: its message becomes the reason, and the server is started again with a delay.</returns>
    Task RunAsync(Stream input, Stream output, CancellationToken cancellationToken);
}
