using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Fairlead.EndToEnd.Tests.Compatibility;

/// <summary>A client over Streamable HTTP, with a session before 2026-07-28 and without one since.</summary>
internal sealed class StreamableClient(string revision, Uri endpoint) : RevisionClient("Streamable HTTP", revision)
{
    private readonly HttpClient _http = new() { Timeout = Timeout.InfiniteTimeSpan };
    private readonly ConcurrentDictionary<long, CancellationTokenSource> _posts = new();
    private readonly CancellationTokenSource _closing = new();
    private string? _session;
    private Task _hearing = Task.CompletedTask;

    /// <inheritdoc/>
    public override Task CancelAsync(long id)
    {
        if (!IsModern)
        {
            return base.CancelAsync(id);
        }

        // Closing the response is how it cancels (protocol.md 2.4).
        return _posts.TryGetValue(id, out var post) ? post.CancelAsync() : Task.CompletedTask;
    }

    public override async ValueTask DisposeAsync()
    {
        if (_session is not null)
        {
            using var delete = new HttpRequestMessage(HttpMethod.Delete, endpoint);
            delete.Headers.Add("Mcp-Session-Id", _session);
            (await _http.SendAsync(delete)).Dispose();
        }

        await _closing.CancelAsync();
        await _hearing;
        _http.Dispose();
        _closing.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task HearAsync()
    {
        var request = new HttpRequestMessage(HttpMethod.Get, endpoint);
        request.Headers.Add("Accept", "text/event-stream");
        Identify(request);
        var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(200, (int)response.StatusCode);
        _hearing = ReadAsync();
        async Task ReadAsync()
        {
            using (request)
            using (response)
            {
                try
                {
                    await EventsAsync(response, _closing.Token);
                }
                catch (OperationCanceledException) when (_closing.IsCancellationRequested)
                {
                    // This client is done.
                }
            }
        }
    }

    /// <inheritdoc/>
    protected override async Task SendAsync(JsonObject message)
    {
        using var source = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
        var id = message["method"] is not null && message["id"] is { } number ? (long)number! : -1;
        if (id >= 0)
        {
            _posts[id] = source;
        }

        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, endpoint) { Content = new StringContent(message.ToJsonString(), new MediaTypeHeaderValue("application/json")) };
            request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
            if (IsModern)
            {
                Mirror(request, message);
            }
            else
            {
                Identify(request);
            }

            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, source.Token);
            _session = response.Headers.TryGetValues("Mcp-Session-Id", out var ids) ? ids.Single() : _session;
            await TakeAsync(response, isRequest: id >= 0, source.Token);
            Ended(id);
        }
        finally
        {
            _posts.TryRemove(id, out _);
        }
    }

    private async Task TakeAsync(HttpResponseMessage response, bool isRequest, CancellationToken cancellationToken)
    {
        switch (response.Content.Headers.ContentType?.MediaType)
        {
            case "text/event-stream":
                await EventsAsync(response, cancellationToken);
                break;
            case "application/json":
                Receive(JsonNode.Parse(await response.Content.ReadAsStringAsync(cancellationToken))!.AsObject());
                break;
            default:
                if (isRequest || (int)response.StatusCode != 202)
                {
                    Faults.Enqueue($"status {(int)response.StatusCode} without a message: {await response.Content.ReadAsStringAsync(cancellationToken)}");
                }

                break;
        }
    }

    private async Task EventsAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken), Encoding.UTF8);
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            var data = line.StartsWith("data:", StringComparison.Ordinal) ? line["data:".Length..].Trim() : "";
            if (data.Length > 0)
            {
                Receive(JsonNode.Parse(data)!.AsObject());
            }
            else if (line.StartsWith("data:", StringComparison.Ordinal) && Revision != "2025-11-25")
            {
                // Older clients would try to parse it (protocol.md 2.3).
                Faults.Enqueue("an event without data, which only 2025-11-25 has");
            }
        }
    }

    private void Identify(HttpRequestMessage request)
    {
        if (_session is not null)
        {
            request.Headers.Add("Mcp-Session-Id", _session);
            if (string.CompareOrdinal(Revision, "2025-06-18") >= 0)
            {
                request.Headers.Add("MCP-Protocol-Version", Revision);
            }
        }
    }

    private static void Mirror(HttpRequestMessage request, JsonObject message)
    {
        var method = (string?)message["method"];
        request.Headers.Add("MCP-Protocol-Version", Modern);
        request.Headers.Add("Mcp-Method", method);
        var name = method switch
        {
            "tools/call" or "prompts/get" => message["params"]?["name"],
            "resources/read" => message["params"]?["uri"],
            "tasks/get" => message["params"]?["taskId"],
            _ => null,
        };
        if (name is not null)
        {
            request.Headers.Add("Mcp-Name", (string?)name);
        }
    }
}
