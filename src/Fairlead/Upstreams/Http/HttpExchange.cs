using System.Net;
using Fairlead.Wire;

namespace Fairlead.Upstreams.Http;

/// <summary>One call over HTTP: its POST, the answer or event stream of its own, and what it takes to get an answer that was cut off.</summary>
/// <remarks>
/// Ends its call exactly once through the slot (decision 6), whoever is first. It keeps a reference to the call, so that a late message can
/// never meet another call in the same object. Steps: 1. send; 2. read the head; 3. JSON: the whole body is the answer; 4. event stream: every
/// message goes where it belongs until the answer comes; 5. legacy: a stream that ended early is resumed by its event id.
/// An answer is held whole, up to <c>upstreamMessageBytesMax</c>, and copied once into the call. One above 1 MiB is passed on while it comes (<see cref="AnswerPump"/>) where its call can take it so.
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
    private readonly CallInbound _inbound;
    private readonly Envelope _request;
    private readonly CancellationTokenSource _abort = new();
    private AnswerPump? _pump;
    private long _roomBytes;
    private string? _lastEventId;
    private TimeSpan? _retry;

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
        _inbound = new CallInbound(connection, call, request);
        FrameBytes = frame.Span.Length;
        call.Retain();
    }

    /// <summary>The call's id at the server.</summary>
    public long Id => _inbound.Id;

    /// <summary>Length of the request.</summary>
    public int FrameBytes { get; }

    /// <summary>Whether the request is one of 2026-07-28: then the end of its stream is the cancellation.</summary>
    public bool IsModern => _inbound.IsModern;

    /// <summary>Ends with the exchange; completed before <see cref="Start"/>.</summary>
    public Task Completion { get; private set; } = Task.CompletedTask;

    /// <summary>Sends the request. Returns when that would have to wait: the answer may have come before.</summary>
    /// <param name="elsewhere">Returns at once, and another thread does it: for whoever holds the call, so that its answer would wait for this thread.</param>
    public void Start(bool elsewhere) => Completion = elsewhere ? Task.Run(RunAsync) : RunAsync();

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
            _inbound.Fail(HttpFailure.NoConnection(_connection.Endpoint, _connection.Limits.ConnectTimeout));
        }
        catch (HttpRequestException exception)
        {
            _inbound.Fail(HttpFailure.Of(exception, _connection.Endpoint));
        }
        catch (IOException exception)
        {
            _inbound.Fail(HttpFailure.Cut("the connection ended in the middle of its answer: " + exception.Message));
        }
        finally
        {
            // After an error of our own nobody must wait for the deadline. Nothing happens when the call has ended.
            _inbound.Fail(ForwardError.ServerLost, "the call was given up");
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
            await _connection.WhileHeldAsync(_abort.Token).ConfigureAwait(false);
            _call.HttpStatus = (int)response.StatusCode;
            if (response.IsSuccessStatusCode)
            {
                NoteSession(session, sessionId, response);
            }

            // The C# SDK's servers send their refusals (400, 404) as an event stream as well.
            if (HttpFailure.IsEventStream(response.Content.Headers.ContentType)
                && (response.IsSuccessStatusCode || response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.NotFound))
            {
                await ReadEventsAsync(response, sessionId).ConfigureAwait(false);
                if (isRepeated || !await RenewHeadersAsync().ConfigureAwait(false))
                {
                    return;
                }

                continue;
            }

            if (!await ReadBodyAsync(response, sessionId).ConfigureAwait(false))
            {
                if (isRepeated || !await RenewHeadersAsync().ConfigureAwait(false))
                {
                    return;
                }

                continue;
            }

            // The session is gone (2025-11-25, basic/transports, session management): open another; what may be repeated is, once.
            if (!await session.RenewAsync(sessionId, _abort.Token).ConfigureAwait(false))
            {
                return;
            }

            if (isRepeated || !IsRepeatable(_request.KnownMethod))
            {
                _inbound.Fail(ForwardError.SendFailed, "its session had ended; Fairlead has opened another: call again");
                return;
            }
        }
    }

    /// <summary>Fetches the schema again when the server refused the headers that came from the old one.</summary>
    /// <returns>Whether the call is open and to be sent once more; nothing of it has run.</returns>
    private async ValueTask<bool> RenewHeadersAsync()
    {
        if (!_inbound.IsSchemaStale)
        {
            return false;
        }

        _call.Headers = await _connection.SchemaStale!(_connection, _request.Name.Of(_frame.Memory.Span).ToArray(), _abort.Token).ConfigureAwait(false);
        return true;
    }

    private HttpRequestMessage CreatePost(string? sessionId)
    {
        var request = _connection.Endpoint.CreateRequest(HttpMethod.Post, "application/json, text/event-stream");
        request.Content = new FrameContent(_frame);
        if (_call.TrySpan is { } span)
        {
            request.Headers.TryAddWithoutValidation("traceparent", span.Id);
            if (span.TraceStateString is { Length: > 0 } state)
            {
                request.Headers.TryAddWithoutValidation("tracestate", state);
            }
        }

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

    private void NoteSession(UpstreamSession session, string? sessionId, HttpResponseMessage response)
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
            _inbound.Fail(ForwardError.AnswerInvalid, $"it compressed its answer ({string.Join(", ", encoding)}) although only identity was accepted");
            return false;
        }

        var contentLength = response.Content.Headers.ContentLength;
        var bytesMax = mayAnswer ? _connection.Limits.UpstreamMessageBytesMax : HttpFailure.ExcerptBytesMax;
        var mayStream = _call.StreamsAnswer && response.IsSuccessStatusCode && contentLength is null or > AnswerStream.LookBytes;
        if (mayAnswer && !mayStream && contentLength > bytesMax)
        {
            _inbound.FailTooLong();
            return false;
        }

        var stream = await response.Content.ReadAsStreamAsync(_abort.Token).ConfigureAwait(false);
        await using var _ = stream.ConfigureAwait(false);
        var read = await default(HttpBody).ReadOnAsync(
            stream, contentLength, mayStream ? AnswerStream.LookBytes - 1 : bytesMax, _connection.Buffers, _abort.Token).ConfigureAwait(false);
        if (mayStream && read.State == BodyState.Begun)
        {
            if (AnswerPump.TryBegin(_connection, _call, _inbound, read.Span) is { } pump)
            {
                await pump.RunAsync(read, stream, _abort.Token).ConfigureAwait(false);
                return false;
            }

            read = await read.ReadOnAsync(stream, contentLength, bytesMax, _connection.Buffers, _abort.Token).ConfigureAwait(false);
        }

        using var body = read.WithoutRoom();
        if (mayAnswer && body.State != BodyState.Whole)
        {
            if (body.State == BodyState.NoRoom)
            {
                _inbound.FailWithoutRoom();
            }
            else
            {
                _inbound.FailTooLong();
            }

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
        _inbound.Fail(_inbound.Complaint is null ? failure : failure with { Detail = $"HTTP {(int)response.StatusCode}: {_inbound.Complaint}" });
        return false;
    }

    /// <summary>Takes a body as the answer if it is one.</summary>
    private bool TakeBody(Span<byte> body, bool isSuccess)
    {
        JsonBytes.PutOnOneLine(body);
        var text = JsonBytes.Trim(body);
        if (text.IsEmpty || text[0] is not ((byte)'{' or (byte)'['))
        {
            _inbound.Complaint = isSuccess && text.IsEmpty ? "it sent no answer" : null;
            return false;
        }

        // Frameworks answer {"detail":"Not Found"} and the like: with an error status that is no message at all.
        if (!isSuccess && (EnvelopeScanner.Scan(text, _connection.ScanLimits, out var envelope) != ScanError.None || envelope.Kind is not (MessageKind.Error or MessageKind.Result)))
        {
            return false;
        }

        if (_inbound.Take(text))
        {
            return true;
        }

        _inbound.Complaint = "its answer is no JSON-RPC response";
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
                _inbound.Complaint = $"its event stream ended before the answer, and it did not resume it (HTTP {(int)resumed.StatusCode})";
                break;
            }

            if (await ReadStreamAsync(resumed).ConfigureAwait(false))
            {
                return;
            }

            fruitless = _lastEventId == before ? fruitless + 1 : 0;
        }

        _inbound.Fail(HttpFailure.Cut(_inbound.Complaint ?? "its event stream ended before the answer"));
    }

    /// <summary>Reads a stream until the call is over or the stream is.</summary>
    /// <returns>Whether the call is over.</returns>
    private async Task<bool> ReadStreamAsync(HttpResponseMessage response)
    {
        var stream = await response.Content.ReadAsStreamAsync(_abort.Token).ConfigureAwait(false);
        await using var _ = stream.ConfigureAwait(false);
        using var reader = new SseReader(stream, _connection.Limits.UpstreamMessageBytesMax, AnswerStream.LookBytes);
        try
        {
            do
            {
                if (TakeBuffered(reader))
                {
                    if (_pump is not null)
                    {
                        await _pump.RunAsync(reader, _abort.Token).ConfigureAwait(false);
                    }

                    return true;
                }

                if (_inbound.TakePause() is { } pause)
                {
                    await Task.Delay(pause, _connection.Sweeper.TimeProvider, _abort.Token).ConfigureAwait(false);
                }
            }
            while (await reader.FillAsync(_abort.Token).ConfigureAwait(false) && await _connection.WhileHeldAsync(_abort.Token).ConfigureAwait(false));
            if (reader.ReadLast() == SseRead.Event && _inbound.TakeLast(reader.Message))
            {
                return true;
            }
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            _inbound.Complaint = "its event stream was cut before the answer: " + exception.Message;
        }
        finally
        {
            _lastEventId = reader.LastEventId ?? _lastEventId;
            _retry = reader.Retry ?? _retry;
            GiveRoomBack();
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
                case SseRead.Part when AnswerPump.TryBegin(_connection, _call, _inbound, reader.Part) is { } pump:
                    _pump = pump;
                    return true;
                case SseRead.Part when !TryTakeRoom(reader.Part.Length):
                    _inbound.FailWithoutRoom();
                    return true;
                case SseRead.Part:
                    break;
                case SseRead.Event:
                    // The call that it may be the answer of makes a copy, and has room for that by itself.
                    GiveRoomBack();
                    if (_inbound.Take(reader.Message))
                    {
                        return true;
                    }

                    break;
                case SseRead.TooLarge when reader.TooLargeAsks:
                    _connection.LogTooLong();
                    break;
                default:
                    _inbound.FailTooLong();
                    return true;
            }
        }
    }

    // At each doubling of an event: what it has by now, and as much again until the next.
    private bool TryTakeRoom(int bytes)
    {
        if (!_connection.Buffers.TryTake(bytes))
        {
            return false;
        }

        _roomBytes += bytes;
        return true;
    }

    private void GiveRoomBack()
    {
        if (_roomBytes != 0)
        {
            _connection.Buffers.Return(_roomBytes);
            _roomBytes = 0;
        }
    }

    // The server says how long; without its word, longer from time to time. It is at work meanwhile, so the idle deadline waits too; the hard one does not.
    private Task WaitBeforeResumptionAsync(int fruitless)
    {
        var delay = _retry ?? s_firstResumption * (1 << fruitless);
        var sweeper = _connection.Sweeper;
        _call.MoveIdleDeadline(sweeper.Now + sweeper.Ticks(delay));
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
            _inbound.Complaint = "its event stream ended before the answer and could not be resumed: " + HttpFailure.Of(exception, _connection.Endpoint).Detail;
            return null;
        }
    }

    /// <summary>Requests that change nothing at the server, or the same when they come twice.</summary>
    public static bool IsRepeatable(McpMethod method) => method is McpMethod.ToolsList or McpMethod.PromptsList or McpMethod.PromptsGet or McpMethod.ResourcesList
        or McpMethod.ResourcesTemplatesList or McpMethod.ResourcesRead or McpMethod.CompletionComplete or McpMethod.Ping or McpMethod.ResourcesSubscribe
        or McpMethod.ResourcesUnsubscribe or McpMethod.LoggingSetLevel or McpMethod.TasksGet or McpMethod.TasksList or McpMethod.TasksResult;
}
