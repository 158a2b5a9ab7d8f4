using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Configuration;

namespace Fairlead.Cli.Clients;

/// <summary>Where things stand in a JSON text, and what its bytes are after one change. Pure: the text itself is never touched.</summary>
/// <param name="text">UTF-8 without a byte order mark.</param>
/// <param name="root">What was read from exactly this text.</param>
internal sealed class JsonLayout(byte[] text, ConfigNode root)
{
    private const string DefaultUnit = "  ";
    private const int UnitLengthMax = 16;

    private readonly string _newLine = text.AsSpan().IndexOf("\r\n"u8) is >= 0 and var crlf && text.AsSpan().IndexOf((byte)'\n') == crlf + 1 ? "\r\n" : "\n";

    /// <summary>The text with a member, or an item of a list, behind the last one.</summary>
    /// <param name="container">An object or a list.</param>
    /// <param name="name">Name of the member; null for a list.</param>
    /// <param name="value">Its value.</param>
    public byte[] Insert(ConfigNode container, string? name, JsonNode value)
    {
        var open = container.Start;
        var close = container.End - 1;
        var isEmpty = container.Members.Count == 0 && container.Items.Count == 0;
        var lastEnd = isEmpty ? open + 1 : container.Members is [.., var lastMember] ? lastMember.Value.End : container.Items[^1].End;
        var contentEnd = close;
        while (contentEnd > lastEnd && IsBlank(text[contentEnd - 1]))
        {
            contentEnd--;
        }

        // A text in one line stays in one line; what is made from nothing gets lines of its own.
        var isOneLine = text.AsSpan(open, close - open).IndexOf((byte)'\n') < 0 && (!isEmpty || (container != root && text.AsSpan().Trim(" \t\r\n"u8).IndexOf((byte)'\n') < 0));
        var hasComma = !isEmpty && FindComma(lastEnd, close) >= 0;
        var comma = isEmpty || hasComma ? "" : ",";
        if (isOneLine)
        {
            var blank = text[close - 1] == ' ' ? " " : "";
            return Splice((lastEnd, lastEnd, comma), (contentEnd, contentEnd, (isEmpty ? "" : blank) + Label(name) + Render(value, null) + (hasComma ? "," : "")));
        }

        var indent = isEmpty ? IndentOf(open) + Unit() : IndentOfLast(container);
        var line = _newLine + indent + Label(name) + Render(value, indent) + (hasComma ? "," : "");
        var isClosedOnItsLine = text.AsSpan(contentEnd, close - contentEnd).IndexOf((byte)'\n') < 0;
        return isClosedOnItsLine
            ? Splice((lastEnd, lastEnd, comma), (contentEnd, close, line + _newLine + IndentOf(open)))
            : Splice((lastEnd, lastEnd, comma), (contentEnd, contentEnd, line));
    }

    /// <summary>The text with another value for a member.</summary>
    public byte[] Replace(ConfigMember member, JsonNode value)
    {
        var old = member.Value;
        var isOneLine = text.AsSpan(old.Start, old.End - old.Start).IndexOf((byte)'\n') < 0 && text.AsSpan().Trim(" \t\r\n"u8).IndexOf((byte)'\n') < 0;
        return Splice((old.Start, old.End, Render(value, isOneLine ? null : IndentOf(member.Start))));
    }

    /// <summary>The text without a member, its comma and, where it stood alone there, its lines.</summary>
    /// <param name="container">The object.</param>
    /// <param name="index">Which member.</param>
    public byte[] Remove(ConfigNode container, int index)
    {
        var member = container.Members[index];
        var close = container.End - 1;
        var next = FindComma(member.Value.End, index + 1 < container.Members.Count ? container.Members[index + 1].Start : close);
        var end = next >= 0 ? next + 1 : member.Value.End;

        // What follows on the line must not come up into the line before, which may end in a comment.
        var start = EndsLine(end) ? LineStartIfAlone(member.Start) : member.Start;
        if (next >= 0)
        {
            if (start == member.Start)
            {
                while (end < close && text[end] == ' ')
                {
                    end++;
                }
            }

            return Splice((start, end, ""));
        }

        var previous = index == 0 ? -1 : FindComma(container.Members[index - 1].Value.End, member.Start);
        if (previous < 0)
        {
            return Splice((start, end, ""));
        }

        while (start > previous + 1 && text[start - 1] is (byte)' ' or (byte)'\t')
        {
            start--;
        }

        return Splice((previous, previous + 1, ""), (start, end, ""));
    }

    private static bool IsBlank(byte character) => character is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n';

    private static string Label(string? name) => name is null ? "" : $"\"{JsonEncodedText.Encode(name, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\": ";

    /// <summary>A value as text.</summary>
    /// <param name="value">The value.</param>
    /// <param name="indent">What stands before its first line; null = everything in one line.</param>
    private string Render(JsonNode value, string? indent)
    {
        var unit = Unit();
        var options = new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        if (indent is null)
        {
            return value.ToJsonString(options);
        }

        options.WriteIndented = true;
        options.IndentCharacter = unit[0];
        options.IndentSize = unit.Length;
        options.NewLine = _newLine;
        return value.ToJsonString(options).Replace(_newLine, _newLine + indent, StringComparison.Ordinal);
    }

    /// <summary>One step of indentation: that of the first member of the root.</summary>
    private string Unit()
    {
        var unit = root.Members is [var first, ..] ? IndentOf(first.Start) : "";
        return unit.Length is 0 or > UnitLengthMax || unit.Distinct().Count() != 1 ? DefaultUnit : unit;
    }

    /// <summary>Where a new member begins: under the last one, when that stands at the start of its line.</summary>
    private string IndentOfLast(ConfigNode container)
    {
        var last = container.Members is [.., var member] ? member.Start : container.Items[^1].Start;
        return LineStartIfAlone(last) == last ? IndentOf(container.Start) + Unit() : IndentOf(last);
    }

    /// <summary>The blanks at the start of the line that holds an offset.</summary>
    private string IndentOf(int offset)
    {
        var start = text.AsSpan(0, offset).LastIndexOf((byte)'\n') + 1;
        var end = start;
        while (end < offset && text[end] is (byte)' ' or (byte)'\t')
        {
            end++;
        }

        return Encoding.ASCII.GetString(text, start, end - start);
    }

    /// <summary>The end of the line before, when only blanks stand between it and the offset; else the offset.</summary>
    private int LineStartIfAlone(int offset)
    {
        var start = offset;
        while (start > 0 && text[start - 1] is (byte)' ' or (byte)'\t')
        {
            start--;
        }

        if (start == 0 || text[start - 1] != '\n')
        {
            return offset;
        }

        start--;
        return start > 0 && text[start - 1] == '\r' ? start - 1 : start;
    }

    /// <summary>Whether only blanks stand between an offset and the end of its line.</summary>
    private bool EndsLine(int offset)
    {
        while (offset < text.Length && text[offset] is (byte)' ' or (byte)'\t' or (byte)'\r')
        {
            offset++;
        }

        return offset < text.Length && text[offset] == '\n';
    }

    /// <summary>The first comma between two offsets that stands in no comment, or -1. There is no other value between them.</summary>
    private int FindComma(int from, int to)
    {
        for (var at = from; at < to; at++)
        {
            switch (text[at])
            {
                case (byte)',':
                    return at;
                case (byte)'/' when text[at + 1] == '/':
                    var lineEnd = text.AsSpan(at, to - at).IndexOf((byte)'\n');
                    at = lineEnd < 0 ? to : at + lineEnd;
                    break;
                case (byte)'/':
                    at += 3 + text.AsSpan(at + 2, to - at - 2).IndexOf("*/"u8);
                    break;
            }
        }

        return -1;
    }

    /// <summary>The text with pieces replaced, given in the order of their places.</summary>
    private byte[] Splice(params (int Start, int End, string With)[] pieces)
    {
        using var result = new MemoryStream(text.Length + 256);
        var at = 0;
        foreach (var (start, end, with) in pieces)
        {
            result.Write(text, at, start - at);
            result.Write(Encoding.UTF8.GetBytes(with));
            at = end;
        }

        result.Write(text, at, text.Length - at);
        return result.ToArray();
    }
}
