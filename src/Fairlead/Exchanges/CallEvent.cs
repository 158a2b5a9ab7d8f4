using System.Text.Json;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>Tells those who watch calls of one that has ended. Made only while somebody does: it allocates.</summary>
internal static class CallEvent
{
    private const string Cancelled = "Cancelled";

    /// <summary>Tells of a forwarded call.</summary>
    /// <param name="call">Not given back yet.</param>
    /// <param name="cell">The server.</param>
    /// <param name="micros">How long it took; 0 when it was not sent.</param>
    public static void Tell(Exchange call, ServerCell cell, long micros)
    {
        var request = call.Request.Span;
        var tool = call.RequestEnvelope.KnownMethod == McpMethod.ToolsCall ? TextOf(call.UpstreamName ?? call.RequestEnvelope.Name.Of(request)) : null;
        Tell(cell, TextOf(call.RequestEnvelope.Method.Of(request)), tool, micros, call.Error, CallAudit.FailedAtServer(call));
    }

    /// <summary>Tells of any call.</summary>
    /// <param name="cell">The server.</param>
    /// <param name="method">Such as <c>tools/call</c>.</param>
    /// <param name="tool">By the server's own name; null when it is no call of a tool.</param>
    /// <param name="micros">How long it took.</param>
    /// <param name="error">How it ended.</param>
    /// <param name="failedAtServer">Whether the server answered with a JSON-RPC error, or the tool with isError.</param>
    public static void Tell(ServerCell cell, string method, string? tool, long micros, ForwardError error, bool failedAtServer) => cell.Events.Tell(new FleetEvent
    {
        Type = FleetEventType.Call, Server = cell.Name, Method = method, Tool = tool, DurationMs = micros / 1e3,
        Error = error switch
        {
            ForwardError.None => failedAtServer ? nameof(ToolFailed) : null,
            ForwardError.ClientCancelled => Cancelled,
            _ => CallFailures.Word(error),
        },
    });

    // A token of JSON: a text in quotes.
    private static string TextOf(ReadOnlySpan<byte> token)
    {
        var reader = new Utf8JsonReader(token);
        return reader.Read() && reader.TokenType == JsonTokenType.String ? reader.GetString()! : "";
    }
}
