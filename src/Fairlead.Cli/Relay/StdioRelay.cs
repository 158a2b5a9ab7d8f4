using System.Collections.Concurrent;
using System.Text;
using Fairlead.Exchanges;
using Fairlead.Upstreams;
using Fairlead.Upstreams.Http;
using Fairlead.Wire;

namespace Fairlead.Cli.Relay;

/// <summary>Carries the messages of one client on stdio to an endpoint of a gateway and back, of both eras, on one connection (decision 13; protocol.md 2.1, 4.1 step 10).</summary>
/// <remarks>Bytes pass as they are, but for line breaks. What stdio says in other words than HTTP is translated: cancellation of 2026-07-28, and the end of a listen.</remarks>
internal sealed class StdioRelay : IAsyncDisposable
{
    private const int MessageBytesMax = 16 * 1024 * 1024;
    private const int ResumptionsMax = 5;

    // A client that closes stdin right after its last request still wants the answers; one that stops does not want to wait for a hanging tool.
    private static readonly TimeSpan s_lastAnswers = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_goodbye = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(1);

    private readonly LineReader _input;
    private readonly LineOutput _output;
    private readonly RelayLink _link;
    private readonly Action<string> _tell;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Task, bool> _running = new();

    // Requests of 2026-07-28 under way, by the client's id token: over HTTP the end of their POST cancels them.
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _modern = new(StringComparer.Ordinal);
    private Task? _stream;
    private bool _isLost; // A line without end: what follows it cannot be told apart any more.

    /// <summary>Relays between a client's streams and a gateway.</summary>
    /// <param name="input">What the client writes.</param>
    /// <param name="output">What the client reads.</param>
    /// <param name="link">The gateway; stays the caller's.</param>
    /// <param name="tell">Gets sentences for people, never protocol.</param>
    public StdioRelay(Stream input, Stream output, RelayLink link, Action<string> tell)
    {
        _input = new LineReader(input, MessageBytesMax);
        _output = new LineOutput(output);
        _link = link;
        _tell = tell;
    }

    /// <summary>Runs until the client has gone or <paramref name="cancellationToken"/> asks for the end.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _output.Closed);
        try
        {
            for (var more = true; more && !_isLost;)
            {
                more = _input.Filled(await _input.ReadMoreAsync(either.Token).AsTask().WaitAsync(either.Token).ConfigureAwait(false));
                foreach (var line in TakeLines())
                {
                    await TakeAsync(line).ConfigureAwait(false);
                }
            }

            await Task.WhenAll(_running.Keys).WaitAsync(s_lastAnswers, TimeProvider.System, either.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is OperationCanceledException or TimeoutException or IOException)
        {
            // The client has gone, or does not want to wait any longer.
        }

        await EndAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_running.Keys.Append(_stream ?? Task.CompletedTask)).ConfigureAwait(false);
        _input.Dispose();
        _output.Dispose();
        _stop.Dispose();
    }

    private async Task EndAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        try
        {
            using var limit = new CancellationTokenSource(s_goodbye, TimeProvider.System);
            await _link.CloseAsync(limit.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            // The gateway ends idle sessions by itself.
        }
    }

    private List<byte[]> TakeLines()
    {
        var lines = new List<byte[]>();
        while (_input.TryRead(out var kind, out var line))
        {
            // What is no JSON is passed on, too: the gateway says what is wrong with it. Nothing is left of a message that was too long.
            _isLost |= kind == LineKind.GaveUp;
            lines.Add(kind is LineKind.TooLong or LineKind.GaveUp ? [] : line.ToArray());
        }

        return lines;
    }

    private async Task TakeAsync(byte[] line)
    {
        if (line.Length == 0)
        {
            await _output.WriteAsync(AnswerTranslation.Compose(default, -32600, $"A message was longer than {MessageBytesMax} bytes and was dropped; send less at once.", default)).ConfigureAwait(false);
            return;
        }

        EnvelopeScanner.Scan(line, ScanLimits.Default, out var envelope);
        switch (envelope.Kind)
        {
            case MessageKind.Request when envelope.MetaProtocolVersion.Exists:
                Start(ModernAsync(line, envelope));
                break;
            case MessageKind.Request when envelope.KnownMethod == McpMethod.Initialize:
                // What follows belongs to the session that this opens.
                await RequestAsync(line, envelope, _stop.Token).ConfigureAwait(false);
                break;
            case MessageKind.Notification when envelope.KnownMethod == McpMethod.NotificationsCancelled && envelope.RequestId.Exists
                && _modern.TryGetValue(Encoding.UTF8.GetString(envelope.RequestId.Of(line)), out var cancel):
                await cancel.CancelAsync().ConfigureAwait(false);
                break;
            case MessageKind.Notification or MessageKind.Result or MessageKind.Error:
                // In order, one after the other: they are answered at once.
                await RequestAsync(line, envelope, _stop.Token).ConfigureAwait(false);
                if (envelope.KnownMethod == McpMethod.NotificationsInitialized && _link.Session is not null)
                {
                    _stream ??= Task.Run(FollowAsync);
                }

                break;
            default:
                Start(RequestAsync(line, envelope, _stop.Token));
                break;
        }
    }

    private void Start(Task task)
    {
        if (task.IsCompletedSuccessfully)
        {
            return;
        }

        _running[task] = true;
        task.ContinueWith(static (ended, state) => ((StdioRelay)state!)._running.TryRemove(ended, out _), this, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private async Task ModernAsync(byte[] line, Envelope envelope)
    {
        var id = Encoding.UTF8.GetString(envelope.Id.Of(line));
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        _modern[id] = cancel;
        try
        {
            await RequestAsync(line, envelope, cancel.Token).ConfigureAwait(false);
        }
        finally
        {
            _modern.TryRemove(new KeyValuePair<string, CancellationTokenSource>(id, cancel));
        }
    }

    /// <summary>Posts a message and passes on whatever comes back. A request is always answered, unless it was cancelled.</summary>
    private async Task RequestAsync(byte[] line, Envelope envelope, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _link.PostAsync(line, envelope, cancellationToken).ConfigureAwait(false);
            var isStream = response.Content.Headers.ContentType?.MediaType == "text/event-stream";
            var isAnswered = isStream ? await PassEventsAsync(response, line, envelope, cancellationToken).ConfigureAwait(false)
                : await PassBodyAsync(response, cancellationToken).ConfigureAwait(false);
            if (!isAnswered && envelope.Kind == MessageKind.Request)
            {
                await LoseAsync(line, envelope, $"the gateway answered HTTP {(int)response.StatusCode} without the answer").ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or InvalidDataException)
        {
            await LoseAsync(line, envelope, exception.Message).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Cancelled by the client, or it has gone: nobody waits for an answer.
        }
    }

    private async Task LoseAsync(byte[] line, Envelope envelope, string reason)
    {
        if (envelope.Kind != MessageKind.Request)
        {
            _tell($"a message could not be delivered: {reason}");
            return;
        }

        var id = envelope.Id.Of(line);
        byte[] message = envelope.KnownMethod == McpMethod.SubscriptionsListen
            ? [.. "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":"u8, .. id, .. "}}"u8]
            : AnswerTranslation.Compose(id, -32603, $"Fairlead: {reason}", default);
        await _output.WriteAsync(message).ConfigureAwait(false);
    }

    private async Task<bool> PassBodyAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using var _ = stream.ConfigureAwait(false);
        using var body = await default(HttpBody).ReadOnAsync(stream, response.Content.Headers.ContentLength, MessageBytesMax, null, cancellationToken).ConfigureAwait(false);
        if (body.State != BodyState.Whole)
        {
            throw TooLong();
        }

        if (body.Span.IsEmpty || EnvelopeScanner.Scan(body.Span, ScanLimits.Default, out var _) != ScanError.None)
        {
            return false;
        }

        JsonBytes.PutOnOneLine(body.Span);
        await _output.WriteAsync(body.Span.ToArray()).ConfigureAwait(false);
        return true;
    }

    private static InvalidDataException TooLong() => new($"the answer is longer than the {MessageBytesMax} bytes that one line may have; ask for less, or connect over HTTP, where long answers pass while they come");

    /// <summary>Passes on the events of a request's stream; one of a session that drops is resumed.</summary>
    /// <returns>Whether the answer came.</returns>
    private async Task<bool> PassEventsAsync(HttpResponseMessage first, byte[] line, Envelope envelope, CancellationToken cancellationToken)
    {
        var wanted = envelope.Kind == MessageKind.Batch ? default : envelope.Id.Of(line).ToArray();
        var (isAnswered, lastEventId) = await PassStreamAsync(first, wanted, null, cancellationToken).ConfigureAwait(false);
        for (var i = 0; i < ResumptionsMax && !isAnswered && lastEventId is not null && _link.Session is { } session && !envelope.MetaProtocolVersion.Exists; i++)
        {
            await Task.Delay(s_retry, TimeProvider.System, cancellationToken).ConfigureAwait(false);
            using var resumed = await _link.GetAsync(session, lastEventId, cancellationToken).ConfigureAwait(false);
            if (!resumed.IsSuccessStatusCode)
            {
                break;
            }

            (isAnswered, lastEventId) = await PassStreamAsync(resumed, wanted, lastEventId, cancellationToken).ConfigureAwait(false);
        }

        return isAnswered || envelope.Kind == MessageKind.Batch;
    }

    private async Task<(bool IsAnswered, string? LastEventId)> PassStreamAsync(HttpResponseMessage response, byte[]? wanted, string? lastEventId, CancellationToken cancellationToken)
    {
        var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using var _ = stream.ConfigureAwait(false);
        using var reader = new SseReader(stream, MessageBytesMax);
        try
        {
            while (await reader.FillAsync(cancellationToken).ConfigureAwait(false))
            {
                while (TryRead(reader, wanted, out var message))
                {
                    if (message.Length != 0)
                    {
                        await _output.WriteAsync(message).ConfigureAwait(false);
                        if (IsAnswerTo(message, wanted))
                        {
                            return (true, null);
                        }
                    }
                }
            }
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            // Cut: what came is passed on, the rest may be had again.
        }

        return (false, reader.LastEventId ?? lastEventId);
    }

    /// <exception cref="InvalidDataException">The answer that is waited for is too long.</exception>
    private static bool TryRead(SseReader reader, byte[]? wanted, out byte[] message)
    {
        var read = reader.Read();
        if (wanted is not null && (read == SseRead.GaveUp || (read == SseRead.TooLarge && reader.TooLargeId.SequenceEqual(wanted))))
        {
            throw TooLong();
        }

        message = read == SseRead.Event ? reader.Message.ToArray() : [];
        return read is SseRead.Event or SseRead.TooLarge;
    }

    private static bool IsAnswerTo(byte[] message, byte[]? id) =>
        id is not null && EnvelopeScanner.Scan(message, ScanLimits.Default, out var envelope) == ScanError.None
        && envelope.Kind is MessageKind.Result or MessageKind.Error && envelope.Id.Of(message).SequenceEqual(id);

    /// <summary>Passes on what the gateway says of its own accord in the session.</summary>
    private async Task FollowAsync()
    {
        string? lastEventId = null;
        RelaySession? followed = null;
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                if (_link.Session is { } session)
                {
                    lastEventId = ReferenceEquals(session, followed) ? lastEventId : null;
                    followed = session;
                    lastEventId = await FollowOnceAsync(session, lastEventId).ConfigureAwait(false);
                }

                await Task.Delay(s_retry, TimeProvider.System, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private async Task<string?> FollowOnceAsync(RelaySession session, string? lastEventId)
    {
        try
        {
            using var response = await _link.GetAsync(session, lastEventId, _stop.Token).ConfigureAwait(false);
            if (response.IsSuccessStatusCode)
            {
                return (await PassStreamAsync(response, null, lastEventId, _stop.Token).ConfigureAwait(false)).LastEventId;
            }

            if (response.StatusCode == System.Net.HttpStatusCode.NotFound)
            {
                await _link.RenewAsync(session, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (HttpRequestException)
        {
            // Away. Whether it is started again is for the client's next request to decide: it may have been stopped on purpose.
        }

        return null;
    }
}
