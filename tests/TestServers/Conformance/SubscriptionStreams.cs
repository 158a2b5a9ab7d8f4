using System.Text.Json.Nodes;
using System.Threading.Channels;
using Fairlead.TestServers.Conformance.Tasks;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.TestServers.Conformance;

/// <summary>
/// Answers <c>subscriptions/listen</c> (2026-07-28). The SDK's own handler grants nothing on a stateless transport, which is what modern HTTP is;
/// this one feeds each open stream from the process-wide collections, on HTTP and stdio alike.
/// </summary>
internal sealed class SubscriptionStreams(
    McpServerPrimitiveCollection<McpServerTool> tools,
    McpServerPrimitiveCollection<McpServerPrompt> prompts,
    FixtureResources resources,
    TaskExtension tasks)
{
    // Changes are made by single tool calls, so a reader that is 256 behind is gone; its oldest news are the least interesting.
    private static readonly BoundedChannelOptions s_queue = new(256) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true };

    /// <summary>Acknowledges what is granted, then streams what matches, each notification tagged with the request's id, until the client leaves.</summary>
    public async ValueTask<EmptyResult> ListenAsync(ListenCall context, CancellationToken cancellationToken)
    {
        var wanted = context.Params.Notifications;
        string[] uris = [.. wanted.ResourceSubscriptions ?? []];
        var news = Channel.CreateBounded<(string Method, JsonObject Params)>(s_queue);

        void OnTools(object? sender, EventArgs change) => news.Writer.TryWrite((NotificationMethods.ToolListChangedNotification, []));
        void OnPrompts(object? sender, EventArgs change) => news.Writer.TryWrite((NotificationMethods.PromptListChangedNotification, []));
        void OnResource(string uri)
        {
            if (uris.Contains(uri, StringComparer.Ordinal))
            {
                news.Writer.TryWrite((NotificationMethods.ResourceUpdatedNotification, new JsonObject { ["uri"] = uri }));
            }
        }

        var watched = tasks.Find(TaskIds(context));
        void OnTask(RunningTask task)
        {
            if (watched.Contains(task))
            {
                news.Writer.TryWrite(("notifications/tasks", task.ToJson(detailed: true)));
            }
        }

        // Subscribed before the acknowledgement goes out: a change that the client makes on seeing it must not be missed.
        if (wanted.ToolsListChanged == true)
        {
            tools.Changed += OnTools;
        }

        if (wanted.PromptsListChanged == true)
        {
            prompts.Changed += OnPrompts;
        }

        resources.Updated += OnResource;
        tasks.Changed += OnTask;
        try
        {
            var granted = new JsonObject { ["notifications"] = Granted(wanted, uris, watched) };
            await SendAsync(context, NotificationMethods.SubscriptionsAcknowledgedNotification, granted, cancellationToken);
            await foreach (var (method, parameters) in news.Reader.ReadAllAsync(cancellationToken))
            {
                await SendAsync(context, method, parameters, cancellationToken);
            }
        }
        finally
        {
            tools.Changed -= OnTools;
            prompts.Changed -= OnPrompts;
            resources.Updated -= OnResource;
            tasks.Changed -= OnTask;
        }

        return new EmptyResult();
    }

    // The acknowledgement names the granted subset; a kind that is not offered (resources/list_changed) is left out.
    private static JsonObject Granted(SubscriptionsListenNotifications wanted, string[] uris, RunningTask[] watched)
    {
        var granted = new JsonObject();
        if (wanted.ToolsListChanged == true)
        {
            granted["toolsListChanged"] = true;
        }

        if (wanted.PromptsListChanged == true)
        {
            granted["promptsListChanged"] = true;
        }

        if (uris.Length > 0)
        {
            granted["resourceSubscriptions"] = new JsonArray([.. uris.Select(uri => JsonValue.Create(uri))]);
        }

        if (watched.Length > 0)
        {
            granted["taskIds"] = new JsonArray([.. watched.Select(task => JsonValue.Create(task.Id))]);
        }

        return granted;
    }

    // The SDK's filter does not know the extension's member.
    private static IEnumerable<string> TaskIds(ListenCall context) => TaskExtension.IsDeclared(context.JsonRpcRequest)
        && (context.JsonRpcRequest.Params as JsonObject)?["notifications"]?["taskIds"] is JsonArray ids ? ids.Select(id => id?.ToString() ?? "") : [];

    private static Task SendAsync(ListenCall context, string method, JsonObject parameters, CancellationToken cancellationToken)
    {
        var id = context.JsonRpcRequest.Id;
        parameters["_meta"] = new JsonObject
        {
            [MetaKeys.SubscriptionId] = id.Id is long number ? JsonValue.Create(number) : JsonValue.Create(id.ToString()),
        };
        return context.Server.SendMessageAsync(new JsonRpcNotification { Method = method, Params = parameters }, cancellationToken);
    }
}
