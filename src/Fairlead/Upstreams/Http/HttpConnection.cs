using System.Collections.Concurrent;
using Fairlead.Configuration;
using Fairlead.Wire;
using Microsoft.Extensions.Logging;

namespace Fairlead.Upstreams.Http;

/// <summary>A connection to a Streamable HTTP server of either era: a stream per call (decision 5; MCP basic/transports, Streamable HTTP).</summary>
/// <remarks>
/// Each call is posted by itself and reads its own answer (<see cref="HttpExchange"/>). Whether a request is of 2026-07-28 is told by its own
/// <c>_meta</c>; legacy requests carry the session of the connection (<see cref="UpstreamSession"/>). The connection is lost only when it is
/// disposed or when a legacy session cannot be opened again: a server that is down shows in failing calls and in <see cref="Unreachable"/>.
/// </remarks>
internal sealed partial class HttpConnection : UpstreamConnection
{
    private readonly ConcurrentDictionary<long, HttpExchange> _exchanges = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly ILogger _logger;
    private long _queuedBytes;
    private int _isDisposed;

    /// <summary>Sends nothing yet; <see cref="Handshake.OpenAsync"/> does.</summary>
    /// <param name="server">Name of the server.</param>
    /// <param name="endpoint">Where it is; stays the caller's and must live longer than the connection.</param>
    /// <param name="sweep">Deadlines.</param>
    /// <param name="limits">Bounds.</param>
    /// <param name="logger">Where trouble is told; never headers or bodies.</param>
    public HttpConnection(string server, HttpEndpoint endpoint, DeadlineSweep sweep, LimitsOptions limits, ILogger logger)
        : base(server, sweep, limits)
    {
        Endpoint = endpoint;
        _logger = logger;
        ScanLimits = new ScanLimits(limits.JsonDepthMax, limits.IdBytesMax);
        Stopping = _stop.Token;
        Session = new UpstreamSession(this);
    }

    /// <summary>Told in words, on any thread, when the server could not be reached: a hint to look at its health. It must not block.</summary>
    public Action<string>? Unreachable { get; set; }

    /// <summary>Told when the server had forgotten the session and another was opened: subscriptions and the log level are gone, lists may have changed. It must not block.</summary>
    public Action<UpstreamConnection>? SessionRenewed { get; set; }

    /// <summary>Asked when the server found that a call's headers do not agree with its tool's schema (-32020): reads <c>tools/list</c> again and gives the headers that the tool
    /// (the raw string token of its name) wants now; the call is then sent once more. Null: the error is the answer. Set before the handshake.</summary>
    public Func<HttpConnection, byte[], CancellationToken, Task<McpHeaderParameter[]?>>? SchemaStale { get; set; }

    /// <summary>Why reading of the server's own stream pauses at the moment, or null: a reason to be Degraded.</summary>
    public string? FloodReason => Session.FloodReason;

    /// <summary>Where the server is.</summary>
    internal HttpEndpoint Endpoint { get; }

    /// <summary>Bounds of a message.</summary>
    internal ScanLimits ScanLimits { get; }

    /// <summary>The legacy session; without id and stream for servers of 2026-07-28.</summary>
    internal UpstreamSession Session { get; }

    /// <summary>Cancelled when the connection ends.</summary>
    internal CancellationToken Stopping { get; }

    /// <summary>What runs beside the calls.</summary>
    internal RunningTasks Work { get; } = new();

    /// <inheritdoc/>
    protected internal override void Transmit(UpstreamCall call, OutboundFrame frame)
    {
        var bytes = frame.Span.Length;
        if (EnvelopeScanner.Scan(frame.Span, ScanLimits, out var envelope) != ScanError.None)
        {
            Refuse(call, frame, ForwardError.SendFailed, "the request is not a valid message; its nesting or id may be beyond the limits");
            return;
        }

        if (Interlocked.Add(ref _queuedBytes, bytes) > Limits.BufferedBytesMax)
        {
            Interlocked.Add(ref _queuedBytes, -bytes);
            Refuse(call, frame, ForwardError.TooManyCalls, "more requests wait for it than bufferedBytesMax allows");
            return;
        }

        if (call.IsInitialize)
        {
            Session.Begin(frame.Span, envelope);
        }

        var exchange = new HttpExchange(this, call, frame, envelope);
        _exchanges[exchange.Id] = exchange;

        // Whoever gave the call up before the line above found nothing to abort.
        if (Lost.IsCompleted || Pending.Peek((int)(exchange.Id & 0xFFFF), out _) != exchange.Id)
        {
            exchange.Abort();
        }

        exchange.Start(elsewhere: call.HasWaited);
    }

    /// <inheritdoc/>
    protected override void Transmit(OutboundFrame frame)
    {
        // Clients of 2026-07-28 send requests only; before initialize nobody is there to take anything.
        if (!Session.HasBegun || IdentityOrNull is { IsModern: true } || Lost.IsCompleted)
        {
            frame.Return();
            return;
        }

        Work.Add(PostAsync(frame, Stopping));
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        End("the connection was closed", byUs: true);
        while (!_exchanges.IsEmpty)
        {
            await Task.WhenAll(_exchanges.Values.Select(static exchange => exchange.Completion)).ConfigureAwait(false);
            await Task.Yield();
        }

        await Work.WhenAllAsync().ConfigureAwait(false);
        await Session.CloseAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    /// <inheritdoc/>
    internal override Task ConfirmInitializedAsync(CancellationToken cancellationToken) => Session.ConfirmAsync(cancellationToken);

    /// <summary>Posts a notification or an answer; completes when the server has taken it or not. What goes wrong is logged.</summary>
    internal async Task PostAsync(OutboundFrame frame, CancellationToken cancellationToken)
    {
        var bytes = frame.Span.Length;
        var lease = new FrameLease(frame);
        try
        {
            if (Interlocked.Add(ref _queuedBytes, bytes) > Limits.BufferedBytesMax)
            {
                LogPostFailed(_logger, Server, "more messages wait for it than bufferedBytesMax allows");
                return;
            }

            using var limit = new CancellationTokenSource(Limits.RequestTimeout, Sweeper.TimeProvider);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            var sessionId = Session.Id;
            using var request = Endpoint.CreateRequest(HttpMethod.Post, "application/json, text/event-stream");
            request.Content = new FrameContent(lease);
            AddLegacyHeaders(request, sessionId);
            using var response = await Endpoint.SendAsync(request, either.Token).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                LogPostFailed(_logger, Server, $"HTTP {(int)response.StatusCode}");
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            LogPostFailed(_logger, Server, exception.Message);
        }
        finally
        {
            Interlocked.Add(ref _queuedBytes, -bytes);
            lease.Release();
        }
    }

    /// <summary>A GET for the session's stream, or for the rest of a stream.</summary>
    internal HttpRequestMessage CreateGet(string? sessionId, string? lastEventId)
    {
        var request = Endpoint.CreateRequest(HttpMethod.Get, "text/event-stream");
        AddLegacyHeaders(request, sessionId);
        if (lastEventId is not null)
        {
            request.Headers.TryAddWithoutValidation("Last-Event-ID", lastEventId);
        }

        return request;
    }

    /// <summary>Adds the session and the negotiated revision.</summary>
    internal void AddLegacyHeaders(HttpRequestMessage request, string? sessionId)
    {
        if (sessionId is not null)
        {
            request.Headers.TryAddWithoutValidation("Mcp-Session-Id", sessionId);
        }

        if (IdentityOrNull is { } identity)
        {
            request.Headers.TryAddWithoutValidation("MCP-Protocol-Version", identity.Version.Format());
        }
    }

    /// <inheritdoc/>
    internal override void Sever(string reason) => End(reason);

    /// <summary>Hands a message to whom it concerns.</summary>
    internal void Take(ReadOnlySpan<byte> message, in Envelope envelope, UpstreamCall? streamOf) => Receive(message, envelope, streamOf);

    /// <summary>Ends the connection because there is no session and none can be had.</summary>
    internal void LoseSession(string reason) => End(reason);

    /// <summary>Waits as long as an injected fault holds back what the server sends.</summary>
    /// <returns>True, always.</returns>
    internal ValueTask<bool> WhileHeldAsync(CancellationToken cancellationToken)
    {
        return Faults is { Held: not null } ? WaitAsync() : new ValueTask<bool>(true);

        async ValueTask<bool> WaitAsync()
        {
            while (Faults?.Held is { IsCompleted: false } held)
            {
                await held.WaitAsync(cancellationToken).ConfigureAwait(false);
            }

            return true;
        }
    }

    /// <summary>Lets go of a call's own stream.</summary>
    internal void AbortExchange(long id)
    {
        if (_exchanges.TryGetValue(id, out var exchange))
        {
            exchange.Abort();
        }
    }

    /// <summary>The exchange has ended.</summary>
    internal void Forget(HttpExchange exchange)
    {
        Interlocked.Add(ref _queuedBytes, -exchange.FrameBytes);
        _exchanges.TryRemove(exchange.Id, out _);
    }

    /// <inheritdoc/>
    /// <remarks>2026-07-28: the end of the stream says it. Legacy: the end of the stream means nothing, a notification says it.</remarks>
    protected override void AbandonAtServer(UpstreamCall call)
    {
        if (!_exchanges.TryGetValue(call.UpstreamId, out var exchange))
        {
            return;
        }

        if (!exchange.IsModern)
        {
            base.AbandonAtServer(call);
        }

        exchange.Abort();
    }

    private void Refuse(UpstreamCall call, OutboundFrame frame, ForwardError error, string detail)
    {
        frame.Return();
        if (Pending.TryTake(call.UpstreamId, error, out var taken))
        {
            taken.Fail(error, detail);
        }
    }

    private void End(string reason, bool byUs = false)
    {
        Lose(reason, byUs);
        _stop.Cancel();
        foreach (var exchange in _exchanges.Values)
        {
            exchange.Abort();
        }
    }
}
