using System.Text.Json.Nodes;

namespace Fairlead.TestServers.Matrix;

/// <summary>A request that is being served: what it brought, and the way back to the client that sent it. What differs between the eras is below this type.</summary>
internal abstract class ServedCall(string method, JsonObject parameters, Action<string> say, CancellationToken cancelled)
{
    private static readonly string[] s_levels = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

    /// <summary>The method.</summary>
    public string Method { get; } = method;

    /// <summary>The request's params; empty when it had none.</summary>
    public JsonObject Params { get; } = parameters;

    /// <summary>The tool's arguments; empty when there are none.</summary>
    public JsonObject Arguments => Params["arguments"] as JsonObject ?? [];

    /// <summary>Set when the client wants this request no more.</summary>
    public CancellationToken Cancelled { get; } = cancelled;

    /// <summary>The lowest level of log messages that may be sent, or null when none may.</summary>
    public abstract string? LogLevel { get; }

    /// <summary>Asks the client, on the stream of this request.</summary>
    /// <param name="capability">What the client must have declared, such as <c>elicitation.url</c>.</param>
    /// <param name="question">The request, without id.</param>
    /// <returns>The client's result.</returns>
    /// <exception cref="ToolFailure">It was refused, or answered without the capability: the text says which.</exception>
    public abstract Task<JsonObject> AskAsync(string capability, JsonObject question);

    /// <summary>Sends a notification on the stream of this request.</summary>
    public void Notify(string notification, JsonObject body) =>
        Say(new JsonObject { ["jsonrpc"] = "2.0", ["method"] = notification, ["params"] = body });

    /// <summary>Whether messages of level <c>info</c> may be sent.</summary>
    public bool LogsInformation => LogLevel is { } level && Array.IndexOf(s_levels, level) is 0 or 1;

    /// <summary>Whether capabilities name <paramref name="path"/>. <c>elicitation</c> without a mode means <c>form</c> (2025-11-25, client/elicitation).</summary>
    protected static bool Declares(JsonObject capabilities, string path)
    {
        if (path == "elicitation.form" && capabilities["elicitation"] is JsonObject { Count: 0 })
        {
            return true;
        }

        JsonNode? at = capabilities;
        foreach (var name in path.Split('.'))
        {
            at = (at as JsonObject)?[name];
        }

        return at is JsonObject;
    }

    /// <summary>Writes a message on the stream of this request.</summary>
    protected void Say(JsonObject message) => say(message.ToJsonString());
}
