using System.IO.Pipelines;
using System.Text;
using Fairlead.Configuration;
using Fairlead.Diagnostics;
using Fairlead.Upstreams.Http;
using Fairlead.Wire;
using Microsoft.Extensions.Logging;

namespace Fairlead.Upstreams.Sse;

/// <summary>The connection to a server of HTTP+SSE (MCP 2024-11-05, basic/transports): a GET stream carries every message of the server, each message to it is a POST.</summary>
/// <remarks>
/// Multiplexed as stdio is: the stream's messages go through a pipe as lines, so that one reader serves both. The session is the stream: when it drops, everything in
/// flight is lost and the connection with it. The address to POST to must be of the origin that was configured.
/// </remarks>
internal sealed partial class SseConnection : MultiplexedConnection
{
    private readonly HttpEndpoint _endpoint;
    private readonly ILogger _logger;
    private readonly Pipe _lines;
    private readonly CancellationTokenSource _stop = new();
    private readonly RunningTasks _posts = new();

    // Where to POST, or why there is no such place.
    private readonly TaskCompletionSource<(Uri? Address, HttpFailure Failure)> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _refused = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _stream;
    private long _queuedBytes;
    private string? _end;
    private volatile bool _stopping;

    private SseConnection(string server, HttpEndpoint endpoint, Pipe lines, DeadlineSweep sweep, LimitsOptions limits, ILogger logger)
        : base(server, Stream.Null, lines.Reader.AsStream(), sweep, limits, logger)
    {
        _endpoint = endpoint;
        _logger = logger;
        _lines = lines;
        _stream = Task.Run(StreamAsync);
    }

    /// <summary>Opens the stream.</summary>
    /// <param name="server">Name of the server.</param>
    /// <param name="endpoint">Where the stream is; stays the caller's and must live longer than the connection.</param>
    /// <param name="sweep">Deadlines.</param>
    /// <param name="limits">Bounds.</param>
    /// <param name="logger">Where trouble is told.</param>
    public static SseConnection Open(string server, HttpEndpoint endpoint, DeadlineSweep sweep, LimitsOptions limits, ILogger logger) =>
        new(server, endpoint, new Pipe(), sweep, limits, logger);

    /// <inheritdoc/>
    internal override bool KeepsOrder => false;

    /// <inheritdoc/>
    protected internal override void Transmit(UpstreamCall call, OutboundFrame frame)
    {
        if (!TryQueue(frame))
        {
            RefuseAnswer(Token(call.UpstreamId), ForwardError.TooManyCalls, "more requests wait for it than bufferedBytesMax allows");
            return;
        }

        _posts.Add(PostAsync(frame, call.UpstreamId));
    }

    /// <inheritdoc/>
    protected override void Transmit(OutboundFrame frame)
    {
        if (TryQueue(frame))
        {
            _posts.Add(PostAsync(frame, null));
        }
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        _stopping = true;
        await _stop.CancelAsync().ConfigureAwait(false);
        await _stream.ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
        await _posts.WhenAllAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    /// <inheritdoc/>
    internal override Task ConfirmInitializedAsync(CancellationToken cancellationToken)
    {
        // POSTs may overtake each other: what follows must find the server initialized.
        var frame = OutboundFrame.Copy("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"u8);
        return TryQueue(frame) ? PostAsync(frame, null).WaitAsync(cancellationToken) : Task.CompletedTask;
    }

    /// <inheritdoc/>
    protected override ValueTask<string> DescribeEndAsync(string reason) => new(_stopping ? "it was stopped" : _end ?? reason);

    private bool TryQueue(OutboundFrame frame)
    {
        var bytes = frame.Span.Length;
        if (!Lost.IsCompleted && Interlocked.Add(ref _queuedBytes, bytes) <= Limits.BufferedBytesMax)
        {
            return true;
        }

        Interlocked.Add(ref _queuedBytes, -bytes);
        frame.Return();
        return false;
    }

    private async Task PostAsync(OutboundFrame frame, long? id)
    {
        var bytes = frame.Span.Length;
        var lease = new FrameLease(frame);
        try
        {
            var (address, failure) = await _opened.Task.ConfigureAwait(false);
            if (address is null)
            {
                Refuse(id, failure);
                return;
            }

            using var limit = new CancellationTokenSource(Limits.RequestTimeout, Sweeper.TimeProvider);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stop.Token);
            using var request = _endpoint.CreateRequest(HttpMethod.Post, "application/json, text/event-stream");
            request.RequestUri = address;
            request.Content = new FrameContent(lease);
            using var response = await _endpoint.SendAsync(request, either.Token).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                using var body = await HttpBody.ReadExcerptAsync(response.Content, either.Token).ConfigureAwait(false);
                Refuse(id, HttpFailure.OfStatus(response, body.Span, _endpoint));
            }
        }
        catch (HttpRequestException exception)
        {
            Refuse(id, HttpFailure.Of(exception, _endpoint));
        }
        catch (IOException exception)
        {
            Refuse(id, HttpFailure.Cut("the connection ended while a message was sent: " + exception.Message));
        }
        catch (OperationCanceledException)
        {
            Refuse(id, HttpFailure.Cut(_stop.IsCancellationRequested ? "it was stopped" : $"it did not take a message within {Limits.RequestTimeout.TotalSeconds:0.#} s"));
        }
        finally
        {
            Interlocked.Add(ref _queuedBytes, -bytes);
            lease.Release();
        }
    }

    private void Refuse(long? id, HttpFailure failure)
    {
        if (failure.IsUnauthorized && IdentityOrNull is not null)
        {
            NoteRefused(failure.Detail);
        }

        if (id is { } known)
        {
            RefuseAnswer(Token(known), failure.Error, failure.Detail);
        }
        else
        {
            LogPostFailed(_logger, Server, failure.Detail);
        }

        _refused.TrySetResult();
    }

    private async Task StreamAsync()
    {
        try
        {
            using var request = _endpoint.CreateRequest(HttpMethod.Get, "text/event-stream");
            using var response = await _endpoint.SendAsync(request, _stop.Token).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode || !HttpFailure.IsEventStream(response.Content.Headers.ContentType))
            {
                using var body = await HttpBody.ReadExcerptAsync(response.Content, _stop.Token).ConfigureAwait(false);
                await FailAsync(HttpFailure.OfStatus(response, body.Span, _endpoint) is var failure && response.IsSuccessStatusCode
                    ? failure with { Detail = $"it answered GET with {response.Content.Headers.ContentType?.MediaType ?? "no content type"}, not with an event stream" }
                    : failure).ConfigureAwait(false);
                return;
            }

            await ReadAsync(response).ConfigureAwait(false);
            await FailAsync(HttpFailure.Cut("its event stream ended")).ConfigureAwait(false);
        }
        catch (HttpRequestException exception)
        {
            await FailAsync(HttpFailure.Of(exception, _endpoint)).ConfigureAwait(false);
        }
        catch (IOException exception)
        {
            await FailAsync(HttpFailure.Cut("its event stream was cut: " + exception.Message)).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await FailAsync(_stop.IsCancellationRequested ? HttpFailure.Cut("it was stopped") : HttpFailure.NoConnection(_endpoint, Limits.ConnectTimeout)).ConfigureAwait(false);
        }
        finally
        {
            await _lines.Writer.CompleteAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The stream is over. When it never began, whoever waits to POST learns why first: the end of the connection would hide a 401.</summary>
    private async Task FailAsync(HttpFailure failure)
    {
        _end ??= failure.Detail;
        _opened.TrySetResult((null, failure));
        if (_opened.Task.Result.Address is null)
        {
            await Task.WhenAny(_refused.Task, Task.Delay(Timeout.InfiniteTimeSpan, Sweeper.TimeProvider, _stop.Token)).ConfigureAwait(false);
        }
    }

    private async Task ReadAsync(HttpResponseMessage response)
    {
        var stream = await response.Content.ReadAsStreamAsync(_stop.Token).ConfigureAwait(false);
        await using var _ = stream.ConfigureAwait(false);
        using var reader = new SseReader(stream, Limits.UpstreamMessageBytesMax);
        while (await reader.FillAsync(_stop.Token).ConfigureAwait(false))
        {
            if (!TakeBuffered(reader))
            {
                return;
            }

            // Waits while the reader of the lines pauses: a flood stays in the server's own buffers.
            await _lines.Writer.FlushAsync(_stop.Token).ConfigureAwait(false);
        }
    }

    /// <summary>Takes what is buffered; false when the stream must be given up.</summary>
    private bool TakeBuffered(SseReader reader)
    {
        while (true)
        {
            switch (reader.Read())
            {
                case SseRead.NeedMore:
                    return true;
                case SseRead.Event when reader.Endpoint is { } endpoint:
                    if (!TryOpen(endpoint))
                    {
                        return false;
                    }

                    break;
                case SseRead.Event:
                    WriteLine(reader.Message);
                    break;
                case SseRead.TooLarge:
                    LogTooLong(_logger, Server, Limits.UpstreamMessageBytesMax);
                    RefuseAnswer(reader.TooLargeId, ForwardError.AnswerTooLarge, $"upstreamMessageBytesMax is {Limits.UpstreamMessageBytesMax}");
                    break;
                default:
                    _end = $"it sent an event without end (more than 4 x {Limits.UpstreamMessageBytesMax} bytes)";
                    return false;
            }
        }
    }

    private bool TryOpen(string endpoint)
    {
        if (!Uri.TryCreate(_endpoint.Url, endpoint, out var address)
            || Uri.Compare(address, _endpoint.Url, UriComponents.SchemeAndServer, UriFormat.UriEscaped, StringComparison.OrdinalIgnoreCase) != 0)
        {
            // What is sent to a server goes to the configured origin and nowhere else (protocol.md 2.2).
            _opened.TrySetResult((null, new HttpFailure(ForwardError.SendFailed, $"it wants messages at another origin than {_endpoint.Place}, which is refused", false)));
            _end = "it wants messages at another origin than its own";
            return false;
        }

        _opened.TrySetResult((address, default));
        return true;
    }

    private void WriteLine(ReadOnlySpan<byte> message)
    {
        if (!message.IsEmpty)
        {
            var line = _lines.Writer.GetSpan(message.Length + 1);
            message.CopyTo(line);
            line[message.Length] = (byte)'\n';
            _lines.Writer.Advance(message.Length + 1);
        }
    }

    private static byte[] Token(long id) => Encoding.ASCII.GetBytes(id.ToString(System.Globalization.CultureInfo.InvariantCulture));

    [LoggerMessage(EventIds.UpstreamMessageRefused, LogLevel.Warning, "Server {Server} did not take a message: {Reason}")]
    private static partial void LogPostFailed(ILogger logger, string server, string reason);

    [LoggerMessage(EventIds.UpstreamMessageTooLong, LogLevel.Warning, "Server {Server} sent a message over upstreamMessageBytesMax ({Max}); it was discarded.")]
    private static partial void LogTooLong(ILogger logger, string server, int max);
}
