namespace Fairlead.Sessions;

/// <summary>One SSE stream of a legacy session, as the client can resume it: its events since it began, as far as the bounds of the session keep them.</summary>
/// <remarks>
/// One producer appends; one response at a time reads. A reader that comes later (GET with Last-Event-ID) takes over: the older one ends.
/// An event id is <c>&lt;stream&gt;-&lt;sequence&gt;</c>, so an id names the stream that it belongs to (2025-11-25, basic/transports, Resumability).
/// </remarks>
internal sealed class SessionStream
{
    private readonly SessionEventLog _log;
    private readonly Queue<SessionEvent> _events = new();
    private readonly Lock _lock = new();
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _next;
    private int _reader;
    private bool _ended;

    /// <summary>A stream of <paramref name="log"/>'s session, whose events are numbered from after <paramref name="numbersAfter"/>.</summary>
    public SessionStream(long number, SessionEventLog log, long numbersAfter)
    {
        Number = number;
        _log = log;
        _next = numbersAfter + 1;
    }

    /// <summary>The stream's number within its session; 0 is the standalone stream.</summary>
    public long Number { get; }

    /// <summary>Sequence number of the last event that a response has carried: a GET without Last-Event-ID goes on after it. Written by the reader.</summary>
    public long Delivered { get; set; }

    /// <summary>Adds an event and wakes the reader.</summary>
    /// <param name="message">A whole JSON-RPC message without line breaks, or empty for the priming event. Owned by the log from here on.</param>
    /// <returns>The event.</returns>
    public SessionEvent Append(byte[] message)
    {
        TaskCompletionSource news;
        SessionEvent added;
        lock (_lock)
        {
            added = new SessionEvent(Number, _next++, message);
            _events.Enqueue(added);
            news = _news;
            _news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        _log.Added(this, added);
        news.TrySetResult();
        return added;
    }

    /// <summary>No event will follow: readers end when they have read all.</summary>
    public void End()
    {
        TaskCompletionSource news;
        lock (_lock)
        {
            _ended = true;
            news = _news;
        }

        news.TrySetResult();
    }

    /// <summary>Becomes the reader; an older one ends.</summary>
    /// <returns>A ticket for <see cref="IsReader"/>.</returns>
    public int TakeOver()
    {
        TaskCompletionSource news;
        int ticket;
        lock (_lock)
        {
            ticket = ++_reader;
            news = _news;
            _news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        news.TrySetResult();
        return ticket;
    }

    /// <summary>Whether nobody has taken over since.</summary>
    public bool IsReader(int ticket)
    {
        lock (_lock)
        {
            return _reader == ticket;
        }
    }

    /// <summary>The events after a sequence number, whether the stream has ended, and a task that completes when there may be more.</summary>
    public (SessionEvent[] Events, bool Ended, Task News) ReadAfter(long sequence)
    {
        lock (_lock)
        {
            return (_events.Where(e => e.Sequence > sequence).ToArray(), _ended, _news.Task);
        }
    }

    /// <summary>Drops the oldest event; only the log calls it.</summary>
    internal void Trim(long sequence)
    {
        lock (_lock)
        {
            while (_events.TryPeek(out var oldest) && oldest.Sequence <= sequence)
            {
                _events.Dequeue();
            }
        }
    }
}

/// <summary>One event of a session's stream.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Sequence">Its number in the stream: 1 and up, or from the time of a revival on.</param>
/// <param name="Message">The JSON-RPC message; empty for the priming event and for an answer that was too long to keep.</param>
internal sealed record SessionEvent(long Stream, long Sequence, byte[] Message)
{
    /// <summary>The event id on the wire.</summary>
    public byte[] Id => System.Text.Encoding.ASCII.GetBytes($"{Stream}-{Sequence}");

    /// <summary>Reads an event id back.</summary>
    public static bool TryParseId(string id, out long stream, out long sequence)
    {
        stream = 0;
        sequence = 0;
        var dash = id.IndexOf('-', StringComparison.Ordinal);
        return dash > 0
            && long.TryParse(id.AsSpan(0, dash), System.Globalization.NumberStyles.None, null, out stream)
            && long.TryParse(id.AsSpan(dash + 1), System.Globalization.NumberStyles.None, null, out sequence);
    }
}

/// <summary>Keeps the streams of one session and bounds what they hold together: 256 events, 1 MiB, 5 minutes (decision 7).</summary>
internal sealed class SessionEventLog
{
    /// <summary>Most events kept.</summary>
    public const int EventsMax = 256;

    /// <summary>Most bytes kept.</summary>
    public const int BytesMax = 1024 * 1024;

    /// <summary>Longest answer kept; a longer one is logged as lost.</summary>
    public const int AnswerBytesMax = 256 * 1024;

    private static readonly TimeSpan s_ageMax = TimeSpan.FromMinutes(5);

    private readonly TimeProvider _timeProvider;
    private readonly Lock _lock = new();
    private readonly Dictionary<long, SessionStream> _streams = [];
    private readonly Queue<(SessionStream Stream, SessionEvent Event, long At)> _order = new();
    private long _bytes;
    private long _nextStream;

    /// <summary>Starts with the standalone stream.</summary>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="numbersAfter">Streams and events of the standalone stream get higher numbers than this: an event id from before a restart then names a stream that is gone, or
    /// a place before all events of this one.</param>
    public SessionEventLog(TimeProvider timeProvider, long numbersAfter = 0)
    {
        _timeProvider = timeProvider;
        _nextStream = numbersAfter + 1;
        Standalone = new SessionStream(0, this, numbersAfter);
        _streams[0] = Standalone;
    }

    /// <summary>The stream of GET: what belongs to no call.</summary>
    public SessionStream Standalone { get; }

    /// <summary>Opens the stream of a POST.</summary>
    public SessionStream Open()
    {
        lock (_lock)
        {
            var stream = new SessionStream(_nextStream++, this, 0);
            _streams[stream.Number] = stream;
            return stream;
        }
    }

    /// <summary>Finds the stream of an event id, while any of its events is kept.</summary>
    public SessionStream? Find(long number)
    {
        lock (_lock)
        {
            return _streams.GetValueOrDefault(number);
        }
    }

    /// <summary>Counts an event and drops what is over the bounds, oldest first.</summary>
    internal void Added(SessionStream stream, SessionEvent added)
    {
        lock (_lock)
        {
            var now = _timeProvider.GetTimestamp();
            _order.Enqueue((stream, added, now));
            _bytes += added.Message.Length;
            while (_order.TryPeek(out var oldest)
                && (_order.Count > EventsMax || _bytes > BytesMax || _timeProvider.GetElapsedTime(oldest.At, now) > s_ageMax))
            {
                _order.Dequeue();
                _bytes -= oldest.Event.Message.Length;
                oldest.Stream.Trim(oldest.Event.Sequence);
                if (oldest.Stream.Number != 0 && oldest.Stream.ReadAfter(0) is { Ended: true, Events.Length: 0 })
                {
                    _streams.Remove(oldest.Stream.Number);
                }
            }
        }
    }
}
