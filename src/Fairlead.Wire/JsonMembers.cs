namespace Fairlead.Wire;

/// <summary>One member of an object.</summary>
/// <param name="Name">The name's string token with its quotes.</param>
/// <param name="Value">The value's token.</param>
public readonly record struct JsonMember(ByteRange Name, ByteRange Value);

/// <summary>The members of one object in their order, as places of the message. For objects that an <see cref="Envelope"/> does not look into.
/// Allocates nothing.</summary>
/// <remarks>Use with <c>foreach</c>. Over text that was not scanned the walk ends at the first fault.</remarks>
public ref struct JsonMembers
{
    private readonly ReadOnlySpan<byte> _source;
    private JsonCursor _cursor;
    private bool _started;
    private bool _ended;

    /// <summary>Starts before the first member.</summary>
    /// <param name="source">The message.</param>
    /// <param name="objectToken">An object of it. Anything else, absent included, has no members.</param>
    public JsonMembers(ReadOnlySpan<byte> source, ByteRange objectToken)
    {
        // The text ends with the token, so a fault cannot lead out of it.
        _source = source[..objectToken.End];
        _cursor = new JsonCursor(_source, objectToken.Start);
        _ended = !objectToken.Exists || source[objectToken.Start] != (byte)'{';
        Current = default;
    }

    /// <summary>The member that <see cref="MoveNext"/> went to.</summary>
    public JsonMember Current { get; private set; }

    /// <summary>Finds a member by its name.</summary>
    /// <param name="source">The message.</param>
    /// <param name="objectToken">An object of it. Anything else has no members.</param>
    /// <param name="name">The name, unescaped and without quotes.</param>
    /// <param name="value">The value; of several with this name the last one, as in most JSON readers. Absent when there is none.</param>
    public static bool TryFind(ReadOnlySpan<byte> source, ByteRange objectToken, ReadOnlySpan<byte> name, out ByteRange value)
    {
        value = default;
        foreach (var member in new JsonMembers(source, objectToken))
        {
            if (JsonText.Equals(member.Name.Of(source), name))
            {
                value = member.Value;
            }
        }

        return value.Exists;
    }

    /// <summary>This walk itself.</summary>
    public readonly JsonMembers GetEnumerator() => this;

    /// <summary>Goes to the next member; false after the last.</summary>
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

        // The first read of a name fails at the closing brace of an empty object.
        if (!_cursor.TryReadString(out var name) || !_cursor.TryTake((byte)':') || !_cursor.TryReadValue(out var value))
        {
            return false;
        }

        Current = new JsonMember(name, value);
        _ended = false;
        return true;
    }
}
