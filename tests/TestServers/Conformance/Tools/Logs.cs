using System.Text.Json.Nodes;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.TestServers.Conformance.Tools;

/// <summary>Sends <c>notifications/message</c> on the stream of the call that caused it.</summary>
internal static class Logs
{
    /// <summary>Logs at info level, if the caller asked for it: in its <c>_meta</c> (modern) or by logging/setLevel (legacy; unset means all).</summary>
    public static Task InfoAsync(ToolCall context, string text, CancellationToken cancellationToken)
    {
        var modern = context.Params.Meta?.ContainsKey(MetaKeys.ProtocolVersion) == true;
        var level = modern
            ? (string?)context.Params.Meta![MetaKeys.LogLevel]
            : context.Server.LoggingLevel?.ToString().ToLowerInvariant() ?? "debug";
        if (level is not ("debug" or "info"))
        {
            return Task.CompletedTask;
        }

        var parameters = new JsonObject { ["level"] = "info", ["logger"] = "conformance", ["data"] = text };
        var notification = new JsonRpcNotification { Method = NotificationMethods.LoggingMessageNotification, Params = parameters };
        return context.Server.SendMessageAsync(notification, cancellationToken);
    }
}
