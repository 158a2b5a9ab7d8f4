using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Fairlead.Catalog;
using Fairlead.Upstreams;
using Fairlead.Upstreams.Http;
using Fairlead.Wire;

namespace Fairlead.Cli.Relay;

/// <summary>A relay's way to one endpoint of a gateway: posts messages of both eras with the headers each needs, keeps the session, finds the gateway again when it has gone.</summary>
/// <remarks>Any number of messages may be under way at once.</remarks>
internal sealed class RelayLink : IDisposable
{
    private const string SessionHeader = "Mcp-Session-Id";

    private readonly HttpClient _http;
    private readonly string _path;
    private readonly Func<CancellationToken, Task<(Uri? Gateway, string? Reason)>> _find;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly Dictionary<string, McpHeaderParameter[]> _headers = new(StringComparer.Ordinal);
    private volatile Uri _gateway;
    private volatile RelaySession? _session;
    private byte[]? _initialize;

    /// <summary>Talks to a gateway that has been found.</summary>
    /// <param name="gateway">Its address.</param>
    /// <param name="path">The endpoint, such as <c>/mcp</c>.</param>
    /// <param name="find">Finds the gateway, or another, when this one refuses connections: its address, or why there is none.</param>
    public RelayLink(Uri gateway, string path, Func<CancellationToken, Task<(Uri? Gateway, string? Reason)>> find)
    {
        _gateway = gateway;
        _path = path;
        _find = find;
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(5) }) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>The legacy session; null before <c>initialize</c> was answered.</summary>
    public RelaySession? Session => _session;

    /// <summary>Posts a message; completes with the head of the answer.</summary>
    /// <param name="message">The message.</param>
    /// <param name="envelope">Its scan.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HttpRequestException">The gateway cannot be reached and no other was found; the message is for people.</exception>
    public async Task<HttpResponseMessage> PostAsync(byte[] message, Envelope envelope, CancellationToken cancellationToken)
    {
        for (var isRepeated = false; ; isRepeated = true)
        {
            var session = _session;
            var response = await SendAsync(() => CreatePost(message, envelope, session), MayRepeat(envelope), cancellationToken).ConfigureAwait(false);
            if (envelope is { KnownMethod: McpMethod.Initialize, MetaProtocolVersion.Exists: false } && response.IsSuccessStatusCode)
            {
                _initialize = message;
                await NoteSessionAsync(response, cancellationToken).ConfigureAwait(false);
                return response;
            }

            var again = !isRepeated && response.StatusCode switch
            {
                HttpStatusCode.NotFound when session is not null && !envelope.MetaProtocolVersion.Exists => await RenewAsync(session, cancellationToken).ConfigureAwait(false),
                HttpStatusCode.BadRequest when envelope is { KnownMethod: McpMethod.ToolsCall, MetaProtocolVersion.Exists: true } =>
                    await LearnHeadersAsync(response, message, envelope, cancellationToken).ConfigureAwait(false),
                _ => false,
            };
            if (!again)
            {
                return response;
            }

            response.Dispose();
        }
    }

    /// <summary>Opens the session's stream, or resumes one.</summary>
    /// <exception cref="HttpRequestException">The gateway cannot be reached.</exception>
    public Task<HttpResponseMessage> GetAsync(RelaySession session, string? lastEventId, CancellationToken cancellationToken)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_gateway, _path));
        request.Headers.TryAddWithoutValidation("Accept", "text/event-stream");
        AddSession(request, session);
        if (lastEventId is not null)
        {
            request.Headers.TryAddWithoutValidation("Last-Event-ID", lastEventId);
        }

        return _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    /// <summary>Opens another session in place of one that the gateway no longer knows.</summary>
    /// <returns>Whether there is one.</returns>
    public async Task<bool> RenewAsync(RelaySession lost, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!ReferenceEquals(_session, lost))
            {
                return true;
            }

            _session = null;
            using var response = await SendAsync(() => CreatePost(_initialize!, Scan(_initialize!), null), mayRepeat: true, cancellationToken).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                return false;
            }

            await NoteSessionAsync(response, cancellationToken).ConfigureAwait(false);
            var initialized = """{"jsonrpc":"2.0","method":"notifications/initialized"}"""u8.ToArray();
            using var confirmed = await SendAsync(() => CreatePost(initialized, Scan(initialized), _session), mayRepeat: true, cancellationToken).ConfigureAwait(false);
            return _session is not null;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Ends the session.</summary>
    public async Task CloseAsync(CancellationToken cancellationToken)
    {
        if (_session is { } session)
        {
            using var request = new HttpRequestMessage(HttpMethod.Delete, new Uri(_gateway, _path));
            AddSession(request, session);
            using var response = await _http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _http.Dispose();
        _turn.Dispose();
    }

    private static Envelope Scan(byte[] message)
    {
        EnvelopeScanner.Scan(message, ScanLimits.Default, out var envelope);
        return envelope;
    }

    // Whether a message may be sent again when nobody knows if it arrived: not a call, which may have run.
    private static bool MayRepeat(in Envelope envelope) =>
        envelope.Kind != MessageKind.Request || envelope.KnownMethod is McpMethod.Initialize or McpMethod.ServerDiscover or McpMethod.SubscriptionsListen || HttpExchange.IsRepeatable(envelope.KnownMethod);

    private async Task<HttpResponseMessage> SendAsync(Func<HttpRequestMessage> create, bool mayRepeat, CancellationToken cancellationToken)
    {
        var gateway = _gateway;
        try
        {
            using var request = create();
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        }
        catch (HttpRequestException cut) when (!mayRepeat && cut.HttpRequestError != HttpRequestError.ConnectionError)
        {
            throw new HttpRequestException($"the instance went away while it had the request, and whether that was carried out is not known ({cut.GetBaseException().Message}); ask again", cut);
        }
        catch (HttpRequestException refused)
        {
            // The gateway has gone, or moved to another port with its restart.
            await FindAgainAsync(gateway, refused, cancellationToken).ConfigureAwait(false);
            using var request = create();
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task FindAgainAsync(Uri gone, HttpRequestException refused, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_gateway == gone)
            {
                var (gateway, reason) = await _find(cancellationToken).ConfigureAwait(false);
                _gateway = gateway ?? throw new HttpRequestException($"{reason} ({refused.Message})", refused);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    private HttpRequestMessage CreatePost(byte[] message, in Envelope envelope, RelaySession? session)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_gateway, _path)) { Content = new ByteArrayContent(message) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        if (envelope.MetaProtocolVersion.Exists)
        {
            ModernHeaders.Add(request, message, envelope, Headers(message, envelope));
        }
        else if (session is not null && envelope.KnownMethod != McpMethod.Initialize)
        {
            AddSession(request, session);
        }

        return request;
    }

    private static void AddSession(HttpRequestMessage request, RelaySession session)
    {
        request.Headers.TryAddWithoutValidation(SessionHeader, session.Id);
        request.Headers.TryAddWithoutValidation("MCP-Protocol-Version", session.Version);
    }

    private async Task NoteSessionAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (!response.Headers.TryGetValues(SessionHeader, out var ids))
        {
            return;
        }

        await response.Content.LoadIntoBufferAsync(cancellationToken).ConfigureAwait(false);
        using var answer = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false));
        var version = answer.RootElement.TryGetProperty("result", out var result) && result.TryGetProperty("protocolVersion", out var text) ? text.GetString() : null;
        _session = new RelaySession(ids.First(), version ?? "2025-03-26");
    }

    private McpHeaderParameter[]? Headers(byte[] message, in Envelope envelope)
    {
        lock (_headers)
        {
            return envelope.Name.Exists ? _headers.GetValueOrDefault(JsonText.ToString(envelope.Name.Of(message)) ?? "") : null;
        }
    }

    /// <summary>On stdio nobody mirrors arguments into headers, over HTTP some tools want it (protocol.md 2.4): their schemas say which.</summary>
    /// <returns>Whether the call may be sent once more.</returns>
    private async Task<bool> LearnHeadersAsync(HttpResponseMessage refusal, byte[] message, Envelope envelope, CancellationToken cancellationToken)
    {
        await refusal.Content.LoadIntoBufferAsync(cancellationToken).ConfigureAwait(false);
        var body = await refusal.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
        if (EnvelopeScanner.Scan(body, ScanLimits.Default, out var error) != ScanError.None || error.ErrorCode != ErrorCodes.HeaderMismatch)
        {
            return false;
        }

        var wanted = JsonText.ToString(envelope.Name.Of(message)) ?? "";
        var meta = System.Text.Encoding.UTF8.GetString(envelope.Meta.Of(message));
        string? cursor = null;
        do
        {
            var list = System.Text.Encoding.UTF8.GetBytes(
                "{\"jsonrpc\":\"2.0\",\"id\":\"fairlead-headers\",\"method\":\"tools/list\",\"params\":{" + (cursor is null ? "" : "\"cursor\":" + cursor + ",") + "\"_meta\":" + meta + "}}");
            using var response = await SendAsync(() => CreatePost(list, Scan(list), null), mayRepeat: true, cancellationToken).ConfigureAwait(false);
            using var page = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false));
            if (!page.RootElement.TryGetProperty("result", out var result) || !result.TryGetProperty("tools", out var tools))
            {
                return false;
            }

            foreach (var tool in tools.EnumerateArray())
            {
                if (tool.GetProperty("name").ValueEquals(wanted))
                {
                    var raw = System.Text.Encoding.UTF8.GetBytes(tool.GetRawText());
                    JsonMembers.TryFind(raw, new ByteRange(0, raw.Length), "inputSchema"u8, out var schema);
                    lock (_headers)
                    {
                        _headers[wanted] = HeaderAnnotations.Read(raw, schema, out _);
                    }

                    return true;
                }
            }

            cursor = result.TryGetProperty("nextCursor", out var next) && next.ValueKind == JsonValueKind.String ? next.GetRawText() : null;
        }
        while (cursor is not null);
        return false;
    }
}
