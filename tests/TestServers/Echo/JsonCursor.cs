using System.Buffers;

namespace Fairlead.TestServers.Echo;

/// <summary>Walks the members of JSON objects in a text without decoding anything: keys and values come out as the raw bytes they were.</summary>
/// <remarks>
/// It trusts the text as far as speed asks for: what lies inside skipped values is only balanced, not validated.
/// A text it cannot follow throws <see cref="FormatException"/>.
/// </remarks>
internal ref struct JsonCursor(ReadOnlySpan<byte> text)
{
    private static readonly SearchValues<byte> s_structure = SearchValues.Create("\"{}[]"u8);
    private static readonly SearchValues<byte> s_scalarEnd = SearchValues.Create(",}] \t\r\n"u8);
    private static readonly SearchValues<byte> s_stringStop = SearchValues.Create("\"\\"u8);

    private readonly ReadOnlySpan<byte> _text = text;
    private int _position;

    /// <summary>Steps into the object that starts here. False, and nothing is read, when something else starts here.</summary>
    public bool TryEnterObject()
    {
        SkipSpace();
        if (Current != (byte)'{')
        {
            return false;
        }

        _position++;
        return true;
    }

    /// <summary>Reads the next key of the object that was entered last and stops before its value, which the caller reads or enters. False past the object's end.</summary>
    /// <param name="key">The key without its quotes, escapes as written.</param>
    public bool TryReadKey(out ReadOnlySpan<byte> key)
    {
        SkipSpace();
        if (Current == (byte)',')
        {
            _position++;
            SkipSpace();
        }

        if (Current == (byte)'}')
        {
            _position++;
            key = default;
            return false;
        }

        key = ReadString()[1..^1];
        SkipSpace();
        if (Current != (byte)':')
        {
            throw new FormatException("a key without a value");
        }

        _position++;
        SkipSpace();
        return true;
    }

    /// <summary>Reads the raw value that starts here; a string keeps its quotes.</summary>
    public ReadOnlySpan<byte> ReadValue()
    {
        switch (Current)
        {
            case (byte)'"':
                return ReadString();
            case (byte)'{' or (byte)'[':
                return ReadContainer();
            default:
                var rest = _text[_position..];
                var end = rest.IndexOfAny(s_scalarEnd);
                end = end < 0 ? rest.Length : end;
                _position += end;
                return end > 0 ? rest[..end] : throw new FormatException("a value is missing");
        }
    }

    private readonly byte Current => _position < _text.Length ? _text[_position] : throw new FormatException("the text ends in the middle");

    private ReadOnlySpan<byte> ReadContainer()
    {
        var start = _position;
        var depth = 0;
        do
        {
            var next = _text[_position..].IndexOfAny(s_structure);
            if (next < 0)
            {
                throw new FormatException("an object or array does not end");
            }

            _position += next;
            switch (_text[_position])
            {
                case (byte)'"':
                    ReadString();
                    continue;
                case (byte)'{' or (byte)'[':
                    depth++;
                    break;
                default:
                    depth--;
                    break;
            }

            _position++;
        }
        while (depth > 0);
        return _text[start.._position];
    }

    private ReadOnlySpan<byte> ReadString()
    {
        if (Current != (byte)'"')
        {
            throw new FormatException("a key must be a string");
        }

        var start = _position++;
        while (true)
        {
            var stop = _text[_position..].IndexOfAny(s_stringStop);
            if (stop < 0)
            {
                throw new FormatException("a string does not end");
            }

            _position += stop;
            if (_text[_position] == (byte)'"')
            {
                _position++;
                return _text[start.._position];
            }

            _position = Math.Min(_position + 2, _text.Length);
        }
    }

    private void SkipSpace()
    {
        while (_position < _text.Length && _text[_position] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
        {
            _position++;
        }
    }
}
