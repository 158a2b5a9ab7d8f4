using System.Runtime.InteropServices;

namespace Fairlead.Wire;

/// <summary>What is kept of a message that is too long to hold, or cannot be scanned to its end: its first and last bytes, to find out whose answer it was (decision 4).</summary>
/// <remarks>
/// SDKs write the id of an answer either near the start (Python, Go) or at the very end (TypeScript, C#), so both ends are looked at. Members in the
/// middle, nested ones and texts that look like an id are not mistaken for it: only members of the root object count.
/// </remarks>
public sealed class OverlongMessage
{
    /// <summary>Bytes kept of either end.</summary>
    public const int KeptBytes = 512;

    private readonly byte[] _head = new byte[KeptBytes];
    private readonly byte[] _tail = new byte[KeptBytes];
    private int _headLength;
    private int _tailLength;

    /// <summary>Bytes seen so far.</summary>
    public long Length { get; private set; }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        Length = 0;
        _headLength = 0;
        _tailLength = 0;
    }

    /// <summary>Takes the next bytes of the message.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        Length += bytes.Length;
        var toHead = Math.Min(bytes.Length, KeptBytes - _headLength);
        bytes[..toHead].CopyTo(_head.AsSpan(_headLength));
        _headLength += toHead;

        bytes = bytes[Math.Max(0, bytes.Length - KeptBytes)..];
        var kept = Math.Min(_tailLength, KeptBytes - bytes.Length);
        _tail.AsSpan(_tailLength - kept, kept).CopyTo(_tail);
        bytes.CopyTo(_tail.AsSpan(kept));
        _tailLength = kept + bytes.Length;
    }

    /// <summary>Finds the root <c>id</c>.</summary>
    /// <param name="asks">Whether the message is a request or notification: then the id is the sender's own.</param>
    /// <returns>The id's token, valid until the next change; empty when neither end shows it.</returns>
    public ReadOnlySpan<byte> FindId(out bool asks)
    {
        asks = false;
        var id = FindInHead(ref asks);
        var fromTail = FindInTail(ref asks);
        return id.IsEmpty ? fromTail : id;
    }

    private static bool ShowsRequest(ReadOnlySpan<byte> name) => JsonText.Equals(name, "method"u8) || JsonText.Equals(name, "params"u8);

    private ReadOnlySpan<byte> FindInHead(scoped ref bool asks)
    {
        var head = _head.AsSpan(0, _headLength);
        var cursor = new JsonCursor(head, head is [0xEF, 0xBB, 0xBF, ..] ? 3 : 0);
        ReadOnlySpan<byte> id = default;
        if (!cursor.TryTake((byte)'{'))
        {
            return id;
        }

        do
        {
            if (!cursor.TryReadString(out var name))
            {
                break;
            }

            asks |= ShowsRequest(name.Of(head));

            // A number at the cut may go on behind it, so something must follow the value.
            if (!cursor.TryTake((byte)':') || !cursor.TryReadValue(out var value) || cursor.PeekToken() == 0)
            {
                break;
            }

            if (JsonText.Equals(name.Of(head), "id"u8))
            {
                id = value.Of(head);
            }
        }
        while (cursor.TryTake((byte)','));

        return id;
    }

    /// <summary>Reads the root members backwards from the closing brace, as far as the tail goes.</summary>
    private ReadOnlySpan<byte> FindInTail(scoped ref bool asks)
    {
        var tail = _tail.AsSpan(0, _tailLength);
        ReadOnlySpan<byte> id = default;
        var at = tail.Length;
        if (!TryStepBack(tail, ref at, (byte)'}'))
        {
            return id;
        }

        while (true)
        {
            SkipSpaceBack(tail, ref at);
            var valueEnd = at;
            if (!TrySkipValueBack(tail, ref at))
            {
                return id;
            }

            var value = tail[at..valueEnd];
            if (!TryStepBack(tail, ref at, (byte)':'))
            {
                return id;
            }

            SkipSpaceBack(tail, ref at);
            var nameEnd = at;
            if (!TrySkipStringBack(tail, ref at))
            {
                return id;
            }

            var name = tail[at..nameEnd];
            if (!IsToken(name) || !IsToken(value))
            {
                return id;
            }

            asks |= ShowsRequest(name);
            if (JsonText.Equals(name, "id"u8))
            {
                id = value;
            }

            if (!TryStepBack(tail, ref at, (byte)','))
            {
                return id;
            }
        }
    }

    /// <summary>Whether the bytes are one whole value: steps backwards follow quotes and braces only.</summary>
    private static bool IsToken(ReadOnlySpan<byte> text) =>
        JsonGrammar.SkipValue(ref MemoryMarshal.GetReference(text), text.Length, 0, JsonGrammar.LevelsMax) == text.Length;

    private static void SkipSpaceBack(ReadOnlySpan<byte> text, ref int at)
    {
        while (at > 0 && text[at - 1] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
        {
            at--;
        }
    }

    private static bool TryStepBack(ReadOnlySpan<byte> text, ref int at, byte expected)
    {
        SkipSpaceBack(text, ref at);
        if (at == 0 || text[at - 1] != expected)
        {
            return false;
        }

        at--;
        return true;
    }

    /// <summary>Steps from behind a closing quote to the opening one: the nearest quote without a backslash before it, for inner quotes always have
    /// one.</summary>
    private static bool TrySkipStringBack(ReadOnlySpan<byte> text, ref int at)
    {
        if (at == 0 || text[at - 1] != (byte)'"')
        {
            return false;
        }

        var quote = at - 1;
        do
        {
            quote = text[..quote].LastIndexOf((byte)'"');
        }
        while (quote > 0 && text[quote - 1] == (byte)'\\');

        // At offset 0 the byte before it is lost, so it may be an inner quote.
        if (quote <= 0)
        {
            return false;
        }

        at = quote;
        return true;
    }

    private static bool TrySkipValueBack(ReadOnlySpan<byte> text, ref int at)
    {
        if (at == 0)
        {
            return false;
        }

        if (text[at - 1] is not ((byte)'}' or (byte)']'))
        {
            return text[at - 1] == (byte)'"' ? TrySkipStringBack(text, ref at) : TrySkipWordBack(text, ref at);
        }

        var depth = 0;
        while (at > 0)
        {
            var value = text[at - 1];
            if (value == (byte)'"')
            {
                if (!TrySkipStringBack(text, ref at))
                {
                    return false;
                }

                continue;
            }

            at--;
            if (value is (byte)'}' or (byte)']')
            {
                depth++;
            }
            else if (value is (byte)'{' or (byte)'[' && --depth == 0)
            {
                return true;
            }
        }

        return false;
    }

    private static bool TrySkipWordBack(ReadOnlySpan<byte> text, ref int at)
    {
        var end = at;
        while (at > 0 && (char.IsAsciiLetterOrDigit((char)text[at - 1]) || text[at - 1] is (byte)'-' or (byte)'+' or (byte)'.'))
        {
            at--;
        }

        return at > 0 && at < end;
    }
}
