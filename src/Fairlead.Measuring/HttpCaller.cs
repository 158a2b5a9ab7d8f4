using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Fairlead.Measuring;

/// <summary>One kept-alive connection to a target, in legacy eras with a session of its own. A connection that the server closes is opened again for the next call.</summary>
internal sealed class HttpCaller : ILoadCaller
{
    private const int ListPagesMax = 100;

    private readonly LoadTarget _target;
    private readonly AnswerCheck _check;
    private readonly HttpAnswer _answer = new();
    private readonly CancellationTokenSource _closed = new();
    private McpRequest _request;
    private Socket? _socket;
    private Stream? _stream;
    private string? _session;
    private string _version = McpRequest.LegacyVersion;

    private HttpCaller(LoadTarget target)
    {
        _target = target;
        _check = new AnswerCheck(target.ChecksId);
        _request = McpRequest.ForTarget(target, null, _version);
    }

    /// <summary>Connects, and opens the session where there is one.</summary>
    /// <exception cref="LoadFailedException">Nobody listens, or the handshake was refused.</exception>
    public static async Task<HttpCaller> OpenAsync(LoadTarget target, CancellationToken cancellationToken)
    {
        var caller = new HttpCaller(target);
        try
        {
            await caller.WithinAsync(
                async () =>
                {
                    await caller.ConnectAsync().ConfigureAwait(false);
                    if (target.Era == LoadEra.Legacy && target.RawBody is null)
                    {
                        await caller.ShakeHandsAsync().ConfigureAwait(false);
                    }

                    return true;
                },
                cancellationToken).ConfigureAwait(false);
            return caller;
        }
        catch
        {
            caller.Dispose();
            throw;
        }
    }

    /// <summary>The call that shows whether the target can be measured.</summary>
    /// <exception cref="LoadFailedException">There was no answer within <see cref="LoadTarget.StepMax"/>.</exception>
    public Task<CallOutcome> FirstCallAsync(CancellationToken cancellationToken) => WithinAsync(() => CallAsync().AsTask(), cancellationToken);

    /// <summary>The names of all tools that the endpoint lists.</summary>
    /// <exception cref="LoadFailedException">It does not list them.</exception>
    public async Task<IReadOnlyList<string>> ListToolsAsync(CancellationToken cancellationToken)
    {
        var names = new List<string>();
        string? cursor = null;
        for (var page = 0; page < ListPagesMax; page++)
        {
            var request = McpRequest.ForList(_target, cursor, _session, _version);
            using var result = await WithinAsync(() => AskAsync(request, "tools/list"), cancellationToken).ConfigureAwait(false);
            var list = result.RootElement.GetProperty("result");
            if (list.ValueKind != JsonValueKind.Object || !list.TryGetProperty("tools", out var tools) || tools.ValueKind != JsonValueKind.Array)
            {
                throw Refusal("tools/list");
            }

            names.AddRange(tools.EnumerateArray().Select(static tool => Text(tool, "name") ?? ""));
            cursor = Text(list, "nextCursor");
            if (cursor is null)
            {
                break;
            }
        }

        return names;
    }

    /// <inheritdoc/>
    public async ValueTask<CallOutcome> CallAsync()
    {
        try
        {
            if (_stream is null)
            {
                await ConnectAsync().ConfigureAwait(false);
            }

            _request.NextId();
            await ExchangeAsync(_request).ConfigureAwait(false);
            var fault = _target.RawBody is null ? _check.Judge(_answer, _request.Id) : _check.JudgeRaw(_answer, _target.RawExpects);
            var bytes = _answer.BytesTaken;
            if (!_answer.KeepsAlive)
            {
                Disconnect();
            }

            return new CallOutcome(bytes, fault);
        }
        catch (Exception exception) when (IsLoss(exception))
        {
            // Whoever does not listen any more ends this caller; a lost connection only costs its call.
            var isConnected = _stream is not null;
            Disconnect();
            return new CallOutcome(_answer.BytesTaken, exception.Message, IsLost: !isConnected || _closed.IsCancellationRequested);
        }
    }

    /// <summary>Ends the session, where there is one, and closes the connection.</summary>
    public async Task CloseAsync()
    {
        using var limit = new CancellationTokenSource(_target.StepMax, _target.Clock);
        using var abort = limit.Token.Register(static self => ((HttpCaller)self!).Dispose(), this);
        try
        {
            if (_session is { } session && _stream is not null)
            {
                await ExchangeAsync(McpRequest.ForDelete(_target, session, _version)).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (IsLoss(exception))
        {
            return; // The server has closed it first, or keeps sessions until they expire: both end it.
        }
        finally
        {
            Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _closed.Cancel();
        Disconnect();
    }

    private static bool IsLoss(Exception exception) => exception is SocketException or IOException or ObjectDisposedException or FormatException or OperationCanceledException
        or System.Security.Authentication.AuthenticationException;

    /// <summary>Takes a step outside the measurement. What ends it too late, or ends the connection, becomes a sentence; the caller cannot be used any more then.</summary>
    private async Task<T> WithinAsync<T>(Func<Task<T>> step, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_target.StepMax, _target.Clock);
        using var late = limit.Token.Register(static self => ((HttpCaller)self!).Dispose(), this);
        using var abort = cancellationToken.Register(static self => ((HttpCaller)self!).Dispose(), this);
        try
        {
            var result = await step().ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            return limit.IsCancellationRequested ? throw new OperationCanceledException() : result;
        }
        catch (Exception exception) when (IsLoss(exception))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var message = limit.IsCancellationRequested
                ? string.Create(CultureInfo.InvariantCulture, $"{_target.Endpoint} did not answer within {_target.StepMax.TotalSeconds:0.###} s. Does it work, and is that its address?")
                : $"{_target.Endpoint} cannot be reached: {exception.Message}. Is it running, and is that its address?";
            throw new LoadFailedException(LoadFault.Unreachable, message, exception);
        }
    }

    private static string? Text(JsonElement holder, string member) =>
        holder.ValueKind == JsonValueKind.Object && holder.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private async Task ConnectAsync()
    {
        var endpoint = _target.Endpoint;
        _socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await _socket.ConnectAsync(endpoint.DnsSafeHost, endpoint.Port, _closed.Token).ConfigureAwait(false);
        Stream stream = new NetworkStream(_socket, ownsSocket: false);
        if (endpoint.Scheme == Uri.UriSchemeHttps)
        {
            var secured = new SslStream(stream);
            await secured.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = endpoint.DnsSafeHost }, _closed.Token).ConfigureAwait(false);
            stream = secured;
        }

        _stream = stream;
    }

    private void Disconnect()
    {
        _stream?.Dispose();
        _socket?.Dispose();
        (_stream, _socket) = (null, null);
    }

    /// <summary>Sends a request and reads the whole answer to it.</summary>
    private async ValueTask ExchangeAsync(McpRequest request)
    {
        // A Dispose meanwhile takes the field, not the stream of this call: the read then ends with an exception that is a loss.
        var stream = _stream ?? throw new ObjectDisposedException(nameof(HttpCaller));
        _answer.Reset();
        await stream.WriteAsync(request.Bytes).ConfigureAwait(false);
        do
        {
            _answer.Take(await stream.ReadAsync(_answer.Free).ConfigureAwait(false));
        }
        while (!_answer.IsComplete);
    }

    private async Task ShakeHandsAsync()
    {
        using var initialized = await AskAsync(McpRequest.ForInitialize(_target), "initialize").ConfigureAwait(false);
        _session = _answer.Header("Mcp-Session-Id");
        _version = Text(initialized.RootElement.GetProperty("result"), "protocolVersion") ?? throw Refusal("initialize");
        await ReconnectedAsync().ConfigureAwait(false);
        await ExchangeAsync(McpRequest.ForInitialized(_target, _session, _version)).ConfigureAwait(false);
        if (_answer.Status is < 200 or > 299)
        {
            throw Refusal("notifications/initialized");
        }

        await ReconnectedAsync().ConfigureAwait(false);
        _request = McpRequest.ForTarget(_target, _session, _version);
    }

    /// <summary>Sends a request of the protocol outside the measurement.</summary>
    /// <returns>The whole message that answers it, with a result.</returns>
    private async Task<JsonDocument> AskAsync(McpRequest request, string method)
    {
        await ReconnectedAsync().ConfigureAwait(false);
        request.NextId();
        await ExchangeAsync(request).ConfigureAwait(false);
        var check = new AnswerCheck(_target.ChecksId);
        if (check.Judge(_answer, request.Id) is not null)
        {
            throw Refusal(method);
        }

        return JsonDocument.Parse(_answer.IsEventStream ? check.FindMessage(_answer.Body, request.Id) : _answer.Body.ToArray());
    }

    private async Task ReconnectedAsync()
    {
        if (_stream is null || (_answer.IsComplete && !_answer.KeepsAlive))
        {
            Disconnect();
            await ConnectAsync().ConfigureAwait(false);
        }
    }

    private LoadFailedException Refusal(string method)
    {
        var text = Encoding.UTF8.GetString(_answer.Body[..Math.Min(_answer.Body.Length, 300)]).ReplaceLineEndings(" ");
        var era = _target.Era == LoadEra.Modern ? "2026-07-28; --era legacy speaks 2025-11-25" : "2025-11-25; --era modern speaks 2026-07-28";
        return new LoadFailedException(LoadFault.Refused, $"{_target.Endpoint} did not answer {method} as an MCP endpoint does, but with {_answer.Status}: {text} (spoken was {era})");
    }
}
