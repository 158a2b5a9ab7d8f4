using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <summary>What a server answered to a request of Fairlead's own.</summary>
/// <param name="Error">None when the server answered, with a result or with an error of its own.</param>
/// <param name="Detail">More about <paramref name="Error"/>.</param>
/// <param name="Bytes">The whole answer; exact size, owned by this object.</param>
/// <param name="Envelope">The scan of <paramref name="Bytes"/>.</param>
internal sealed record ControlAnswer(ForwardError Error, string? Detail, byte[] Bytes, Envelope Envelope)
{
    /// <summary>HTTP status of the answer; 0 when there was none, or no HTTP.</summary>
    public int HttpStatus { get; init; }

    /// <summary>Whether the server answered with a result.</summary>
    public bool IsResult => Error == ForwardError.None && Envelope.Kind == MessageKind.Result;

    /// <summary>The raw <c>result</c>; empty unless <see cref="IsResult"/>.</summary>
    public ReadOnlyMemory<byte> Result => IsResult ? Bytes.AsMemory(Envelope.Result.Start, Envelope.Result.Length) : default;

    /// <summary>What went wrong, in words, for states and logs.</summary>
    public string Describe() => Error != ForwardError.None
        ? Detail ?? ForwardErrors.Tag(Error)
        : $"it answered error {Envelope.ErrorCode}";
}

/// <summary>Requests that Fairlead itself makes: handshake, lists, subscriptions, probes. Not for the request path: it allocates.</summary>
internal static class ControlRequest
{
    private static readonly byte[] s_ownMetaMembers =
    [
        .. "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{\"extensions\":"u8, .. ClientExtensions.Shared,
        .. "},\"io.modelcontextprotocol/clientInfo\":{\"name\":\"fairlead\",\"version\":\"0.1.0\"}"u8,
    ];

    /// <summary>What a modern request of Fairlead's own carries in <c>_meta</c> (protocol.md 3). Nobody could be asked, so it declares only MCP Apps: lists are read for all clients.</summary>
    public static ReadOnlySpan<byte> OwnMetaMembers => s_ownMetaMembers;

    /// <summary>Sends a request and waits for its answer.</summary>
    /// <param name="connection">Where to.</param>
    /// <param name="method">The method.</param>
    /// <param name="paramsMembers">Raw members of <c>params</c>, without braces; may be empty.</param>
    /// <param name="modern">Whether <c>_meta</c> is added.</param>
    /// <param name="timeout">Longest wait; infinite = none.</param>
    /// <param name="cancellationToken">Ends the wait and tells the server.</param>
    /// <returns>The answer or the failure; never throws for what the server does.</returns>
    public static async Task<ControlAnswer> SendAsync(
        UpstreamConnection connection, McpMethod method, ReadOnlyMemory<byte> paramsMembers, bool modern, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var call = UpstreamCall.Create(isInitialize: method == McpMethod.Initialize);
        var ticks = connection.Sweeper.Ticks(timeout);
        if (ticks != 0)
        {
            call.HardDeadline = connection.Sweeper.Now + ticks;
        }

        if (!connection.TryOpen(call))
        {
            var reason = connection.Lost.IsCompletedSuccessfully ? await connection.Lost.ConfigureAwait(false) : null;
            return new ControlAnswer(reason is null ? ForwardError.TooManyCalls : ForwardError.ServerLost, reason, [], default);
        }

        connection.Send(call, Compose(call.UpstreamId, method, paramsMembers.Span, modern));
        using var registration = cancellationToken.UnsafeRegister(static state => Abort((UpstreamCall)state!), call);
        while (!call.IsComplete)
        {
            await call.WaitAsync().ConfigureAwait(false);
            while (call.TryReadMessage(out _))
            {
                // Nothing that comes before the answer of a control request concerns anybody.
            }
        }

        var answer = new ControlAnswer(call.Error, call.ErrorDetail, call.Answer.ToArray(), call.AnswerEnvelope) { HttpStatus = call.HttpStatus };
        call.Release();
        cancellationToken.ThrowIfCancellationRequested();
        return answer;
    }

    /// <summary>Composes a request of Fairlead's own.</summary>
    public static OutboundFrame Compose(long id, McpMethod method, ReadOnlySpan<byte> paramsMembers, bool modern)
    {
        var frame = OutboundFrame.Rent(256 + paramsMembers.Length);
        frame.Append("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        frame.Append(id);
        frame.Append(",\"method\":\""u8);
        frame.Append(McpMethods.NameOf(method));
        frame.Append("\",\"params\":{"u8);
        frame.AppendBlankingNewlines(paramsMembers);
        if (modern)
        {
            frame.Append(paramsMembers.IsEmpty ? "\"_meta\":{"u8 : ",\"_meta\":{"u8);
            frame.Append(OwnMetaMembers);
            frame.Append("}"u8);
        }

        frame.Append("}}"u8);
        return frame;
    }

    private static void Abort(UpstreamCall call) => call.Connection!.Cancel(call);
}
