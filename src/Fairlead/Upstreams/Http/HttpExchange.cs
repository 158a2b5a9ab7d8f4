using System.Net;
using Fairlead.Wire;

namespace Fairlead.Upstreams.Http;

/// <summary>One call over HTTP: its POST, the answer or event stream of its own, and what it takes to get an answer that was cut off.</summary>
/// <remarks>
/// Ends its call exactly once through the slot (decision 6), whoever is first. It keeps a reference to the call, so that a late message can
/// never meet another call in the same object. Steps: 1. send; 2. read the head; 3. JSON: the whole body is the answer; 4. event stream: every
/// message goes where it belongs until the answer comes; 5. legacy: a stream that ended early is resumed by its event id.
/// An answer is held whole, up to <c>upstreamMessageBytesMax</c>, and copied once into the call; nothing above 1 MiB is streamed through.
/// </remarks>
#pragma warning disable CA1001 // The source has no timer and no handle to give back, and whoever aborts must be free to come too late.
internal sealed class HttpExchange
#pragma warning restore CA1001
{
    /// <summary>Most attempts in a row to resume a stream that bring nothing new.</summary>
    public const int FruitlessResumptionsMax = 5;

    private static readonly TimeSpan s_firstResumption = TimeSpan.FromSeconds(1);

    private readonly HttpConnection _connection;
    private readonly UpstreamCall _call;
    private readonly FrameLease _frame;
    private readonly Envelope _request;
    private readonly CancellationTokenSource _abort = new();
    private InboundMeter? _meter;
    private string? _lastEventId;
    private TimeSpan? _retry;
    private string? _complaint;

    /// <summary>Takes over <paramref name="frame"/> and a reference to <paramref name="call"/>.</summary>
    /// <param name="connection">Where the call is open.</param>
    /// <param name="call">The call.</param>
    /// <param name="frame">The whole request.</param>
    /// <param name="request">The scan of <paramref name="frame"/>.</param>
    public HttpExchange(HttpConnection connection, UpstreamCall call, OutboundFrame frame, in Envelope request)
    {
        _connection = connection;
        _call = call;
        _frame = new FrameLease(frame);
        _request = request;
        Id = call.UpstreamId;
        FrameBytes = frame.Span.Length;
        call.Retain();
    }

    /// <summary>The call's id at the server.</summary>
    public long Id { get; }

    /// <summary>Length of the request.</summary>
    public int FrameBytes { get; }

    /// <summary>Whether the request is one of 2026-07-28: then the end of its stream is the cancellation.</summary>
    public bool IsModern => _request.MetaProtocolVersion.Exists;

    /// <summary>Ends with the exchange; completed before <see cref="Start"/>.</summary>
    public Task Completion { get; private set; } = Task.CompletedTask;

    /// <summary>Sends the request. Returns when that would have to wait.</summary>
    public void Start() => Completion = RunAsync();

    /// <summary>Lets go of the request and its answer. Whoever calls this ends the call.</summary>
    public void Abort() => _abort.Cancel();

    private async Task RunAsync()
    {
        try
        {
            await PostAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_abort.IsCancellationRequested)
        {
            // Whoever aborted has ended the call with the true cause.
        }
        catch (OperationCanceledException)
        {
            Fail(HttpFailure.NoConnection(_connection.Endpoint, _connection.Limits.ConnectTimeout));
        }
        catch (HttpRequestException exception)
        {
            Fail(HttpFailure.Of(exception, _connection.Endpoint));
        }
        catch (IOException exception)
        {
            Fail(HttpFailure.Cut("the connection ended in the middle of its answer: " + exception.Message));
        }
        finally
        {
            // After an error of our own nobody must wait for the deadline. Nothing happens when the call has ended.
            Fail(ForwardError.ServerLost, "the call was given up");
            _frame.Release();
            _call.Release();
            _connection.Forget(this);
        }
    }

    private async Task PostAsync()
    {
        var session = _connection.Session;
        for (var isRepeated = false; ; isRepeated = true)
        {
            if (!IsModern && !_call.IsInitialize)
            {
                await session.WhenReadyAsync(_abort.Token).ConfigureAwait(false);
            }

            var sessionId = IsModern || _call.IsInitialize ? null : session.Id;
            using var request = CreatePost(sessionId);
            using var response = await _connection.Endpoint.SendAsync(request, _abort.Token).ConfigureAwait(false);
            _call.HttpStatus = (int)response.StatusCode;
            if (response.IsSuccessStatusCode)
            {
                NoteSession(session, sessionId, response);
                if (HttpFailure.IsEventStream(response.Content.Headers.ContentType))
                {
                    await ReadEventsAsync(response, sessionId).ConfigureAwait(false);
                    return;
                }
            }

            if (!await ReadBodyAsync(response, sessionId).ConfigureAwait(false))
            {
                return;
            }

            // The session is gone (2025-11-25, basic/transports, session management): open another; what may be repeated is, once.
            if (!await session.RenewAsync(sessionId, _abort.Token).ConfigureAwait(false))
            {
                return;
            }

            if (isRepeated || !IsRepeatable(_request.KnownMethod))
            {
                Fail(ForwardError.SendFailed, "its session had ended; Fairlead has opened another: call again");
                return;
            }
        }
    }

    private HttpRequestMessage CreatePost(string? sessionId)
    {
        var request = _connection.Endpoint.CreateRequest(HttpMethod.Post, "application/json, text/event-stream");
        request.Content = new FrameContent(_frame);
        if (IsModern)
        {
            ModernHeaders.Add(request, _frame.Memory.Span, _request, _call.Headers);
        }
        else if (!_call.IsInitialize)
        {
            _connection.AddLegacyHeaders(request, sessionId);
        }

        return request;
    }

    private void NoteSession(LegacySession session, string? sessionId, HttpResponseMessage response)
    {
        if (IsModern)
        {
            return;
        }

        if (_call.IsInitialize)
        {
            session.Opened(response.Headers.TryGetValues("Mcp-Session-Id", out var values) ? values.FirstOrDefault() : null);
        }
        else
        {
            session.Prove(sessionId);
        }
    }

    /// <summary>Reads an answer that is no event stream and ends the call with it.</summary>
    /// <returns>True when the call is still open because the server no longer knows the session.</returns>
    private async ValueTask<bool> ReadBodyAsync(HttpResponseMessage response, string? sessionId)
    {
        var mayAnswer = (int)response.StatusCode is < 300 or >= 400 && !HttpFailure.IsServerFailure(response.StatusCode)
            && response.StatusCode is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden);
        var encoding = response.Content.Headers.ContentEncoding;
        if (mayAnswer && encoding.Count != 0 && !encoding.Contains("identity"))
        {
            Fail(ForwardError.AnswerInvalid, $"it compressed its answer ({string.Join(", ", encoding)}) although only identity was accepted");
            return false;
        }

        if (mayAnswer && response.Content.Headers.ContentLength > _connection.Limits.UpstreamMessageBytesMax)
        {
            FailTooLong();
            return false;
        }

        var bytesMax = mayAnswer ? _connection.Limits.UpstreamMessageBytesMax : HttpFailure.ExcerptBytesMax;
        using var body = await HttpBody.ReadAsync(response.Content, bytesMax, _abort.Token).ConfigureAwait(false);
        if (mayAnswer && body.IsCut)
        {
            FailTooLong();
            return false;
        }

        if (sessionId is not null && SessionLoss.IsTold(response.StatusCode, body.Span, Id))
        {
            return true;
        }

        if (mayAnswer && TakeBody(body.Span, response.IsSuccessStatusCode))
        {
            return false;
        }

        var failure = HttpFailure.OfStatus(response, body.Span, _connection.Endpoint);
        Fail(_complaint is null ? failure : failure with { Detail = $"HTTP {(int)response.StatusCode}: {_complaint}" });
        return false;
    }

    /// <summary>Takes a body as the answer if it is one.</summary>
    private bool TakeBody(Span<byte> body, bool isSuccess)
    {
        JsonBytes.PutOnOneLine(body);
        var text = JsonBytes.Trim(body);
        if (text.IsEmpty || text[0] is not ((byte)'{' or (byte)'['))
        {
            _complaint = isSuccess && text.IsEmpty ? "it sent no answer" : null;
            return false;
        }

        // Frameworks answer {"detail":"Not Found"} and the like: with an error status that is no message at all.
        if (!isSuccess && (EnvelopeScanner.Scan(text, _connection.ScanLimits, out var envelope) != ScanError.None || envelope.Kind is not (MessageKind.Error or MessageKind.Result)))
        {
            return false;
        }

        if (Take(text))
        {
            return true;
        }

        _complaint = "its answer is no JSON-RPC response";
        return false;
    }

    private async Task ReadEventsAsync(HttpResponseMessage first, string? sessionId)
    {
        if (await ReadStreamAsync(first).ConfigureAwait(false))
        {
            return;
        }

        for (var fruitless = 0; !IsModern && _lastEventId is not null && fruitless < FruitlessResumptionsMax;)
        {
            await WaitBeforeResumptionAsync(fruitless).ConfigureAwait(false);
            var before = _lastEventId;
            using var request = _connection.CreateGet(sessionId, before);
            using var resumed = await TryGetAsync(request).ConfigureAwait(false);
            if (resumed is null || HttpFailure.IsServerFailure(resumed.StatusCode))
            {
                fruitless++;
                continue;
            }

            if (!resumed.IsSuccessStatusCode || !HttpFailure.IsEventStream(resumed.Content.Headers.ContentType))
            {
                _complaint = $"its event stream ended before the answer, and it did not resume it (HTTP {(int)resumed.StatusCode})";
                break;
            }

            if (await ReadStreamAsync(resumed).ConfigureAwait(false))
            {
                return;
            }

            fruitless = _lastEventId == before ? fruitless + 1 : 0;
        }

        Fail(HttpFailure.Cut(_complaint ?? "its event stream ended before the answer"));
    }

    /// <summary>Reads a stream until the call is over or the stream is.</summary>
    /// <returns>Whether the call is over.</returns>
    private async Task<bool> ReadStreamAsync(HttpResponseMessage response)
    {
        var stream = await response.Content.ReadAsStreamAsync(_abort.Token).ConfigureAwait(false);
        await using var _ = stream.ConfigureAwait(false);
        using var reader = new SseReader(stream, _connection.Limits.UpstreamMessageBytesMax);
        try
        {
            do
            {
                if (TakeBuffered(reader))
                {
                    return true;
                }

                if (_meter?.TakePause() is { } pause)
                {
                    await Task.Delay(pause, _connection.Sweeper.TimeProvider, _abort.Token).ConfigureAwait(false);
                }
            }
            while (await reader.FillAsync(_abort.Token).ConfigureAwait(false));
            if (reader.ReadLast() == SseRead.Event && TakeLast(reader.Message))
            {
                return true;
            }
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            _complaint = "its event stream was cut before the answer: " + exception.Message;
        }
        finally
        {
            _lastEventId = reader.LastEventId ?? _lastEventId;
            _retry = reader.Retry ?? _retry;
        }

        return false;
    }

    private bool TakeBuffered(SseReader reader)
    {
        while (true)
        {
            switch (reader.Read())
            {
                case SseRead.NeedMore:
                    return false;
                case SseRead.Event:
                    if (Take(reader.Message))
                    {
                        return true;
                    }

                    break;
                case SseRead.TooLarge when reader.TooLargeAsks:
                    _connection.LogTooLong();
                    break;
                default:
                    FailTooLong();
                    return true;
            }
        }
    }

    /// <summary>Takes a message without the end of its event, unless it was cut: then it may be had again.</summary>
    private bool TakeLast(ReadOnlySpan<byte> message) =>
        EnvelopeScanner.Scan(message, _connection.ScanLimits, out _) == ScanError.None && TakeOne(message);

    // The server says how long; without its word, longer from time to time. It is at work meanwhile, so the idle deadline waits too; the hard one does not.
    private Task WaitBeforeResumptionAsync(int fruitless)
    {
        var delay = _retry ?? s_firstResumption * (1 << fruitless);
        var sweeper = _connection.Sweeper;
        if (_call.IdleTicks != 0)
        {
            Volatile.Write(ref _call.IdleDeadline, sweeper.Now + sweeper.Ticks(delay) + _call.IdleTicks);
        }

        return Task.Delay(delay, sweeper.TimeProvider, _abort.Token);
    }

    private async Task<HttpResponseMessage?> TryGetAsync(HttpRequestMessage request)
    {
        try
        {
            return await _connection.Endpoint.SendAsync(request, _abort.Token).ConfigureAwait(false);
        }
        catch (HttpRequestException exception)
        {
            _complaint = "its event stream ended before the answer and could not be resumed: " + HttpFailure.Of(exception, _connection.Endpoint).Detail;
            return null;
        }
    }

    /// <summary>Hands on a message, or several of a batch; true when the call is over.</summary>
    private bool Take(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty)
        {
            return false;
        }

        if (text[0] != '[')
        {
            return TakeOne(text);
        }

        // 2025-03-26 may answer in batches.
        foreach (var element in new JsonElements(text, new ByteRange(0, text.Length)))
        {
            if (TakeOne(element.Of(text)))
            {
                return true;
            }
        }

        return false;
    }

    private bool TakeOne(ReadOnlySpan<byte> message)
    {
        var error = EnvelopeScanner.Scan(message, _connection.ScanLimits, out var envelope);
        if (error != ScanError.None)
        {
            _complaint = $"it sent a message that is not valid ({error})";
            if (message[0] != '{')
            {
                return false;
            }

            Fail(ForwardError.AnswerInvalid, _complaint);
            return true;
        }

        switch (envelope.Kind)
        {
            case MessageKind.Result or MessageKind.Error:
                TakeAnswer(message, envelope);
                return true;
            case MessageKind.Request when IsModern:
                // 2026-07-28 knows no requests of servers, and no way to answer one.
                return false;
            case MessageKind.Notification when envelope.KnownMethod != McpMethod.NotificationsProgress:
                _meter ??= new InboundMeter(_connection.Limits, _connection.Sweeper.TimeProvider);
                _meter.Notification();
                break;
            default:
                break;
        }

        _connection.Take(message, envelope, _call);
        return false;
    }

    private void TakeAnswer(ReadOnlySpan<byte> message, in Envelope envelope)
    {
        var id = envelope.Id.Of(message);
        if (RequestIds.TryParse(id, out var answered) && answered == Id)
        {
            TellIfStale(envelope);
            Complete(message, envelope);
            return;
        }

        // An error before the id was read has none: on a stream of its own it can only mean this call (JSON-RPC 2.0, 5; protocol.md 10.2).
        if (envelope.Kind == MessageKind.Error && (id.IsEmpty || id.SequenceEqual("null"u8)))
        {
            TellIfStale(envelope);
            var error = envelope.Error.Of(message);
            byte[] named = [.. "{\"jsonrpc\":\"2.0\",\"id\":"u8, .. System.Text.Encoding.ASCII.GetBytes($"{Id}"), .. ",\"error\":"u8, .. error, (byte)'}'];
            if (EnvelopeScanner.Scan(named, _connection.ScanLimits, out var scanned) == ScanError.None)
            {
                Complete(named, scanned);
                return;
            }
        }

        Fail(ForwardError.AnswerInvalid, "it answered another request than the one it was sent");
    }

    private void Complete(ReadOnlySpan<byte> message, in Envelope envelope)
    {
        if (_connection.Pending.TryTake(Id, ForwardError.None, out var call))
        {
            call.Complete(message, envelope);
        }
    }

    // HeaderMismatch on a call: the schema that the Mcp-Param headers came from is out of date (protocol.md 10.15).
    private void TellIfStale(in Envelope envelope)
    {
        if (IsModern && _request.KnownMethod == McpMethod.ToolsCall && envelope.Kind == MessageKind.Error && envelope.ErrorCode == ErrorCodes.HeaderMismatch)
        {
            _connection.SchemaStale?.Invoke(_connection);
        }
    }

    private void FailTooLong() => Fail(ForwardError.AnswerTooLarge, $"upstreamMessageBytesMax is {_connection.Limits.UpstreamMessageBytesMax}");

    private void Fail(HttpFailure failure)
    {
        if (failure.IsOutage)
        {
            _connection.Unreachable?.Invoke(failure.Detail);
        }

        Fail(failure.Error, failure.Detail);
    }

    private void Fail(ForwardError error, string detail)
    {
        if (_connection.Pending.TryTake(Id, error, out var call))
        {
            call.Fail(error, detail);
        }
    }

    /// <summary>Requests that change nothing at the server, or the same when they come twice.</summary>
    private static bool IsRepeatable(McpMethod method) => method is McpMethod.ToolsList or McpMethod.PromptsList or McpMethod.PromptsGet or McpMethod.ResourcesList
        or McpMethod.ResourcesTemplatesList or McpMethod.ResourcesRead or McpMethod.CompletionComplete or McpMethod.Ping or McpMethod.ResourcesSubscribe
        or McpMethod.ResourcesUnsubscribe or McpMethod.LoggingSetLevel;
}
