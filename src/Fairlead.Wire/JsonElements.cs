namespace Fairlead.Wire;

/// <summary>The elements of one array in their order, as places of the message: the messages of a batch, the pages of a list. Allocates nothing.</summary>
/// <remarks>Use with <c>foreach</c>. Over text that was not scanned the walk ends at the first fault.</remarks>
public ref struct JsonElements
{
    private readonly ReadOnlySpan<byte> _source;
    private JsonCursor _cursor;
    private bool _started;
    private bool _ended;

    /// <summary>Starts before the first element.</summary>
    /// <param name="source">The message.</param>
    /// <param name="arrayToken">An array of it, for a batch <see cref="Envelope.Root"/>. Anything else, absent included, has no elements.</param>
    public JsonElements(ReadOnlySpan<byte> source, ByteRange arrayToken)
    {
        _source = source[..arrayToken.End];
        _cursor = new JsonCursor(_source, arrayToken.Start);
        _ended = !arrayToken.Exists || source[arrayToken.Start] != (byte)'[';
        Current = default;
    }

    /// <summary>The element that <see cref="MoveNext"/> went to, without whitespace around it.</summary>
    public ByteRange Current { get; private set; }

    /// <summary>Number of elements of an array token; 0 for anything else.</summary>
    public static int Count(ReadOnlySpan<byte> source, ByteRange arrayToken)
    {
        var count = 0;
        foreach (var _ in new JsonElements(source, arrayToken))
        {
            count++;
        }

        return count;
    }

    /// <summary>This walk itself.</summary>
    public readonly JsonElements GetEnumerator() => this;

    /// <summary>Goes to the next element; false after the last.</summary>
    public bool MoveNext()
    {
        if (_ended)
        {
            return false;
        }

        _ended = true;
        if (_started)
        {
            if (!_cursor.TryTake((byte)','))
            {
                return false;
            }
        }
        else
        {
            _started = true;
            _cursor.Position++;
        }

        // The first read fails at the closing bracket of an empty array.
        if (!_cursor.TryReadValue(out var element))
        {
            return false;
        }

        Current = element;
        _ended = false;
        return true;
    }
}
