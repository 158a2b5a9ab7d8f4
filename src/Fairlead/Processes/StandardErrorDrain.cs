using System.Buffers;
using System.Globalization;
using System.IO.Pipes;
using System.Text;
using Fairlead.Threads;

namespace Fairlead.Processes;

/// <summary>
/// Reads a child's stderr to its end, so that the child never waits for us, and keeps the last lines. Owns the reading; the loop is the only writer of
/// the tail, any thread may read it. What leaves this type is redacted.
/// </summary>
internal sealed class StandardErrorDrain
{
    /// <summary>Most bytes of UTF-8 that the tail keeps.</summary>
    public const int TailBytesMax = 64 * 1024;

    /// <summary>Longest line kept; the rest of a longer one is dropped up to its end.</summary>
    public const int LineBytesMax = 16 * 1024;

    /// <summary>
    /// What is read in one second before the flood rule holds: further lines of that second are dropped and counted, and reading pauses for 10 ms between
    /// reads. The pipe holds 16 KiB, so the child is slowed to some 1.6 MB/s, never stopped, and costs us a hundred reads a second instead of a core.
    /// </summary>
    public const int BytesPerSecondMax = 1024 * 1024;

    /// <summary>
    /// How many reads of one second may find a few bytes only before reading pauses for 10 ms between reads; nothing is dropped for that. A child that writes line by line as fast
    /// as it is read would otherwise make tens of thousands of them.
    /// </summary>
    public const int SmallReadsPerSecondMax = 100;

    /// <summary>
    /// How many seconds of flood in a row are taken for a burst. Past them each pause is twice the one before, up to <see cref="FloodPauseMax"/>, the pipe has its smallest size, and all lines are
    /// dropped, until less than 6 KiB/s is found in it: whoever floods without end would otherwise keep a core busy, its own and some of ours.
    /// </summary>
    public const int BurstSecondsMax = 5;

    /// <summary>Longest pause in a flood that does not end: 8 KiB/s are read then.</summary>
    public static readonly TimeSpan FloodPauseMax = TimeSpan.FromMilliseconds(500);

    /// <summary>What the pipe is to hold (<see cref="PipeCapacity"/>). Nobody waits for stderr, and a flood into it wakes us with each line.</summary>
    public const int PipeBytes = 16 * 1024;

    private static readonly TimeSpan s_floodPause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    // A secret that straddles the cut would not be recognised; its first half goes with this many last characters of a cut line.
    private const int CutMarginChars = 1024;
    private const int SmallReadBytes = 4096;

    // What a pipe of the smallest size holds when a line more does not fit.
    private const int FullBytes = PipeCapacity.Smallest * 3 / 4;
    private const string CutNote = " [line cut]";
    private readonly Stream _stream;
    private readonly Func<string, string>? _redact;
    private readonly Action<string>? _sink;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Queue<string> _tail = new();
    private readonly ArrayBufferWriter<byte> _line = new();
    private int _tailBytes;
    private bool _overflowed;
    private TimeSpan _pause = s_floodPause;
    private long _secondStartedAt;
    private long _secondBytes;
    private int _smallReads;
    private int _floodSeconds;
    private int _capacity = PipeBytes;
    private long _dropped;

    /// <summary>Prepares the reading; <see cref="RunAsync"/> does it.</summary>
    /// <param name="stream">The child's stderr; not disposed here.</param>
    /// <param name="redact">See <see cref="ChildProcessOptions.Redact"/>.</param>
    /// <param name="sink">Gets each line once, redacted; must not block. Null = none.</param>
    /// <param name="time">Clock of the flood rule.</param>
    public StandardErrorDrain(Stream stream, Func<string, string>? redact, Action<string>? sink, TimeProvider time)
    {
        _stream = stream;
        _redact = redact;
        _sink = sink;
        _time = time;
        _secondStartedAt = time.GetTimestamp();
    }

    /// <summary>The last lines, oldest first, at most <see cref="TailBytesMax"/> in all. A copy.</summary>
    public IReadOnlyList<string> Tail
    {
        get
        {
            lock (_gate)
            {
                return [.. _tail];
            }
        }
    }

    /// <summary>Reads until the last holder of the pipe closes it, or until cancelled; neither throws. Call once.</summary>
    /// <param name="cancellationToken">Ends the reading.</param>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[SmallReadBytes];
        try
        {
            while (await _stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is var count and > 0)
            {
                await PoolThread.Switch(); // Redaction and the caller's sink take their time.
                var pause = PauseAfter(count, out var isFlooding);
                Take(buffer.AsSpan(0, count), isFlooding);
                if (pause > TimeSpan.Zero)
                {
                    // A pipe's worth per read: with the small buffer the pause would stop the child in all but name.
                    buffer = buffer.Length < PipeBytes ? new byte[PipeBytes] : buffer;
                    await Task.Delay(pause, _time, cancellationToken).ConfigureAwait(false);
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or IOException)
        {
            // The stream was taken from us at the end of the child: what has been read stays valid.
        }

        KeepDropped();
        if (_line.WrittenCount > 0)
        {
            EndLine(flooding: false);
        }
    }

    /// <summary>How long not to read after a read, and whether its lines are dropped.</summary>
    private TimeSpan PauseAfter(int count, out bool isFlooding)
    {
        isFlooding = CountOfSecond(count) > BytesPerSecondMax;
        if (_floodSeconds >= BurstSecondsMax && count >= FullBytes * (_pause / FloodPauseMax))
        {
            isFlooding = true;
            Resize(PipeCapacity.Smallest);
            return _pause = 2 * _pause < FloodPauseMax ? 2 * _pause : FloodPauseMax;
        }

        if (_floodSeconds >= BurstSecondsMax)
        {
            _floodSeconds = 0;
            _pause = s_floodPause;
            Resize(PipeBytes);
        }

        return isFlooding || _smallReads > SmallReadsPerSecondMax ? s_floodPause : TimeSpan.Zero;
    }

    // Each line that is written wakes us, whether we mean to read it or not.
    private void Resize(int capacity)
    {
        if (_capacity != capacity && _stream is PipeStream pipe && PipeCapacity.TrySet(pipe.SafePipeHandle, capacity))
        {
            _capacity = capacity;
        }
    }

    private long CountOfSecond(int count)
    {
        var elapsed = _time.GetElapsedTime(_secondStartedAt);
        if (elapsed >= s_second)
        {
            // In a long flood the pauses keep each second below the bound: the pipe says when it is over.
            var wasFlooding = _secondBytes > BytesPerSecondMax && elapsed < 2 * s_second;
            _floodSeconds = wasFlooding ? _floodSeconds + 1 : _floodSeconds >= BurstSecondsMax ? _floodSeconds : 0;
            _secondStartedAt = _time.GetTimestamp();
            _secondBytes = 0;
            _smallReads = 0;
        }

        _smallReads += count < SmallReadBytes ? 1 : 0;
        return _secondBytes += count;
    }

    private void Take(ReadOnlySpan<byte> bytes, bool flooding)
    {
        while (!bytes.IsEmpty)
        {
            var end = bytes.IndexOf((byte)'\n');
            var part = end < 0 ? bytes : bytes[..end];
            var room = LineBytesMax - _line.WrittenCount;
            _line.Write(part[..Math.Min(part.Length, room)]);
            _overflowed |= part.Length > room;
            if (end < 0)
            {
                return;
            }

            EndLine(flooding);
            bytes = bytes[(end + 1)..];
        }
    }

    private void EndLine(bool flooding)
    {
        if (flooding)
        {
            _dropped++;
            _line.ResetWrittenCount();
            _overflowed = false;
            return;
        }

        KeepDropped();
        var line = Encoding.UTF8.GetString(_line.WrittenSpan).TrimEnd('\r');
        line = Redact(line);
        if (_overflowed)
        {
            line = line[..Math.Max(0, line.Length - CutMarginChars)] + CutNote;
        }

        _line.ResetWrittenCount();
        _overflowed = false;
        Keep(line);
    }

    private void KeepDropped()
    {
        if (_dropped > 0)
        {
            Keep(string.Create(CultureInfo.InvariantCulture, $"[{_dropped} lines dropped: more than {BytesPerSecondMax} bytes of stderr in a second]"));
            _dropped = 0;
        }
    }

    private string Redact(string line)
    {
        if (_redact is null)
        {
            return line;
        }

        try
        {
            return _redact(line);
        }
        catch (Exception e)
        {
            // The callback is the caller's: whatever it throws, the child must not wait and the line must not leak.
            return $"[line withheld: its redaction failed with {e.GetType().Name}]";
        }
    }

    private void Keep(string line)
    {
        lock (_gate)
        {
            _tail.Enqueue(line);
            _tailBytes += Encoding.UTF8.GetByteCount(line) + 1;
            while (_tailBytes > TailBytesMax)
            {
                _tailBytes -= Encoding.UTF8.GetByteCount(_tail.Dequeue()) + 1;
            }
        }

        _sink?.Invoke(line);
    }
}
