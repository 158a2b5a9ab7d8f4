using Fairlead.Exchanges;

namespace Fairlead;

/// <content>Calls that tell how far they are.</content>
public sealed partial class McpManager
{
    /// <summary>As <see cref="CallAsync(string, string, ReadOnlyMemory{byte}, CancellationToken)"/>, and tells what the server says of its progress meanwhile.</summary>
    /// <param name="server">Id of the server.</param>
    /// <param name="tool">The tool's name, as the server's own endpoint shows it.</param>
    /// <param name="argumentsUtf8">The UTF-8 text of one JSON object, which must not change before the call has ended. Empty = no arguments.</param>
    /// <param name="progress">Told on the call's own flow, in the server's order and before the result; must not block. A caller that is slower than its server
    /// misses steps, never the result. An <see cref="ITool"/> has no way to say how far it is.</param>
    /// <param name="cancellationToken">Gives the call up; the server is told.</param>
    public ValueTask<ToolResult> CallAsync(
        string server, string tool, ReadOnlyMemory<byte> argumentsUtf8, IProgress<ToolProgress> progress, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(server);
        ArgumentNullException.ThrowIfNull(tool);
        ArgumentNullException.ThrowIfNull(progress);
        return _tools.CallAsync(server, tool, ToolArguments.Checked(argumentsUtf8), progress, cancellationToken);
    }
}
