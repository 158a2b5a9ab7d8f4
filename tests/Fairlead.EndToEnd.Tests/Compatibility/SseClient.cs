using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Compatibility;

/// <summary>A client over HTTP+SSE: one stream for all that it is told, POSTs for all that it says.</summary>
internal sealed class SseClient : RevisionClient
{
    private readonly HttpClient _http;
    private readonly StreamReader _lines;
    private readonly Uri _endpoint;
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _hearing;

    private SseClient(string revision, HttpClient http, StreamReader lines, Uri endpoint)
        : base("HTTP+SSE", revision)
    {
        _http = http;
        _lines = lines;
        _endpoint = endpoint;
        _hearing = HearAllAsync();
    }

    /// <summary>Opens the stream.</summary>
    public static async Task<RevisionClient> ConnectAsync(string revision, Uri gateway)
    {
        var http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        var lines = new StreamReader(await Guard.WithinAsync(http.GetStreamAsync(new Uri(gateway, "sse")), "the stream"));
        Assert.Equal("event: endpoint", await lines.ReadLineAsync());
        return new SseClient(revision, http, lines, new Uri(gateway, (await lines.ReadLineAsync())!["data: ".Length..]));
    }

    public override async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _hearing;
        _lines.Dispose();
        _http.Dispose();
        _closing.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task SendAsync(JsonObject message)
    {
        using var content = new StringContent(message.ToJsonString(), new MediaTypeHeaderValue("application/json"));
        using var response = await _http.PostAsync(_endpoint, content);
        Assert.Equal(202, (int)response.StatusCode);

        // What is told comes on the stream, for which a request waits in any case.
    }

    private async Task HearAllAsync()
    {
        try
        {
            while (await _lines.ReadLineAsync(_closing.Token) is { } line)
            {
                if (line.StartsWith("data: ", StringComparison.Ordinal))
                {
                    Receive(JsonNode.Parse(line["data: ".Length..])!.AsObject());
                }
            }

            Faults.Enqueue("the stream ended");
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            // This client is done.
        }
    }
}
