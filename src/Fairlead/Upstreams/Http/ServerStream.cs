using Fairlead.Wire;

namespace Fairlead.Upstreams.Http;

/// <summary>The GET stream of a legacy session, on which a server speaks of its own accord (2025-11-25, basic/transports, listening for messages).</summary>
/// <remarks>
/// Kept open as long as the session: resumed by event id when it ends, after the time the server asked for, or else after 1 s, doubled up to 30 s
/// while nothing comes. A server that refuses it (405, 404, 400) has none, and that is no fault.
/// </remarks>
#pragma warning disable CA1001 // StopAsync disposes the source; it is the end of each run.
internal sealed class ServerStream
#pragma warning restore CA1001
{
    private static readonly TimeSpan s_firstRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_retryMax = TimeSpan.FromSeconds(30);

    // Some servers send the head of the stream with its first event: the handshake waits no longer than this for it.
    private static readonly TimeSpan s_openWait = TimeSpan.FromSeconds(2);

    private readonly HttpConnection _connection;
    private readonly InboundMeter _meter;
    private CancellationTokenSource _stop = new();
    private Task _run = Task.CompletedTask;

    /// <summary>Not started.</summary>
    public ServerStream(HttpConnection connection)
    {
        _connection = connection;
        _meter = new InboundMeter(connection.Limits, connection.Sweeper.TimeProvider);
    }

    /// <summary>Why reading pauses at the moment, or null.</summary>
    public string? FloodReason => _meter.FloodReason;

    /// <summary>Opens the stream of a session. Returns when the server has answered, or after 2 s. Not while it runs.</summary>
    public async Task StartAsync(string? sessionId, CancellationToken cancellationToken)
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(_connection.Stopping);
        var answered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _run = RunAsync(sessionId, answered, _stop.Token);
        try
        {
            await answered.Task.WaitAsync(s_openWait, _connection.Sweeper.TimeProvider, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _connection.LogStreamSlow(s_openWait);
        }
    }

    /// <summary>Closes the stream and waits for its reader.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _run.ConfigureAwait(false);
        _stop.Dispose();
        _stop = new CancellationTokenSource();
        _run = Task.CompletedTask;
    }

    private async Task RunAsync(string? sessionId, TaskCompletionSource answered, CancellationToken cancellationToken)
    {
        string? lastEventId = null;
        var fruitless = 0;
        var hasWorked = false;
        try
        {
            while (true)
            {
                TimeSpan? retry = null;
                using (var request = _connection.CreateGet(sessionId, lastEventId))
                {
                    using var response = await TryGetAsync(request, cancellationToken).ConfigureAwait(false);
                    answered.TrySetResult();
                    if (response is { IsSuccessStatusCode: true } && HttpFailure.IsEventStream(response.Content.Headers.ContentType))
                    {
                        hasWorked = true;
                        (var any, lastEventId, retry) = await ReadAsync(response, lastEventId, cancellationToken).ConfigureAwait(false);
                        fruitless = any ? 0 : fruitless + 1;
                    }
                    else if (response is null || HttpFailure.IsServerFailure(response.StatusCode))
                    {
                        fruitless++;
                    }
                    else
                    {
                        EndOn(response, hasWorked ? sessionId : null);
                        return;
                    }
                }

                await Task.Delay(retry ?? Backoff(fruitless), _connection.Sweeper.TimeProvider, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            answered.TrySetResult();
        }
    }

    // A stream that worked and is unknown afterwards went with its session. Not awaited: the renewal stops this stream first.
    private void EndOn(HttpResponseMessage response, string? provenSessionId)
    {
        _connection.LogNoStream((int)response.StatusCode);
        if (response.StatusCode == System.Net.HttpStatusCode.NotFound && provenSessionId is not null)
        {
            _connection.Work.Add(_connection.Session.RenewAsync(provenSessionId, CancellationToken.None));
        }
    }

    private async Task<HttpResponseMessage?> TryGetAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return await _connection.Endpoint.SendAsync(request, cancellationToken).ConfigureAwait(false);
        }
        catch (HttpRequestException exception)
        {
            TellIfOutage(HttpFailure.Of(exception, _connection.Endpoint));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            TellIfOutage(HttpFailure.NoConnection(_connection.Endpoint, _connection.Limits.ConnectTimeout));
        }

        return null;
    }

    private void TellIfOutage(HttpFailure failure)
    {
        if (failure.IsOutage)
        {
            _connection.Unreachable?.Invoke(failure.Detail);
        }
    }

    private async Task<(bool Any, string? LastEventId, TimeSpan? Retry)> ReadAsync(HttpResponseMessage response, string? lastEventId, CancellationToken cancellationToken)
    {
        var any = false;
        var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using var _ = stream.ConfigureAwait(false);
        using var reader = new SseReader(stream, _connection.Limits.UpstreamMessageBytesMax);
        try
        {
            while (await reader.FillAsync(cancellationToken).ConfigureAwait(false) && await _connection.WhileHeldAsync(cancellationToken).ConfigureAwait(false) && TakeBuffered(reader, ref any))
            {
                if (_meter.TakePause(_connection) is { } pause)
                {
                    _connection.PausedByFlood?.Invoke(_meter.FloodReason ?? "sends too much");
                    await Task.Delay(pause, _connection.Sweeper.TimeProvider, cancellationToken).ConfigureAwait(false);
                }
            }
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            _connection.LogStreamCut(exception.Message);
        }

        return (any, reader.LastEventId ?? lastEventId, reader.Retry);
    }

    /// <summary>Takes what is buffered; false when the stream must be given up.</summary>
    private bool TakeBuffered(SseReader reader, ref bool any)
    {
        while (true)
        {
            switch (reader.Read())
            {
                case SseRead.NeedMore:
                    return true;
                case SseRead.Event:
                    any = true;
                    Take(reader.Message);
                    break;
                case SseRead.TooLarge:
                    _connection.LogTooLong();
                    break;
                default:
                    _connection.LogTooLong();
                    return false;
            }
        }
    }

    private void Take(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty || text[0] != '[')
        {
            TakeOne(text);
            return;
        }

        foreach (var element in new JsonElements(text, new ByteRange(0, text.Length)))
        {
            TakeOne(element.Of(text));
        }
    }

    private void TakeOne(ReadOnlySpan<byte> message)
    {
        if (EnvelopeScanner.Scan(message, _connection.ScanLimits, out var envelope) != ScanError.None)
        {
            _meter.Junk(message.Length);
            return;
        }

        _meter.Count(envelope);
        _connection.Take(message, envelope, streamOf: null);

        // An answer that a server replays here ends its call; the call's own stream is then of no more use.
        if (envelope.Kind is MessageKind.Result or MessageKind.Error && RequestIds.TryParse(envelope.Id.Of(message), out var id))
        {
            _connection.AbortExchange(id);
        }
    }

    private static TimeSpan Backoff(int fruitless)
    {
        var wait = s_firstRetry * (1 << Math.Clamp(fruitless, 0, 5));
        return wait > s_retryMax ? s_retryMax : wait;
    }
}
