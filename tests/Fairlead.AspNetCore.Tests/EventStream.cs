using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests;

/// <summary>An SSE answer, read line by line as a client reads it.</summary>
internal sealed class EventStream : IDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly StreamReader _lines;
    private readonly bool _isJson;

    private EventStream(HttpResponseMessage response, Stream body)
    {
        _response = response;
        _lines = new StreamReader(body);
        _isJson = response.Content.Headers.ContentType?.MediaType == "application/json";
    }

    /// <summary>The last event id; "" before the first.</summary>
    public string LastId { get; private set; } = "";

    /// <summary>Sends a request whose answer must be a stream.</summary>
    /// <param name="orJson">Whether it may also be one JSON answer, which then is the only message.</param>
    public static async Task<EventStream> OpenAsync(FrontHost host, HttpRequestMessage request, bool orJson = false)
    {
        var response = await Guard.WithinAsync(host.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead), "the head of an answer");
        var stream = new EventStream(response, await response.Content.ReadAsStreamAsync());
        Assert.True(orJson || response.Content.Headers.ContentType?.MediaType == "text/event-stream", $"{response.StatusCode}: {response.Content.Headers.ContentType}");
        return stream;
    }

    /// <summary>The answer in a body: the body itself when it is JSON; the last event when the call outlived the grace and came as a stream.</summary>
    public static string LastMessage(string body) =>
        body.StartsWith('{') ? body : body.Split('\n').Last(static line => line.StartsWith("data: ", StringComparison.Ordinal))["data: ".Length..];

    /// <summary>Opens the GET stream of a legacy session, or resumes the one that an event id names.</summary>
    public static Task<EventStream> GetAsync(FrontHost host, string path, string session, string? lastEventId = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Mcp-Session-Id", session);
        request.Headers.Add("Accept", "text/event-stream");
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        return OpenAsync(host, request);
    }

    /// <summary>The next message; null at the end of the stream. Events without data are passed over.</summary>
    public async Task<string?> NextAsync(string what)
    {
        while (await Guard.WithinAsync(_lines.ReadLineAsync(), what) is { } line)
        {
            if (_isJson)
            {
                return line;
            }

            if (line.StartsWith("id: ", StringComparison.Ordinal))
            {
                LastId = line["id: ".Length..];
            }
            else if (line.StartsWith("data: ", StringComparison.Ordinal) && line.Length > "data: ".Length)
            {
                return line["data: ".Length..];
            }
        }

        return null;
    }

    /// <summary>The next message; the stream must not end before.</summary>
    public async Task<string> DataAsync(string what) => await NextAsync(what) ?? throw new InvalidOperationException($"The stream ended before {what}.");

    /// <summary>All messages up to the end of the stream.</summary>
    public async Task<List<string>> RestAsync(string what)
    {
        var messages = new List<string>();
        while (await NextAsync(what) is { } message)
        {
            messages.Add(message);
        }

        return messages;
    }

    public void Dispose()
    {
        _lines.Dispose();
        _response.Dispose();
    }
}
