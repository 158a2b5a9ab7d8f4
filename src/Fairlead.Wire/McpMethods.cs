namespace Fairlead.Wire;

/// <summary>Names of the known methods.</summary>
public static class McpMethods
{
    /// <summary>Longest known name in bytes; anything longer is <see cref="McpMethod.Unknown"/>.</summary>
    internal const int NameBytesMax = 42;

    /// <summary>Whether the method is sent as a notification (its name begins with <c>notifications/</c>).</summary>
    public static bool IsNotification(this McpMethod method) => method >= McpMethod.NotificationsInitialized;

    /// <summary>Whether the method asks about a task that exists, in either form of tasks (protocol.md 8).</summary>
    public static bool IsTasks(this McpMethod method) => method is >= McpMethod.TasksGet and <= McpMethod.TasksUpdate;

    /// <summary>Whether a client may send the method as a request in a revision (protocol.md 1.1), tasks included where they exist in any form.</summary>
    public static bool IsRequestOf(this McpMethod method, ProtocolVersion version) => method switch
    {
        McpMethod.ToolsList or McpMethod.ToolsCall or McpMethod.PromptsList or McpMethod.PromptsGet or McpMethod.ResourcesList
            or McpMethod.ResourcesTemplatesList or McpMethod.ResourcesRead or McpMethod.CompletionComplete => version != ProtocolVersion.Unknown,
        McpMethod.Initialize or McpMethod.Ping or McpMethod.ResourcesSubscribe or McpMethod.ResourcesUnsubscribe or McpMethod.LoggingSetLevel =>
            version.IsLegacy(),
        McpMethod.ServerDiscover or McpMethod.SubscriptionsListen or McpMethod.TasksUpdate => version.IsModern(),
        McpMethod.TasksGet or McpMethod.TasksCancel => version >= ProtocolVersion.V20251125,
        McpMethod.TasksResult or McpMethod.TasksList => version == ProtocolVersion.V20251125,
        _ => false,
    };

    /// <summary>The name on the wire, without quotes; empty for <see cref="McpMethod.Unknown"/>. No name needs escaping.</summary>
    public static ReadOnlySpan<byte> NameOf(McpMethod method) => method switch
    {
        McpMethod.Initialize => "initialize"u8,
        McpMethod.Ping => "ping"u8,
        McpMethod.ServerDiscover => "server/discover"u8,
        McpMethod.SubscriptionsListen => "subscriptions/listen"u8,
        McpMethod.ToolsList => "tools/list"u8,
        McpMethod.ToolsCall => "tools/call"u8,
        McpMethod.PromptsList => "prompts/list"u8,
        McpMethod.PromptsGet => "prompts/get"u8,
        McpMethod.ResourcesList => "resources/list"u8,
        McpMethod.ResourcesTemplatesList => "resources/templates/list"u8,
        McpMethod.ResourcesRead => "resources/read"u8,
        McpMethod.ResourcesSubscribe => "resources/subscribe"u8,
        McpMethod.ResourcesUnsubscribe => "resources/unsubscribe"u8,
        McpMethod.CompletionComplete => "completion/complete"u8,
        McpMethod.LoggingSetLevel => "logging/setLevel"u8,
        McpMethod.SamplingCreateMessage => "sampling/createMessage"u8,
        McpMethod.RootsList => "roots/list"u8,
        McpMethod.ElicitationCreate => "elicitation/create"u8,
        McpMethod.TasksGet => "tasks/get"u8,
        McpMethod.TasksCancel => "tasks/cancel"u8,
        McpMethod.TasksResult => "tasks/result"u8,
        McpMethod.TasksList => "tasks/list"u8,
        McpMethod.TasksUpdate => "tasks/update"u8,
        McpMethod.NotificationsInitialized => "notifications/initialized"u8,
        McpMethod.NotificationsCancelled => "notifications/cancelled"u8,
        McpMethod.NotificationsProgress => "notifications/progress"u8,
        McpMethod.NotificationsMessage => "notifications/message"u8,
        McpMethod.NotificationsToolsListChanged => "notifications/tools/list_changed"u8,
        McpMethod.NotificationsPromptsListChanged => "notifications/prompts/list_changed"u8,
        McpMethod.NotificationsResourcesListChanged => "notifications/resources/list_changed"u8,
        McpMethod.NotificationsResourcesUpdated => "notifications/resources/updated"u8,
        McpMethod.NotificationsRootsListChanged => "notifications/roots/list_changed"u8,
        McpMethod.NotificationsElicitationComplete => "notifications/elicitation/complete"u8,
        McpMethod.NotificationsSubscriptionsAcknowledged => "notifications/subscriptions/acknowledged"u8,
        McpMethod.NotificationsTasksStatus => "notifications/tasks/status"u8,
        McpMethod.NotificationsTasks => "notifications/tasks"u8,
        _ => default,
    };

    /// <summary>Finds a method by its unescaped name without quotes, case-sensitive; <see cref="McpMethod.Unknown"/> when it is none of ours.</summary>
    public static McpMethod Find(ReadOnlySpan<byte> name)
    {
        // One probable candidate (or a few) for each length, then one comparison with its name.
        switch (name.Length)
        {
            case 4:
                return Only(name, McpMethod.Ping);
            case 9:
                return Only(name, McpMethod.TasksGet);
            case 10:
                return name[0] switch
                {
                    (byte)'i' => Only(name, McpMethod.Initialize),
                    (byte)'r' => Only(name, McpMethod.RootsList),
                    _ => name[1] == (byte)'a' ? Only(name, McpMethod.TasksList)
                        : name[6] == (byte)'c' ? Only(name, McpMethod.ToolsCall) : Only(name, McpMethod.ToolsList),
                };
            case 11:
                return Only(name, McpMethod.PromptsGet);
            case 12:
                return name[0] == (byte)'p' ? Only(name, McpMethod.PromptsList)
                    : name[6] == (byte)'c' ? Only(name, McpMethod.TasksCancel)
                    : name[6] == (byte)'r' ? Only(name, McpMethod.TasksResult) : Only(name, McpMethod.TasksUpdate);
            case 14:
                return name[10] == (byte)'l' ? Only(name, McpMethod.ResourcesList) : Only(name, McpMethod.ResourcesRead);
            case 15:
                return Only(name, McpMethod.ServerDiscover);
            case 16:
                return Only(name, McpMethod.LoggingSetLevel);
            case 18:
                return Only(name, McpMethod.ElicitationCreate);
            case 19:
                return name[0] == (byte)'c' ? Only(name, McpMethod.CompletionComplete)
                    : name[0] == (byte)'n' ? Only(name, McpMethod.NotificationsTasks) : Only(name, McpMethod.ResourcesSubscribe);
            case 20:
                return Only(name, McpMethod.SubscriptionsListen);
            case 21:
                return name[0] == (byte)'r' ? Only(name, McpMethod.ResourcesUnsubscribe) : Only(name, McpMethod.NotificationsMessage);
            case 22:
                return name[0] == (byte)'s' ? Only(name, McpMethod.SamplingCreateMessage) : Only(name, McpMethod.NotificationsProgress);
            case 23:
                return Only(name, McpMethod.NotificationsCancelled);
            case 24:
                return Only(name, McpMethod.ResourcesTemplatesList);
            case 25:
                return Only(name, McpMethod.NotificationsInitialized);
            default:
                return FindLongNotification(name);
        }
    }

    private static McpMethod FindLongNotification(ReadOnlySpan<byte> name)
    {
        if (name.Length > NameBytesMax)
        {
            return McpMethod.Unknown;
        }

        for (var method = McpMethod.NotificationsToolsListChanged; method <= McpMethod.NotificationsTasks; method++)
        {
            if (name.SequenceEqual(NameOf(method)))
            {
                return method;
            }
        }

        return McpMethod.Unknown;
    }

    private static McpMethod Only(ReadOnlySpan<byte> name, McpMethod method) => name.SequenceEqual(NameOf(method)) ? method : McpMethod.Unknown;
}
