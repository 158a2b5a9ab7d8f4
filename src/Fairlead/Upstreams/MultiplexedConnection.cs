using Fairlead.Configuration;
using Fairlead.Processes;
using Fairlead.Threads;
using Fairlead.Wire;
using Microsoft.Extensions.Logging;

namespace Fairlead.Upstreams;

/// <summary>A connection that carries all calls over one pair of streams, a message per line: a stdio child or an in-process server (MCP basic/transports, stdio).</summary>
/// <remarks>One reader and one batching writer. The reader owns its memory: an answer is copied once, into the call. It waits for nobody but the server.</remarks>
internal partial class MultiplexedConnection : UpstreamConnection
{
    // In one line, before the server has said who it is: room for long instructions. What goes on beyond it is nobody's answer, and reading all that a message may have would keep a core busy with each start.
    private const int FirstLineBytesMax = 1024 * 1024;

    private readonly Stream _input;
    private readonly Stream _output;
    private readonly UnixPipeStream? _pipe;
    private readonly FrameWriter _writer;
    private readonly LineReader _reader;
    private readonly CancellationTokenSource _stop = new();
    private readonly ILogger _logger;
    private readonly InboundMeter _meter;
    private readonly ScanLimits _scanLimits;
    private Task _reading = Task.CompletedTask;
    private int _isDisposed;

    /// <summary>Takes over both streams; they are closed with the connection.</summary>
    /// <param name="server">Name of the server.</param>
    /// <param name="input">What the server reads.</param>
    /// <param name="output">What the server writes.</param>
    /// <param name="sweep">Deadlines.</param>
    /// <param name="limits">Bounds.</param>
    /// <param name="logger">Where junk and oversized lines are told.</param>
    public MultiplexedConnection(string server, Stream input, Stream output, DeadlineSweep sweep, LimitsOptions limits, ILogger logger)
        : base(server, sweep, limits)
    {
        _input = input;
        _output = output;
        _pipe = output as UnixPipeStream;
        _logger = logger;
        _writer = new FrameWriter(input, WriteFailed);
        _reader = new LineReader(output, limits.UpstreamMessageBytesMax);
        _meter = new InboundMeter(limits, sweep.TimeProvider);
        _scanLimits = new ScanLimits(limits.JsonDepthMax, limits.IdBytesMax);
    }

    /// <summary>Lines of the server that were no messages.</summary>
    public long JunkLines => _meter.JunkLines;

    /// <summary>Why reading pauses at the moment ("floods ..."), or null: a reason to be Degraded.</summary>
    public string? FloodReason => _meter.FloodReason;

    /// <summary>Begins to read. Call once, after <see cref="UpstreamConnection.NotificationReceived"/> is set.</summary>
    public void Start() => _reading = Task.Run(ReadAllAsync);

    /// <inheritdoc/>
    internal override bool KeepsOrder => true;

    /// <inheritdoc/>
    internal override bool SharesQuestions => true;

    /// <inheritdoc/>
    protected internal override void Transmit(UpstreamCall call, OutboundFrame frame)
    {
        if (_writer.QueuedBytes + frame.Span.Length > Limits.BufferedBytesMax)
        {
            frame.Return();
            if (Pending.TryTake(call.UpstreamId, ForwardError.TooManyCalls, out var taken))
            {
                taken.Fail(ForwardError.TooManyCalls, "the server does not read its input");
            }

            return;
        }

        _writer.Add(frame);
    }

    /// <inheritdoc/>
    protected override void Transmit(OutboundFrame frame)
    {
        if (_writer.QueuedBytes + frame.Span.Length > Limits.BufferedBytesMax)
        {
            frame.Return();
            return;
        }

        _writer.Add(frame);
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        Lose(await DescribeEndAsync("the connection was closed").ConfigureAwait(false), byUs: true);
        await _stop.CancelAsync().ConfigureAwait(false);
        _writer.Dispose();
        await _input.DisposeAsync().ConfigureAwait(false);
        await _output.DisposeAsync().ConfigureAwait(false);
        await _reading.ConfigureAwait(false);
        _reader.Dispose();
        _stop.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Puts the end of the connection into words for clients and operators; a child adds its exit code and last stderr lines.</summary>
    protected virtual ValueTask<string> DescribeEndAsync(string reason) => new(reason);

    private async Task ReadAllAsync()
    {
        var reason = "it closed its output";
        var turn = default(ReaderTurn);
        try
        {
            var more = true;
            while (more)
            {
                var reading = _reader.ReadMoreAsync(_stop.Token);
                if (turn.IsOver(waited: !reading.IsCompleted))
                {
                    await PoolThread.Switch();
                }

                more = _reader.Filled(await reading.ConfigureAwait(false));
                while (Faults?.Held is { IsCompleted: false } held)
                {
                    await held.WaitAsync(_stop.Token).ConfigureAwait(false);
                }

                if (!HandleBuffered())
                {
                    reason = $"it sent a line without end (more than 4 x {Limits.UpstreamMessageBytesMax} bytes)";
                    break;
                }

                if (_reader.HeldBytes > FirstLineBytesMax && IdentityOrNull is null)
                {
                    reason = $"it sent a line without end (more than {FirstLineBytesMax} bytes) instead of an answer to its handshake";
                    break;
                }

                var floodsAlready = _meter.FloodReason is not null;
                var pausing = _meter.TakePause(this);
                if (_pipe is not null)
                {
                    _pipe.IsNarrow = _meter.FloodReason is not null;
                }

                if (pausing is { } pause)
                {
                    // Once for each flood: a line a second for as long as it lasts would be a flood of our own.
                    var flood = _meter.FloodReason ?? "sends too much";
                    LogFlood(_logger, floodsAlready ? LogLevel.Debug : LogLevel.Warning, Server, flood, pause);
                    PausedByFlood?.Invoke(flood);
                    await Task.Delay(pause, Sweeper.TimeProvider, _stop.Token).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException)
        {
            reason = "the connection was closed";
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or InvalidOperationException or System.Net.Sockets.SocketException)
        {
            // A pipe of this process says InvalidOperationException when it was closed under its reader.
            reason = "its output could not be read: " + exception.Message;
        }

        Lose(await DescribeEndAsync(reason).ConfigureAwait(false));
    }

    /// <summary>Handles every whole line that has been read; false when the stream must be given up.</summary>
    private bool HandleBuffered()
    {
        while (_reader.TryRead(out var kind, out var line))
        {
            switch (kind)
            {
                case LineKind.Message:
                    HandleMessage(line);
                    break;
                case LineKind.Junk:
                    // Servers print banners and debug lines.
                    Junk(line);
                    break;
                case LineKind.TooLong:
                    LogTooLong(_logger, Server, Limits.UpstreamMessageBytesMax);
                    RefuseAnswer(_reader.TooLongId, ForwardError.AnswerTooLarge, $"upstreamMessageBytesMax is {Limits.UpstreamMessageBytesMax}");
                    break;
                default:
                    return false;
            }
        }

        return true;
    }

    private void HandleMessage(ReadOnlySpan<byte> line)
    {
        var error = EnvelopeScanner.Scan(line, _scanLimits, out var envelope);
        if (error != ScanError.None)
        {
            RefuseInvalid(line, envelope.Id.Of(line), error.ToString());
            Junk(line);
            return;
        }

        if (envelope.Kind == MessageKind.Batch)
        {
            // 2025-03-26 allows arrays; no server on stdio was seen to send one.
            foreach (var element in new JsonElements(line, envelope.Root))
            {
                HandleMessage(element.Of(line));
            }

            return;
        }

        _meter.Count(envelope);
        Receive(line, envelope, streamOf: null);
    }

    /// <summary>Fails the call that a broken message answers. The scan ends at the fault, and most SDKs write the id behind it, at the very end.</summary>
    private void RefuseInvalid(ReadOnlySpan<byte> line, ReadOnlySpan<byte> id, string detail)
    {
        if (id.IsEmpty)
        {
            var ends = new OverlongMessage();
            ends.Append(line);
            id = ends.FindId(out var asks);
            id = asks ? default : id;
        }

        RefuseAnswer(id, ForwardError.AnswerInvalid, detail);
    }

    private void Junk(ReadOnlySpan<byte> line)
    {
        if (_meter.Junk(line.Length))
        {
            LogJunk(_logger, Server, _meter.JunkLines, System.Text.Encoding.UTF8.GetString(line[..Math.Min(line.Length, 200)]));
        }
    }

    private void WriteFailed(Exception exception)
    {
        // The reader tells the better story (exit code, stderr); it ends by itself when the server is gone. A server that only closed its input is lost too.
        LogWriteFailed(_logger, Server, exception.Message);
        _ = LoseAfterReaderAsync("it closed its input: " + exception.Message);
    }

    private async Task LoseAfterReaderAsync(string reason) => Lose(await DescribeEndAsync(reason).ConfigureAwait(false));

    [LoggerMessage(Diagnostics.EventIds.UpstreamJunk, LogLevel.Debug, "Server {Server} printed a line that is no message (the {Count}th): {Line}")]
    private static partial void LogJunk(ILogger logger, string server, long count, string line);

    [LoggerMessage(Diagnostics.EventIds.UpstreamLineTooLong, LogLevel.Warning, "Server {Server} sent a message over upstreamMessageBytesMax ({Max}); it was discarded.")]
    private static partial void LogTooLong(ILogger logger, string server, int max);

    [LoggerMessage(EventId = Diagnostics.EventIds.UpstreamFlood, Message = "Server {Server} {Reason}; reading pauses for {Pause}.")]
    private static partial void LogFlood(ILogger logger, LogLevel level, string server, string reason, TimeSpan pause);

    [LoggerMessage(Diagnostics.EventIds.UpstreamWriteFailed, LogLevel.Debug, "Writing to server {Server} failed: {Reason}")]
    private static partial void LogWriteFailed(ILogger logger, string server, string reason);
}
