using Fairlead.Configuration;

namespace Fairlead.Upstreams;

/// <summary>Counts what a server sends beside answers and says when to stop reading for a while (decision 4: a flood is answered by not reading).</summary>
/// <remarks>Used by the reader alone, except for the two properties.</remarks>
internal sealed class InboundMeter
{
    private readonly LimitsOptions _limits;
    private readonly TimeProvider _timeProvider;
    private long _windowStart;
    private long _junkBytes;
    private long _notifications;
    private long _requests;
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

    /// <summary>Counts a line that is no message.</summary>
    /// <returns>Whether it is worth a log line: the first hundred, then every thousandth.</returns>
    public bool Junk(int bytes)
    {
        _junkBytes += bytes;
        _junkLines++;
        return _junkLines <= 100 || _junkLines % 1000 == 0;
    }

    /// <summary>Counts a notification outside the progress of a call.</summary>
    public void Notification() => _notifications++;

    /// <summary>Counts a request of the server. Each costs an answer, so a server that asks without pause is as much a flood as one that tells.</summary>
    public void Request() => _requests++;

    /// <summary>How long the reader must pause, or null. Also begins a new window when one has passed.</summary>
    public TimeSpan? TakePause()
    {
        if (_junkBytes == 0 && _notifications == 0 && _requests == 0)
        {
            return null;
        }

        var elapsed = _timeProvider.GetElapsedTime(_windowStart);
        var second = TimeSpan.FromSeconds(1);
        if (elapsed >= second)
        {
            NewWindow();
            _floodReason = null;
            return null;
        }

        if (_junkBytes <= _limits.JunkBytesPerSecondMax && _notifications <= _limits.NotificationsPerSecondMax && _requests <= _limits.NotificationsPerSecondMax)
        {
            return null;
        }

        _floodReason = _junkBytes > _limits.JunkBytesPerSecondMax
            ? $"prints more than {_limits.JunkBytesPerSecondMax} bytes a second that are no messages"
            : $"sends more than {_limits.NotificationsPerSecondMax} {(_notifications > _limits.NotificationsPerSecondMax ? "notifications" : "requests")} a second";
        NewWindow();
        return second - elapsed;
    }

    private void NewWindow()
    {
        _windowStart = _timeProvider.GetTimestamp();
        _junkBytes = 0;
        _notifications = 0;
        _requests = 0;
    }
}
