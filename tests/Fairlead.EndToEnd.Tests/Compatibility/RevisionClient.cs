using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Compatibility;

/// <summary>A client of raw messages that speaks one revision over one transport to the aggregate endpoint, and answers what it is asked as that revision does.</summary>
internal abstract class RevisionClient : IAsyncDisposable
{
    /// <summary>The revision without sessions.</summary>
    protected const string Modern = "2026-07-28";

    // Rounds of one call: what the gateway allows, and one more to see that it ends.
    private const int RoundsMax = 11;
    private readonly ConcurrentDictionary<long, TaskCompletionSource<JsonObject>> _pending = new();
    private readonly ClientWords _words;
    private long _next;

    protected RevisionClient(string transport, string revision)
    {
        Revision = revision;
        _words = new ClientWords(revision, $"{transport} {revision}");
    }

    /// <summary>What it speaks.</summary>
    public string Revision { get; }

    /// <summary>Whether every request brings its own claim.</summary>
    public bool IsModern => Revision == Modern;

    /// <summary>The notifications that came, whatever stream brought them.</summary>
    public Inbox<JsonObject> Notifications { get; } = new();

    /// <summary>What came that this revision does not have.</summary>
    public ConcurrentQueue<string> Faults { get; } = new();

    /// <summary>Opens a client and, in a legacy revision, its session and its stream for unsolicited messages.</summary>
    public static async Task<RevisionClient> OpenAsync(string transport, string revision, Uri gateway)
    {
        RevisionClient client = transport switch
        {
            "Streamable HTTP" => new StreamableClient(revision, new Uri(gateway, "mcp")),
            "HTTP+SSE" => await SseClient.ConnectAsync(revision, gateway),
            _ => new StdioClient(revision, gateway),
        };
        if (!client.IsModern)
        {
            var answer = await client.AskAsync("initialize", new JsonObject
            {
                ["protocolVersion"] = revision, ["capabilities"] = client._words.Capabilities, ["clientInfo"] = client._words.Info,
            });
            Assert.Equal(revision, (string?)answer["result"]?["protocolVersion"]);
            await client.SendAsync(new JsonObject { ["jsonrpc"] = "2.0", ["method"] = "notifications/initialized" });
            await client.HearAsync();
        }

        return client;
    }

    /// <summary>Sends a request, answers what the server wants to know meanwhile, and gives the last answer.</summary>
    public Task<JsonObject> AskAsync(string method, JsonObject parameters) => Guard.WithinAsync(RoundsAsync(method, parameters), $"the answer to {method} {parameters.ToJsonString()} in {Revision}");

    /// <summary>Sends a request.</summary>
    /// <param name="parameters">Without what every request of the revision carries.</param>
    /// <returns>Its id and its answer.</returns>
    public (long Id, Task<JsonObject> Answer) Start(string method, JsonObject parameters)
    {
        var id = Interlocked.Increment(ref _next);
        var body = parameters.DeepClone().AsObject();
        if (IsModern)
        {
            _words.Claim(body);
        }

        var answer = _pending[id] = new TaskCompletionSource<JsonObject>(TaskCreationOptions.RunContinuationsAsynchronously);
        return (id, AnswerAsync(new JsonObject { ["jsonrpc"] = "2.0", ["id"] = id, ["method"] = method, ["params"] = body }, answer));
    }

    /// <summary>Wants a request no more, in the way of the revision and the transport.</summary>
    public virtual Task CancelAsync(long id) =>
        SendAsync(new JsonObject { ["jsonrpc"] = "2.0", ["method"] = "notifications/cancelled", ["params"] = new JsonObject { ["requestId"] = id } });

    public abstract ValueTask DisposeAsync();

    /// <summary>Sends a message. Completes when it is sent and, where a response belongs to it, when that is read.</summary>
    protected abstract Task SendAsync(JsonObject message);

    /// <summary>Opens the stream for unsolicited messages, where the transport has one of its own.</summary>
    protected virtual Task HearAsync() => Task.CompletedTask;

    /// <summary>Says that nothing will come any more on the stream of a request: an answer that is still missing is a failure.</summary>
    protected void Ended(long id)
    {
        if (_pending.TryRemove(id, out var waiting))
        {
            waiting.TrySetException(new InvalidOperationException($"The response to request {id} ended without its answer."));
        }
    }

    /// <summary>Receives a message, in the order of its stream.</summary>
    protected void Receive(JsonObject message)
    {
        if (message["method"] is not { } method)
        {
            if (message["id"] is JsonValue id && id.TryGetValue(out long number) && _pending.TryRemove(number, out var waiting))
            {
                waiting.TrySetResult(message);
                return;
            }

            Faults.Enqueue($"an answer to nothing: {message.ToJsonString()}");
            return;
        }

        if (message["id"] is not { } question)
        {
            Notifications.Add(message);
            return;
        }

        if (IsModern)
        {
            Faults.Enqueue($"a request of the server: {message.ToJsonString()}");
            return;
        }

        var answer = new JsonObject { ["jsonrpc"] = "2.0", ["id"] = question.DeepClone() };
        if ((string?)method == "ping")
        {
            answer["result"] = new JsonObject();
        }
        else if (_words.Answer(message, Faults) is { } result)
        {
            answer["result"] = result;
        }
        else
        {
            answer["error"] = new JsonObject { ["code"] = -32601, ["message"] = "Method not found" };
        }

        _ = ReplyAsync(answer);
    }

    private async Task ReplyAsync(JsonObject answer)
    {
        try
        {
            await SendAsync(answer);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
        {
            Faults.Enqueue($"an answer could not be sent: {exception.Message}");
        }
    }

    private async Task<JsonObject> AnswerAsync(JsonObject request, TaskCompletionSource<JsonObject> answer)
    {
        // The answer may be there before the response has ended; a response that ends without it is a failure.
        var sending = SendAsync(request);
        await Task.WhenAny(sending, answer.Task);
        if (!answer.Task.IsCompleted)
        {
            await sending;
        }

        var message = await answer.Task;
        _words.Check(message, Faults);
        return message;
    }

    private async Task<JsonObject> RoundsAsync(string method, JsonObject parameters)
    {
        for (var round = 0; round < RoundsMax; round++)
        {
            var answer = await Start(method, parameters).Answer;
            if ((string?)answer["result"]?["resultType"] != "input_required")
            {
                return answer;
            }

            var responses = new JsonObject();
            foreach (var (key, question) in answer["result"]!["inputRequests"] as JsonObject ?? [])
            {
                responses[key] = _words.Answer(question!.AsObject(), Faults);
            }

            parameters["inputResponses"] = responses;
            parameters.Remove("requestState");
            if (answer["result"]!["requestState"] is { } state)
            {
                parameters["requestState"] = state.DeepClone();
            }
        }

        throw new InvalidOperationException($"{method} wants input after {RoundsMax} rounds.");
    }
}
