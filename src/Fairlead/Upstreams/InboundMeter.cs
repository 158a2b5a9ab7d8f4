using Fairlead.Configuration;
using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <summary>Counts what a server sends beside answers and says when to stop reading for a while (decision 4: a flood is answered by not reading).</summary>
/// <remarks>
/// Used by the reader alone, except for the two properties. Junk is dear, it is read and looked at for nothing, and so are requests, each costs an answer. A server that goes on with either has half
/// of them in each further second, down to a sixteenth, until a second passes in which it stays below.
/// </remarks>
internal sealed class InboundMeter
{
    private readonly LimitsOptions _limits;
    private readonly TimeProvider _timeProvider;
    private const int HalvingsMax = 4;

    // Each line is read, looked at and forgotten by itself: a server that prints few letters at a time costs as much as one that prints many.
    private const int JunkLineBytesMin = 256;
    private long _windowStart;
    private long _junkBytes;
    private int _junkSeconds;
    private int _askingSeconds;
    private long _notifications;
    private long _requests;
    private long _progress;
    private long _straysBefore;
    private long _junkLines;
    private volatile string? _floodReason;

    /// <summary>Starts a window of one second now.</summary>
    public InboundMeter(LimitsOptions limits, TimeProvider timeProvider)
    {
        _limits = limits;
        _timeProvider = timeProvider;
        _windowStart = timeProvider.GetTimestamp();
    }

    /// <summary>Lines that were no messages, since the start.</summary>
    public long JunkLines => Volatile.Read(ref _junkLines);

    /// <summary>What the server floods with, while it does; else null.</summary>
    public string? FloodReason => _floodReason;

    /// <summary>Counts a line that is no message, a short one as 256 bytes.</summary>
    /// <returns>Whether it is worth a log line: the first hundred, then every thousandth.</returns>
    public bool Junk(int bytes)
    {
        _junkBytes += Math.Max(bytes, JunkLineBytesMin);
        _junkLines++;
        return _junkLines <= 100 || _junkLines % 1000 == 0;
    }

    /// <summary>Counts a message, unless it is an answer: those are counted where they meet no call (<see cref="UpstreamConnection.StrayAnswers"/>). Each request costs an answer, so a server that asks without pause is as much a flood as one that tells.</summary>
    public void Count(in Envelope envelope)
    {
        if (envelope.Kind == MessageKind.Request)
        {
            _requests++;
        }
        else if (envelope.Kind == MessageKind.Notification)
        {
            if (envelope.KnownMethod == McpMethod.NotificationsProgress)
            {
                _progress++;
            }
            else
            {
                _notifications++;
            }
        }
    }

    /// <summary>How long the reader must pause, or null. Also begins a new window when one has passed.</summary>
    /// <param name="shared">The connection, when the reader reads for all of its calls; null for the stream of one call.</param>
    public TimeSpan? TakePause(UpstreamConnection? shared = null)
    {
        var strays = shared is null ? 0 : shared.StrayAnswers - _straysBefore;
        if (_floodReason is null && _junkBytes == 0 && _notifications == 0 && _requests == 0 && _progress == 0 && strays == 0)
        {
            return null;
        }

        var elapsed = _timeProvider.GetElapsedTime(_windowStart);
        var second = TimeSpan.FromSeconds(1);
        if (elapsed >= second)
        {
            _junkSeconds = 0;
            _askingSeconds = 0;
            NewWindow(strays, _timeProvider.GetTimestamp());
            _floodReason = null;
            return null;
        }

        if (WhatFloods(strays, shared) is not { } what)
        {
            return null;
        }

        _floodReason = what;
        _junkSeconds = _junkBytes > JunkBytesMax ? _junkSeconds + 1 : 0;
        _askingSeconds = _requests > RequestsMax ? _askingSeconds + 1 : 0;

        // The next second begins when reading does: a pause that counted as a second of quiet would give twice the budget.
        NewWindow(strays, _windowStart + _timeProvider.TimestampFrequency);
        return second - elapsed;
    }

    private long JunkBytesMax => _limits.JunkBytesPerSecondMax >> Math.Min(_junkSeconds, HalvingsMax);

    private int RequestsMax => Math.Max(1, _limits.NotificationsPerSecondMax >> Math.Min(_askingSeconds, HalvingsMax));

    private string? WhatFloods(long strays, UpstreamConnection? shared)
    {
        var max = _limits.NotificationsPerSecondMax;
        if (_junkBytes > JunkBytesMax)
        {
            return $"prints more than {_limits.JunkBytesPerSecondMax} bytes a second that are no messages";
        }

        // Each call has the whole budget for its progress: a server that works on many at a time is none that floods. They are counted only when one budget is spent.
        return _notifications > max ? $"sends more than {max} notifications a second"
            : _requests > RequestsMax ? $"sends more than {max} requests a second"
            : strays > max ? $"sends more than {max} answers a second that nobody waits for"
            : _progress > max && _progress > max * (long)Math.Max(1, shared?.Pending.CountOpen() ?? 1) ? $"sends more than {max} notifications of progress a second for a call"
            : null;
    }

    private void NewWindow(long strays, long start)
    {
        _windowStart = start;
        _junkBytes = 0;
        _notifications = 0;
        _requests = 0;
        _progress = 0;
        _straysBefore += strays;
    }
}
