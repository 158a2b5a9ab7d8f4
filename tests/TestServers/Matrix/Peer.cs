using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace Fairlead.TestServers.Matrix;

/// <summary>The other side of a server: a session of a legacy revision, or all stateless clients of the modern one. Receives what a transport read; safe for all threads.</summary>
internal abstract class Peer(MatrixServer server) : IDisposable
{
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _served = new(StringComparer.Ordinal);

    /// <summary>The server behind it.</summary>
    protected MatrixServer Server { get; } = server;

    /// <summary>Receives one message.</summary>
    /// <param name="message">An object.</param>
    /// <param name="say">Writes on the stream that belongs to this message.</param>
    /// <param name="gone">Set when that stream has ended.</param>
    /// <returns>Completes when the message is dealt with: for a request, after its answer.</returns>
    public async Task ReceiveAsync(JsonObject message, Action<string> say, CancellationToken gone)
    {
        if (message["method"] is null)
        {
            ReceiveAnswer(message);
            return;
        }

        if (message["id"] is not { } id)
        {
            ReceiveNotification(message);
            return;
        }

        using var source = CancellationTokenSource.CreateLinkedTokenSource(gone);
        var key = id.ToJsonString();
        _served[key] = source;
        var answer = new JsonObject { ["jsonrpc"] = "2.0" };
        try
        {
            var result = await RequestAsync((string)message["method"]!, message["params"] as JsonObject ?? [], id, say, source.Token);
            answer["result"] = result ?? throw new RpcError(-32601, $"Method not found: {message["method"]}");
        }
        catch (RpcError error)
        {
            answer["error"] = error.ToJson();
        }
        catch (OperationCanceledException) when (source.IsCancellationRequested)
        {
            // A request that was cancelled gets no answer.
            return;
        }
        finally
        {
            _served.TryRemove(key, out _);
        }

        // The id comes last, as the SDKs write it.
        answer["id"] = id.DeepClone();
        say(answer.ToJsonString());
    }

    /// <summary>The connection is over: what is being served ends.</summary>
    public virtual void Dispose()
    {
        foreach (var source in _served.Values)
        {
            source.Cancel();
        }
    }

    /// <summary>Serves a request.</summary>
    /// <returns>The result, or null when there is no such method.</returns>
    protected abstract Task<JsonObject?> RequestAsync(string method, JsonObject parameters, JsonNode id, Action<string> say, CancellationToken cancelled);

    /// <summary>Receives an answer to a question of the server.</summary>
    protected abstract void ReceiveAnswer(JsonObject message);

    /// <summary>Receives a notification.</summary>
    protected virtual void ReceiveNotification(JsonObject message)
    {
        if ((string?)message["method"] == "notifications/cancelled" && message["params"]?["requestId"] is { } id && _served.TryGetValue(id.ToJsonString(), out var source))
        {
            source.Cancel();
        }
    }
}
