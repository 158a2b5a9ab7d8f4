using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Fairlead.Configuration;

/// <summary>Reads JSON with comments and trailing commas into nodes that know their line and column.</summary>
/// <remarks>One object reads one text. A syntax error ends the reading, because what follows cannot be trusted; members that appear twice
/// are reported one by one and the first is kept.</remarks>
internal sealed class ConfigText
{
    /// <summary>Largest configuration file, in bytes.</summary>
    public const int BytesMax = 4 * 1024 * 1024;

    private const int DepthMax = 64;

    private readonly byte[] _bytes;
    private readonly Problems _problems;
    private readonly List<int> _lineStarts = [0];

    private ConfigText(byte[] bytes, Problems problems)
    {
        _bytes = bytes;
        _problems = problems;
        for (int i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] == (byte)'\n')
            {
                _lineStarts.Add(i + 1);
            }
        }
    }

    /// <summary>The root object, or null when the text could not be read; then an error was reported.</summary>
    public static ConfigNode? Read(byte[] bytes, Problems problems)
    {
        if (bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble))
        {
            bytes = bytes[3..];
        }
        else if (bytes.AsSpan().StartsWith(Encoding.Unicode.Preamble))
        {
            // Windows PowerShell writes UTF-16 when its output is sent to a file.
            bytes = Encoding.UTF8.GetBytes(Encoding.Unicode.GetString(bytes.AsSpan(2)));
        }

        if (!Utf8.IsValid(bytes))
        {
            problems.Error("", null, "The file is not UTF-8.", "Save it as UTF-8.");
            return null;
        }

        return new ConfigText(bytes, problems).ReadRoot();
    }

    private ConfigNode? ReadRoot()
    {
        var reader = new Utf8JsonReader(_bytes, new JsonReaderOptions
        {
            CommentHandling = JsonCommentHandling.Skip,
            AllowTrailingCommas = true,
            MaxDepth = DepthMax,
        });
        try
        {
            reader.Read();
            ConfigNode root = ReadValue(ref reader, "");
            reader.Read();
            if (root.Kind == JsonValueKind.Object)
            {
                return root;
            }

            _problems.ErrorAt(root.Line, root.Column, "", root.Show(), "The file must hold one JSON object.", "Put everything between { and }.");
        }
        catch (JsonException e)
        {
            ReportSyntax((int)(e.LineNumber ?? 0), (int)(e.BytePositionInLine ?? 0), reader.CurrentDepth);
        }

        return null;
    }

    private ConfigNode ReadValue(ref Utf8JsonReader reader, string path)
    {
        int start = (int)reader.TokenStartIndex;
        (int line, int column) = PlaceOf(start);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                return ReadObject(ref reader, path, line, column);
            case JsonTokenType.StartArray:
                var list = new ConfigNode { Kind = JsonValueKind.Array, Path = path, Line = line, Column = column, Start = start };
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    list.Items.Add(ReadValue(ref reader, $"{path}[{list.Items.Count}]"));
                }

                list.End = (int)reader.BytesConsumed;
                return list;
            default:
                JsonValueKind kind = reader.TokenType switch
                {
                    JsonTokenType.String => JsonValueKind.String,
                    JsonTokenType.Number => JsonValueKind.Number,
                    JsonTokenType.True => JsonValueKind.True,
                    JsonTokenType.False => JsonValueKind.False,
                    _ => JsonValueKind.Null,
                };
                string text = kind == JsonValueKind.String ? ReadString(ref reader, path, line, column) : Encoding.UTF8.GetString(reader.ValueSpan);
                return new ConfigNode { Kind = kind, Path = path, Text = text, Line = line, Column = column, Start = start, End = (int)reader.BytesConsumed };
        }
    }

    private ConfigNode ReadObject(ref Utf8JsonReader reader, string path, int line, int column)
    {
        var node = new ConfigNode { Kind = JsonValueKind.Object, Path = path, Line = line, Column = column, Start = (int)reader.TokenStartIndex };
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            int nameStart = (int)reader.TokenStartIndex;
            (int nameLine, int nameColumn) = PlaceOf(nameStart);
            string name = ReadString(ref reader, path, nameLine, nameColumn);
            string memberPath = ConfigNode.PathOf(path, name);
            reader.Read();
            ConfigNode value = ReadValue(ref reader, memberPath);
            if (node.Members.Find(member => member.Name == name) is { } first)
            {
                _problems.ErrorAt(nameLine, nameColumn, memberPath, null, $"The key stands twice in this object; the first time in line {first.Line}.", "Keep one of the two, or give one another name.");
                continue;
            }

            node.Members.Add(new ConfigMember(name, value, nameLine, nameColumn, nameStart));
        }

        node.End = (int)reader.BytesConsumed;
        return node;
    }

    private string ReadString(ref Utf8JsonReader reader, string path, int line, int column)
    {
        try
        {
            return reader.GetString() ?? "";
        }
        catch (InvalidOperationException)
        {
            // The text was checked to be UTF-8, so what is left is an escape like \ud800 without its other half.
            _problems.ErrorAt(line, column, path, null, "The text holds one half of a surrogate pair.", "Write the character itself, or both halves of its \\u escape.");
            return "";
        }
    }

    private void ReportSyntax(int line, int byteInLine, int depth)
    {
        int lineStart = _lineStarts[Math.Min(line, _lineStarts.Count - 1)];
        int index = Math.Min(lineStart + byteInLine, _bytes.Length);
        (int shownLine, int column) = PlaceOf(index);
        if (_bytes.AsSpan().Trim(" \t\r\n"u8).IsEmpty)
        {
            _problems.ErrorAt(1, 1, "", null, "The file is empty.", "Write at least { \"servers\": {} }.");
            return;
        }

        if (depth >= DepthMax)
        {
            _problems.ErrorAt(shownLine, column, "", null, $"Objects and lists are nested deeper than {DepthMax} levels.", "Take levels out.");
            return;
        }

        if (index >= _bytes.Length)
        {
            _problems.ErrorAt(shownLine, column, "", null, "The file ends in the middle of the JSON.", "Close every { with }, every [ with ] and every text with a quote.");
            return;
        }

        // Only one character is shown: what stands here may be a secret that lost its quotes.
        string fix = (char)_bytes[index] switch
        {
            '"' => "A comma or a colon is probably missing before it.",
            '\'' => "Texts and keys stand in double quotes.",
            '\n' or '\r' => "A quote is probably missing in this line, or a line break stands inside a text; write it as \\n.",
            '}' or ']' => "A value is missing before it, or another bracket is open.",
            '\\' => "A backslash in a text is written twice: C:\\\\Users.",
            _ => "Check the commas, and that texts and keys stand in double quotes.",
        };
        Rune.DecodeFromUtf8(_bytes.AsSpan(index), out Rune found, out _);
        string shown = Rune.IsControl(found) ? $"U+{found.Value:X4}" : found.ToString();
        _problems.ErrorAt(shownLine, column, "", null, $"The JSON is broken at the character {shown}.", fix);
    }

    private (int Line, int Column) PlaceOf(long index)
    {
        int line = _lineStarts.BinarySearch((int)index);
        line = line >= 0 ? line : ~line - 1;
        int column = Encoding.UTF8.GetCharCount(_bytes.AsSpan(_lineStarts[line], (int)index - _lineStarts[line]));
        return (line + 1, column + 1);
    }
}
