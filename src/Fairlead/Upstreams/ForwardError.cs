namespace Fairlead.Upstreams;

/// <summary>Why a request could not be forwarded or answered: the side and the phase. <see cref="ForwardErrors"/> maps each to what a client sees.</summary>
internal enum ForwardError : byte
{
    /// <summary>Nothing went wrong.</summary>
    None,

    /// <summary>The connection to the server ended while the call was open; the server may have acted on it.</summary>
    ServerLost,

    /// <summary>The server sent nothing for this call within the request timeout.</summary>
    ServerTimedOut,

    /// <summary>The call reached the hard limit although progress kept coming.</summary>
    ServerTimedOutHard,

    /// <summary>The answer was longer than <c>upstreamMessageBytesMax</c>; it was discarded.</summary>
    AnswerTooLarge,

    /// <summary>There is no room for the answer: <c>bufferedBytesTotalMax</c> bytes of large messages are held already.</summary>
    BuffersFull,

    /// <summary>The server's answer is not a JSON-RPC message for this call.</summary>
    AnswerInvalid,

    /// <summary>The server is in a state that takes no calls; the detail names the state and the reason.</summary>
    ServerUnavailable,

    /// <summary>The server, or its instance for this caller, was still starting when the call had waited for its request timeout. It has not heard of the call.</summary>
    StartTimedOut,

    /// <summary>All call slots of the connection are taken.</summary>
    TooManyCalls,

    /// <summary>The request could not be sent: connection refused, TLS, HTTP status.</summary>
    SendFailed,

    /// <summary>The server asked for input that the client's revision or capabilities cannot carry.</summary>
    InputNotPossible,

    /// <summary>More calls wait for their clients' input than parkedMax or parkedPerPrincipalMax allow.</summary>
    TooManyParked,

    /// <summary>The server asked more often within one call than parkedRoundsMax allows.</summary>
    InputRoundsSpent,

    /// <summary>The server refused credentials (401 or 403), or waits for some that are not set.</summary>
    AuthenticationRequired,

    /// <summary>A circuit is open: too many calls to the server, or to the tool, have failed.</summary>
    CircuitOpen,

    /// <summary>The client, the server or the tool has had as many calls as its rate allows.</summary>
    RateLimited,

    /// <summary>The audit log has no room for a record of the call, and <c>audit.onFull</c> says refuse.</summary>
    AuditFull,

    /// <summary>The client went away or cancelled. Nobody is told.</summary>
    ClientCancelled,

    /// <summary>Fairlead is shutting down.</summary>
    ShuttingDown,
}

/// <summary>The one table from <see cref="ForwardError"/> to JSON-RPC code, HTTP status of the REST API, metric tag and sentence.</summary>
internal static class ForwardErrors
{
    /// <summary>JSON-RPC code that a client sees. -32603 for everything but the caller's own limits; spec codes -32020..-32099 are never used for our conditions (protocol.md 6.1).</summary>
    public const int JsonRpcCode = -32603;

    /// <summary>HTTP status for the REST API's problem+json.</summary>
    public static int HttpStatus(ForwardError error) => error switch
    {
        ForwardError.None => 200,
        ForwardError.ServerTimedOut or ForwardError.ServerTimedOutHard or ForwardError.StartTimedOut => 504,
        ForwardError.RateLimited => 429,
        ForwardError.CircuitOpen or ForwardError.ServerUnavailable or ForwardError.TooManyCalls or ForwardError.TooManyParked or ForwardError.BuffersFull
            or ForwardError.AuditFull or ForwardError.ShuttingDown => 503,
        ForwardError.ClientCancelled => 499,
        ForwardError.InputNotPossible or ForwardError.InputRoundsSpent => 422,
        _ => 502,
    };

    /// <summary>Value of the metric tag <c>error.type</c>.</summary>
    public static string Tag(ForwardError error) => error switch
    {
        ForwardError.None => "none",
        ForwardError.ServerLost => "server_lost",
        ForwardError.ServerTimedOut => "timeout_idle",
        ForwardError.ServerTimedOutHard => "timeout_hard",
        ForwardError.AnswerTooLarge => "answer_too_large",
        ForwardError.BuffersFull => "buffers_full",
        ForwardError.AnswerInvalid => "answer_invalid",
        ForwardError.ServerUnavailable => "server_unavailable",
        ForwardError.StartTimedOut => "timeout_start",
        ForwardError.TooManyCalls => "too_many_calls",
        ForwardError.SendFailed => "send_failed",
        ForwardError.InputNotPossible => "input_not_possible",
        ForwardError.TooManyParked => "too_many_parked",
        ForwardError.InputRoundsSpent => "input_rounds_spent",
        ForwardError.AuthenticationRequired => "auth_required",
        ForwardError.CircuitOpen => "circuit_open",
        ForwardError.RateLimited => "rate_limited",
        ForwardError.AuditFull => "audit_full",
        ForwardError.ClientCancelled => "client_cancelled",
        _ => "shutting_down",
    };

    /// <summary>The sentence a client reads, with the server's name; <paramref name="detail"/> follows after a colon when given. Never holds secrets.</summary>
    public static string Message(ForwardError error, string server, string? detail)
    {
        var text = error switch
        {
            ForwardError.ServerLost => $"The server '{server}' went away before it answered; call again when it is back (fairlead ps shows its state)",
            ForwardError.ServerTimedOut => $"The server '{server}' did not answer in time; raise its timeoutMs if it needs longer",
            ForwardError.ServerTimedOutHard => $"The call to '{server}' reached the hard time limit",
            ForwardError.AnswerTooLarge => $"The answer of '{server}' is longer than upstreamMessageBytesMax; ask for less or raise the limit",
            ForwardError.BuffersFull => $"There is no room to hold the answer of '{server}' beside those of other calls; try again when some have ended, or raise the limit",
            ForwardError.AnswerInvalid => $"The server '{server}' sent an answer that is not valid",
            ForwardError.ServerUnavailable => $"The server '{server}' takes no calls now",
            ForwardError.StartTimedOut => $"The server '{server}' was not ready in time; try again later, or raise its timeoutMs",
            ForwardError.TooManyCalls => $"Too many calls to '{server}' are in flight; try again when some have ended",
            ForwardError.SendFailed => $"The server '{server}' could not be reached",
            ForwardError.InputNotPossible => $"The server '{server}' asked for input that this client cannot give",
            ForwardError.TooManyParked => $"The server '{server}' asked for input, and too many calls wait for input already; answer some of them, or raise parkedMax and parkedPerPrincipalMax",
            ForwardError.InputRoundsSpent => $"The server '{server}' asked for input more often in one call than parkedRoundsMax allows; the call was given up",
            ForwardError.AuthenticationRequired => $"Fairlead has no credentials that the server '{server}' accepts; set or mend its auth or headers",
            ForwardError.CircuitOpen => $"The server '{server}' is not asked for a while",
            ForwardError.RateLimited => $"Too many calls to '{server}'",
            ForwardError.AuditFull => $"The call to '{server}' was refused: the audit log cannot keep up, and audit.onFull is refuse. Fairlead's log says what is wrong with the disk",
            ForwardError.ClientCancelled => "The call was cancelled",
            ForwardError.ShuttingDown => "Fairlead is shutting down",
            _ => "No error",
        };
        return detail is null ? text + "." : text + ": " + detail;
    }

    /// <summary>Whether trying the same call again later can help without changing anything.</summary>
    public static bool IsTransient(ForwardError error) => error is ForwardError.ServerLost or ForwardError.ServerTimedOut or ForwardError.StartTimedOut or ForwardError.ServerUnavailable
        or ForwardError.CircuitOpen or ForwardError.RateLimited or ForwardError.TooManyCalls or ForwardError.TooManyParked or ForwardError.BuffersFull
        or ForwardError.SendFailed or ForwardError.AuditFull or ForwardError.ShuttingDown;

    /// <summary>Whether the server is to blame (decision 15), for metrics, breakers, retries and rollouts alike.</summary>
    public static bool IsServerFailure(ForwardError error) => error is ForwardError.ServerLost or ForwardError.ServerTimedOut or ForwardError.ServerTimedOutHard
        or ForwardError.AnswerInvalid or ForwardError.SendFailed;
}
