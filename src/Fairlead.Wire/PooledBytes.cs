
namespace Fairlead.Wire;

/// <summary>Bytes that grow in an array of the shared pool. Start with <c>default</c>, end with <see cref="Return"/>, never copy (two copies would
/// return one array twice).</summary>
internal struct PooledBytes
{
    /// <summary>A larger array goes back to the pool when the bytes are cleared, so one large event does not pin its memory for the life of a stream.</summary>
    private const int KeptBytesMax = 64 * 1024;

    private byte[]? _array;
    private int _start;
    private int _end;

    /// <summary>Number of bytes.</summary>
    public readonly int Length => _end - _start;

    /// <summary>The bytes, until the next change.</summary>
    public readonly ReadOnlySpan<byte> Span => _array.AsSpan(_start, _end - _start);

    /// <summary>Adds bytes at the end.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (_array is null || bytes.Length > _array.Length - _end)
        {
            Grow(bytes.Length);
        }

        bytes.CopyTo(_array.AsSpan(_end));
        _end += bytes.Length;
    }

    /// <summary>Drops the first bytes.</summary>
    public void TrimStart(int count) => _start += count;

    /// <summary>Drops all bytes.</summary>
    public void Clear()
    {
        _start = 0;
        _end = 0;
        if (_array?.Length > KeptBytesMax)
        {
            Return();
        }
    }

    /// <summary>Gives the array back; the bytes are gone, new ones may be added.</summary>
    public void Return()
    {
        _start = 0;
        _end = 0;
        if (_array is not null)
        {
            MessageBuffers.Return(_array);
            _array = null;
        }
    }

    private void Grow(int more)
    {
        var larger = MessageBuffers.Rent(Math.Max(256, Math.Max(checked(Length + more), (int)Math.Min(Length * 2L, Array.MaxLength))));
        Span.CopyTo(larger);
        _end -= _start;
        _start = 0;
        if (_array is not null)
        {
            MessageBuffers.Return(_array);
        }

        _array = larger;
    }
}
