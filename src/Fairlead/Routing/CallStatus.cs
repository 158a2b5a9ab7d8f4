using Fairlead.Upstreams;

namespace Fairlead.Routing;

/// <summary>How a call ended, as metrics tell it (label <c>status</c>): <c>ok</c>, <c>error</c> (the server answered with a JSON-RPC error), or the tag of a <see cref="ForwardError"/>.</summary>
/// <remarks>A small number, so that counters can be an array. A tool's result with <c>isError</c> is <c>ok</c>: the server has done its work (decision 15), and results are not read to be forwarded.</remarks>
internal static class CallStatus
{
    /// <summary>The server answered with a result.</summary>
    public const int Ok = 0;

    /// <summary>The server answered with a JSON-RPC error.</summary>
    public const int Error = 1;

    /// <summary>One more than the largest status.</summary>
    public const int Count = 2 + (int)ForwardError.ShuttingDown;

    /// <summary>The status of a call.</summary>
    /// <param name="error">How it ended.</param>
    /// <param name="isErrorAnswer">Whether an answer that came was a JSON-RPC error.</param>
    public static int Of(ForwardError error, bool isErrorAnswer) => error == ForwardError.None ? (isErrorAnswer ? Error : Ok) : Error + (int)error;

    /// <summary>Its value in labels.</summary>
    public static string Name(int status) => status switch
    {
        Ok => "ok",
        Error => "error",
        _ => ForwardErrors.Tag((ForwardError)(status - Error)),
    };

    /// <summary>Whether the server is to blame (decision 15).</summary>
    public static bool IsServerFailure(int status) => status > Error && ForwardErrors.IsServerFailure((ForwardError)(status - Error));
}
