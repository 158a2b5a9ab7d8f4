using System.Buffers;
using System.Collections.Concurrent;
using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <summary>One message on its way to a server: a rented buffer and a link for the writer's queue.</summary>
/// <remarks>Pooled. Whoever holds a frame either hands it to a connection, which then owns it, or calls <see cref="Return"/>; never both.</remarks>
internal sealed class OutboundFrame : IBufferWriter<byte>
{
    // More frames than this are never waiting in practice; above it they are left to the collector.
    private const int PooledMax = 1024;

    private static readonly ConcurrentQueue<OutboundFrame> s_pool = new();
    private static int s_pooled;

    private byte[] _buffer = [];
    private int _length;

    private OutboundFrame()
    {
    }

    /// <summary>The link of the writer's queue; nobody else touches it.</summary>
    internal OutboundFrame? Next { get; set; }

    /// <summary>The bytes written so far.</summary>
    public ReadOnlySpan<byte> Span => _buffer.AsSpan(0, _length);

    /// <summary>The bytes written so far; valid until <see cref="Return"/>.</summary>
    public ReadOnlyMemory<byte> Memory => _buffer.AsMemory(0, _length);

    /// <summary>Takes an empty frame with room for <paramref name="sizeHint"/> bytes; it grows when more is written.</summary>
    public static OutboundFrame Rent(int sizeHint)
    {
        if (s_pool.TryDequeue(out var frame))
        {
            Interlocked.Decrement(ref s_pooled);
        }
        else
        {
            frame = new OutboundFrame();
        }

        if (frame._buffer.Length < sizeHint)
        {
            frame._buffer = MessageBuffers.Rent(sizeHint);
        }

        return frame;
    }

    /// <summary>A frame that holds a copy of <paramref name="message"/>.</summary>
    public static OutboundFrame Copy(ReadOnlySpan<byte> message)
    {
        var frame = Rent(message.Length);
        message.CopyTo(frame._buffer);
        frame._length = message.Length;
        return frame;
    }

    /// <summary>Adds bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        Grow(bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(_length));
        _length += bytes.Length;
    }

    /// <summary>Adds JSON with raw line breaks turned into spaces: inside a JSON text they are always whitespace (protocol.md 2.1).</summary>
    public void AppendBlankingNewlines(ReadOnlySpan<byte> json)
    {
        Grow(json.Length);
        var target = _buffer.AsSpan(_length, json.Length);
        json.CopyTo(target);
        target.Replace((byte)'\n', (byte)' ');
        target.Replace((byte)'\r', (byte)' ');
        _length += json.Length;
    }

    /// <summary>Forgets what was written. Only by whoever holds the frame.</summary>
    public void Clear() => _length = 0;

    /// <summary>Adds a number in digits.</summary>
    public void Append(long number)
    {
        Grow(20);
        number.TryFormat(_buffer.AsSpan(_length), out var written, default, System.Globalization.CultureInfo.InvariantCulture);
        _length += written;
    }

    /// <inheritdoc/>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _buffer.Length - _length);
        _length += count;
    }

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Grow(sizeHint);
        return _buffer.AsMemory(_length);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Grow(sizeHint);
        return _buffer.AsSpan(_length);
    }

    /// <summary>Gives the frame and its buffer back. The caller must not touch it afterwards.</summary>
    public void Return()
    {
        Next = null;
        _length = 0;

        // Small buffers stay with their frame: the next call finds both in one step. Large ones go back to the shared pool.
        if (_buffer.Length > 4096)
        {
            MessageBuffers.Return(_buffer);
            _buffer = [];
        }

        if (Interlocked.Increment(ref s_pooled) <= PooledMax)
        {
            s_pool.Enqueue(this);
            return;
        }

        Interlocked.Decrement(ref s_pooled);
        if (_buffer.Length != 0)
        {
            MessageBuffers.Return(_buffer);
            _buffer = [];
        }
    }

    private void Grow(int sizeHint)
    {
        var needed = _length + Math.Max(sizeHint, 1);
        if (needed <= _buffer.Length)
        {
            return;
        }

        var larger = MessageBuffers.Rent(Math.Max(needed, _buffer.Length * 2));
        _buffer.AsSpan(0, _length).CopyTo(larger);
        if (_buffer.Length != 0)
        {
            MessageBuffers.Return(_buffer);
        }

        _buffer = larger;
    }
}
