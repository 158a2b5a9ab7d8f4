using System.Text.Json.Nodes;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Compatibility;

/// <summary>A modern client's open <c>subscriptions/listen</c>: the list of tools and some resources.</summary>
internal sealed class ListenSubscription
{
    private readonly RevisionClient _client;
    private readonly long _id;

    private ListenSubscription(RevisionClient client, long id, JsonNode acknowledged)
    {
        _client = client;
        _id = id;
        Acknowledged = acknowledged;
    }

    /// <summary>What is honoured.</summary>
    public JsonNode Acknowledged { get; }

    /// <summary>Opens it and waits for the acknowledgement.</summary>
    public static async Task<ListenSubscription> OpenAsync(RevisionClient client, IEnumerable<string> uris)
    {
        var (id, answer) = client.Start("subscriptions/listen", new JsonObject
        {
            ["notifications"] = new JsonObject { ["toolsListChanged"] = true, ["resourceSubscriptions"] = new JsonArray([.. uris.Select(static uri => JsonValue.Create(uri))]) },
        });
        var acknowledged = client.Notifications.FirstAsync(static note => (string?)note["method"] == "notifications/subscriptions/acknowledged", "the acknowledgement of listen");
        if (await Task.WhenAny(acknowledged, answer) == answer)
        {
            throw new InvalidOperationException($"listen was answered instead of acknowledged: {(await answer).ToJsonString()}");
        }

        var note = await acknowledged;
        var subscription = new ListenSubscription(client, id, note["params"]!["notifications"]!);
        Assert.True(subscription.IsMine(note), note.ToJsonString());
        return subscription;
    }

    /// <summary>Whether updates of a resource were promised.</summary>
    public bool Honours(string uri) => (Acknowledged["resourceSubscriptions"] as JsonArray ?? []).Any(honoured => (string?)honoured == uri);

    /// <summary>Whether a notification carries the id of this listen, as a number.</summary>
    public bool IsMine(JsonObject notification) => notification["params"]?["_meta"]?["io.modelcontextprotocol/subscriptionId"]?.ToJsonString() == _id.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Ends it.</summary>
    public Task CloseAsync() => Guard.WithinAsync(_client.CancelAsync(_id), "the end of listen");
}
