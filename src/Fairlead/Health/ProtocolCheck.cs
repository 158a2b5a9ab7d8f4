using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Health;

/// <summary>Asks a server in its own protocol whether it lives: a ping, or server/discover where the revision has no ping.</summary>
internal static class ProtocolCheck
{
    /// <summary>Asks. Any answer speaks for the server, an error too: it came.</summary>
    /// <param name="connection">After its handshake.</param>
    /// <param name="limit">Longest wait.</param>
    /// <param name="cancellationToken">Ends the wait and tells the server.</param>
    /// <remarks>
    /// A server with a single thread that works on calls does not answer before it has done them. So silence speaks against a server only when it was silent altogether:
    /// an answer to any other call, or progress of one, since the question was sent shows that it is busy and not hung. One that waits for a client's answer to its own
    /// question may be silent, too.
    /// </remarks>
    public static async Task<HealthFinding> AskAsync(UpstreamConnection connection, TimeSpan limit, CancellationToken cancellationToken)
    {
        var modern = connection.Identity.IsModern;
        var method = modern ? McpMethod.ServerDiscover : McpMethod.Ping;
        var before = connection.SignsOfLife;
        var answer = await ControlRequest.SendAsync(connection, method, default, modern, limit, cancellationToken).ConfigureAwait(false);
        return answer.Error switch
        {
            ForwardError.None => HealthFinding.Good,
            ForwardError.ServerTimedOut or ForwardError.ServerTimedOutHard => Silent(connection, method, limit, before),
            _ => HealthFinding.Bad(answer.Describe()),
        };
    }

    /// <summary>Reads the first page of the tools, so that more than the ping's own path has worked. Good at once when the server declares no tools.</summary>
    /// <inheritdoc cref="AskAsync"/>
    public static async Task<HealthFinding> ListToolsAsync(UpstreamConnection connection, TimeSpan limit, CancellationToken cancellationToken)
    {
        var identity = connection.Identity;
        if (!JsonMembers.TryFind(identity.Capabilities, new ByteRange(0, identity.Capabilities.Length), "tools"u8, out _))
        {
            return HealthFinding.Good;
        }

        var answer = await ControlRequest.SendAsync(connection, McpMethod.ToolsList, default, identity.IsModern, limit, cancellationToken).ConfigureAwait(false);
        return answer.IsResult ? HealthFinding.Good
            : answer.Error is ForwardError.ServerTimedOut or ForwardError.ServerTimedOutHard ? HealthFinding.Bad(Late(McpMethod.ToolsList, limit))
            : HealthFinding.Bad("tools/list: " + answer.Describe());
    }

    private static HealthFinding Silent(UpstreamConnection connection, McpMethod method, TimeSpan limit, long before)
    {
        var late = Late(method, limit);
        return connection.SignsOfLife != before ? new HealthFinding(true, late + ", but other calls meanwhile: it is busy")
            : connection.SharesQuestions && connection.Questions.AnyAtClients ? new HealthFinding(true, late + ", but it waits for the answer to a question of its own")
            : HealthFinding.Bad(late);
    }

    private static string Late(McpMethod method, TimeSpan limit) =>
        $"it did not answer {System.Text.Encoding.UTF8.GetString(McpMethods.NameOf(method))} within {limit.TotalMilliseconds} ms (healthCheck.timeoutMs)";
}
