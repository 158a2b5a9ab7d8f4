using System.Net;
using System.Text;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>A client of HTTP+SSE (2024-11-05) that knows bytes only: one GET stream, POSTs beside it.</summary>
internal sealed class SseClient : IDisposable
{
    private readonly FrontHost _host;
    private readonly HttpResponseMessage _response;
    private readonly StreamReader _lines;

    private SseClient(FrontHost host, HttpResponseMessage response, StreamReader lines, string endpoint)
    {
        _host = host;
        _response = response;
        _lines = lines;
        Endpoint = endpoint;
    }

    /// <summary>Where to POST, as the first event says.</summary>
    public string Endpoint { get; }

    /// <summary>Opens the stream and reads where to POST.</summary>
    public static async Task<SseClient> OpenAsync(FrontHost host, string path = "/sse")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Accept", "text/event-stream");
        var response = await Guard.WithinAsync(host.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead), "the head of the stream");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal("event: endpoint", await Guard.WithinAsync(lines.ReadLineAsync(), "the first event"));
        var data = await Guard.WithinAsync(lines.ReadLineAsync(), "the endpoint");
        Assert.StartsWith("data: ", data, StringComparison.Ordinal);
        return new SseClient(host, response, lines, data!["data: ".Length..]);
    }

    /// <summary>Opens and initializes a connection.</summary>
    public static async Task<SseClient> InitializeAsync(FrontHost host, string path = "/sse", string version = "2024-11-05", string capabilities = "{}")
    {
        var client = await OpenAsync(host, path);
        await client.SendAsync("{\"jsonrpc\":\"2.0\",\"id\":\"i\",\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"" + version + "\",\"capabilities\":" + capabilities
            + ",\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}");
        Assert.Contains($"\"protocolVersion\":\"{version}\"", await client.ReadAsync("the answer to initialize"), StringComparison.Ordinal);
        await client.SendAsync("""{"jsonrpc":"2.0","method":"notifications/initialized"}""");
        return client;
    }

    /// <summary>POSTs a message, which must be taken.</summary>
    public async Task SendAsync(string message)
    {
        var (status, body, _) = await _host.PostAsync(Endpoint, message);
        Assert.Equal((HttpStatusCode.Accepted, "Accepted"), (status, body));
    }

    /// <summary>The next message on the stream.</summary>
    public async Task<string> ReadAsync(string what)
    {
        while (true)
        {
            var line = await Guard.WithinAsync(_lines.ReadLineAsync(), what) ?? throw new InvalidOperationException($"The stream ended before {what}.");
            if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                return line["data: ".Length..];
            }
        }
    }

    /// <summary>Reads to the end of the stream.</summary>
    public Task<string> RestAsync() => Guard.WithinAsync(_lines.ReadToEndAsync(), "the end of the stream");

    /// <summary>Sends a request and reads its answer.</summary>
    public async Task<string> AskAsync(string message)
    {
        await SendAsync(message);
        return await ReadAsync("the answer to " + message[..Math.Min(message.Length, 100)]);
    }

    public void Dispose()
    {
        _lines.Dispose();
        _response.Dispose();
    }
}
