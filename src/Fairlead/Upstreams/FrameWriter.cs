using System.Buffers;
using System.Runtime.CompilerServices;

namespace Fairlead.Upstreams;

/// <summary>Writes frames of many callers to one stream, many per write. Lock-free for the callers.</summary>
/// <remarks>
/// Frames are pushed on a stack with one compare-and-swap; whoever finds nobody writing starts the writer on the pool, which takes the whole stack,
/// turns it round and writes it as one block; a single one as it is. Under load a write carries what came while the last one was under way; there is no loop that waits.
/// When the last runs had one frame alone, whoever brings the next writes it on the spot: a stream takes what it can without waiting, and nobody is woken. What comes meanwhile is the pool's again.
/// Bounded by the bytes that wait (<see cref="QueuedBytes"/>), which the connection checks before it adds.
/// </remarks>
internal sealed class FrameWriter : IThreadPoolWorkItem, IDisposable
{
    // One write of several frames carries at most this much; a longer frame is written on its own. 64 KiB is the capacity of a Linux pipe.
    private const int BlockBytes = 64 * 1024;

    // Between many callers a frame is now and then alone, and what its writer then does by itself is missed by the next block.
    private const int AloneRunsMin = 32;

    private readonly Stream _stream;
    private readonly Action<Exception> _failed;
    private byte[]? _block; // Rented when two frames meet for the first time: a server that is called now and then needs none.
    private OutboundFrame? _stack;
    private OutboundFrame? _ready; // Owned by the writer: frames in order.
    private int _writing;
    private int _aloneRuns = AloneRunsMin; // Owned by the writer: runs in a row that had one frame alone.
    private long _queuedBytes;
    private volatile bool _broken;

    /// <summary>Writes to <paramref name="stream"/>; <paramref name="failed"/> is called once when a write fails.</summary>
    public FrameWriter(Stream stream, Action<Exception> failed)
    {
        _stream = stream;
        _failed = failed;
    }

    /// <summary>Bytes handed over and not yet written.</summary>
    public long QueuedBytes => Volatile.Read(ref _queuedBytes);

    /// <summary>Adds a frame (without line break); it is owned by the writer from here on.</summary>
    public void Add(OutboundFrame frame)
    {
        Interlocked.Add(ref _queuedBytes, frame.Span.Length);
        var head = Volatile.Read(ref _stack);
        while (true)
        {
            frame.Next = head;
            var seen = Interlocked.CompareExchange(ref _stack, frame, head);
            if (ReferenceEquals(seen, head))
            {
                break;
            }

            head = seen;
        }

        if (Interlocked.Exchange(ref _writing, 1) == 0)
        {
            if (_aloneRuns >= AloneRunsMin)
            {
                _ = WriteAllAsync(onTheSpot: true);
            }
            else
            {
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            }
        }
    }

    /// <inheritdoc/>
    void IThreadPoolWorkItem.Execute() => _ = WriteAllAsync(onTheSpot: false);

    /// <summary>Gives the buffers back. Frames that wait are dropped.</summary>
    public void Dispose() => _broken = true;

    private async Task WriteAllAsync(bool onTheSpot)
    {
        try
        {
            for (var blocks = 0; ;)
            {
                while (TakeReady())
                {
                    _aloneRuns = blocks++ == 0 && _ready is { Next: null } ? Math.Min(_aloneRuns + 1, AloneRunsMin) : 0;
                    if (onTheSpot && blocks > 1)
                    {
                        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                        return;
                    }

                    if (_broken)
                    {
                        Drop();
                        continue;
                    }

                    await WriteBlockAsync().ConfigureAwait(false);
                }

                // Leave, then look again: a frame pushed between the two found a writer and started none.
                Interlocked.Exchange(ref _writing, 0);
                if (Volatile.Read(ref _stack) is null || Interlocked.Exchange(ref _writing, 1) != 0)
                {
                    return;
                }
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or OperationCanceledException or InvalidOperationException)
        {
            // _writing stays 1: later frames are only pushed and dropped with the connection.
            _broken = true;
            Drop();
            if (onTheSpot)
            {
                // Whoever brings a frame does not expect its connection to end in its hands.
                ThreadPool.UnsafeQueueUserWorkItem(static failed => failed.Writer._failed(failed.Exception), (Writer: this, Exception: exception), preferLocal: false);
            }
            else
            {
                _failed(exception);
            }
        }
    }

    private bool TakeReady()
    {
        if (_ready is not null)
        {
            return true;
        }

        var taken = Interlocked.Exchange(ref _stack, null);
        while (taken is not null)
        {
            var next = taken.Next;
            taken.Next = _ready;
            _ready = taken;
            taken = next;
        }

        return _ready is not null;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WriteBlockAsync()
    {
        if (_ready is { Next: null } only)
        {
            await WriteAloneAsync(only).ConfigureAwait(false);
            return;
        }

        var used = 0;
        long frameBytes = 0;
        var block = _block ??= ArrayPool<byte>.Shared.Rent(BlockBytes);
        while (_ready is { } frame)
        {
            var length = frame.Span.Length;
            if (used + length + 1 > BlockBytes)
            {
                if (used == 0)
                {
                    await WriteAloneAsync(frame).ConfigureAwait(false);
                    return;
                }

                break;
            }

            frame.Span.CopyTo(block.AsSpan(used));
            used += length;
            block[used++] = (byte)'\n';
            frameBytes += length;
            _ready = frame.Next;
            frame.Return();
        }

        await _stream.WriteAsync(block.AsMemory(0, used)).ConfigureAwait(false);
        Interlocked.Add(ref _queuedBytes, -frameBytes);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WriteAloneAsync(OutboundFrame frame)
    {
        var length = frame.Span.Length;
        _ready = frame.Next;
        frame.Append("\n"u8);
        await _stream.WriteAsync(frame.Memory).ConfigureAwait(false);
        frame.Return();
        Interlocked.Add(ref _queuedBytes, -length);
    }

    private void Drop()
    {
        while (TakeReady())
        {
            var frame = _ready!;
            _ready = frame.Next;
            Interlocked.Add(ref _queuedBytes, -frame.Span.Length);
            frame.Return();
        }
    }
}
