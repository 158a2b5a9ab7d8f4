using Fairlead.Routing;
using Fairlead.Upstreams;

namespace Fairlead.Exchanges;

/// <summary>The one table from what the request path returns to the exceptions of the API.</summary>
internal static class CallFailures
{
    /// <summary>The exception for a call that could not be forwarded or answered. Not for <see cref="ForwardError.ClientCancelled"/>, which is the caller's own token.</summary>
    public static McpException From(ForwardError error, string server, string? detail, long retryAfterMs = 0, bool isUnsent = false)
    {
        var message = ForwardErrors.Message(error, server, detail);
        TimeSpan? retryAfter = retryAfterMs > 0 ? TimeSpan.FromMilliseconds(retryAfterMs) : null;
        return error switch
        {
            ForwardError.CircuitOpen => new CircuitOpen(message) { ServerId = server, RetryAfter = retryAfter },
            ForwardError.RateLimited => new ResourceExhausted(message) { ServerId = server, RetryAfter = retryAfter },
            ForwardError.ServerTimedOut or ForwardError.ServerTimedOutHard or ForwardError.StartTimedOut => new McpTimeout(message) { ServerId = server },
            ForwardError.TooManyCalls => new ResourceExhausted(message) { ServerId = server, IsServerFull = true },
            ForwardError.TooManyParked or ForwardError.AnswerTooLarge or ForwardError.AuditFull => new ResourceExhausted(message) { ServerId = server },
            ForwardError.AuthenticationRequired => new Unauthenticated(message) { ServerId = server },
            ForwardError.InputNotPossible or ForwardError.InputRoundsSpent => new ToolFailed(message) { ServerId = server },
            ForwardError.ShuttingDown => RuntimeShutdown.Now(),
            _ => new ConnectionFailed(message) { ServerId = server, IsUnsent = isUnsent },
        };
    }

    /// <summary>The word of the API for a call that ended so. Not for <see cref="ForwardError.ClientCancelled"/>, nor for calls that went well.</summary>
    public static string Word(ForwardError error) => From(error, "", null).Word;

    /// <summary>How a call ended that could not be begun: the other direction of <see cref="From(ServerSnapshot, TimeProvider)"/>.</summary>
    public static ForwardError Of(McpException failure) => failure switch
    {
        McpTimeout => ForwardError.StartTimedOut,
        Unauthenticated => ForwardError.AuthenticationRequired,
        RuntimeShutdown => ForwardError.ShuttingDown,
        _ => ForwardError.ServerUnavailable,
    };

    /// <summary>Why a call to a server whose state takes no calls fails.</summary>
    public static ForwardError Of(ServerState state) => state is ServerState.AuthRequired or ServerState.MissingAuth ? ForwardError.AuthenticationRequired : ForwardError.ServerUnavailable;

    /// <summary>The exception for a call to a server whose state takes no calls.</summary>
    public static McpException From(ServerSnapshot snapshot, TimeProvider time)
    {
        var server = snapshot.Config.Name;
        var message = $"The server '{server}' takes no calls: it is {snapshot.State}{(snapshot.Reason is null ? "" : ": " + snapshot.Reason)}.";
        return Of(snapshot.State) == ForwardError.AuthenticationRequired
            ? new Unauthenticated(message) { ServerId = server }
            : new ConnectionFailed(message) { ServerId = server, RetryAfter = snapshot.NextRetry is { } at && at > time.GetUtcNow() ? at - time.GetUtcNow() : null };
    }
}
