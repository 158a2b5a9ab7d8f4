using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tomlyn;
using Tomlyn.Model;
using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace Fairlead.Cli.Clients;

/// <summary>A TOML file of a user. What is set becomes a table of its own, <c>[mcp_servers.NAME]</c>; tables that were written another way are not touched but named.</summary>
internal sealed class TomlFile : EditedFile
{
    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly JsonSerializerOptions s_quoting = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly bool _hasPreamble;
    private string _text;
    private DocumentSyntax _document;
    private TomlTable _model;

    private TomlFile(string path, byte[]? original, bool hasPreamble, string text, DocumentSyntax document, TomlTable model)
        : base(path, original)
    {
        (_hasPreamble, _text, _document, _model) = (hasPreamble, text, document, model);
    }

    /// <summary>Reads bytes; null counts as empty.</summary>
    /// <param name="path">Full path, for messages.</param>
    /// <param name="original">The bytes; null when there is no such file.</param>
    /// <param name="problem">Why they cannot be used, with line and column; null when they can.</param>
    public static TomlFile? Parse(string path, byte[]? original, out string? problem)
    {
        var hasPreamble = original.AsSpan().StartsWith(Encoding.UTF8.Preamble);
        string text;
        try
        {
            text = s_utf8.GetString(original.AsSpan(hasPreamble ? Encoding.UTF8.Preamble.Length : 0));
        }
        catch (DecoderFallbackException)
        {
            problem = $"{path} is not UTF-8. Save it as UTF-8.";
            return null;
        }

        return Read(path, text, out problem) is var (document, model) ? new TomlFile(path, original, hasPreamble, text, document, model) : null;
    }

    /// <inheritdoc/>
    public override bool TryGet(IReadOnlyList<string> path, out JsonNode? value)
    {
        object? at = _model;
        foreach (var name in path)
        {
            if (at is not TomlTable table || !table.TryGetValue(name, out at))
            {
                value = null;
                return false;
            }
        }

        value = ToJson(at);
        return true;
    }

    /// <inheritdoc/>
    public override void Set(IReadOnlyList<string> path, JsonNode value)
    {
        var line = _text.Contains("\r\n", StringComparison.Ordinal) ? "\r\n" : "\n";
        var block = Block(path, value as JsonObject ?? throw new InvalidDataException($"{Path}: only a table can be written, and {path[^1]} is none."), line);
        var tables = TablesOf(path);
        if (tables.Count == 0)
        {
            var end = _text.Length == 0 || _text.EndsWith('\n') ? "" : line;
            var gap = _text.Length == 0 || _text.EndsWith(line + line, StringComparison.Ordinal) ? "" : line;
            Change(_text + end + gap + block);
            return;
        }

        var changed = new StringBuilder(_text);
        foreach (var (start, end) in tables.Skip(1).Reverse())
        {
            changed.Remove(start, end - start);
        }

        Change(changed.Remove(tables[0].Start, tables[0].End - tables[0].Start).Insert(tables[0].Start, block).ToString());
    }

    /// <inheritdoc/>
    public override bool Remove(IReadOnlyList<string> path)
    {
        var tables = TablesOf(path);
        var changed = new StringBuilder(_text);
        foreach (var (start, end) in Enumerable.Reverse(tables))
        {
            // The blank line that parted it from what stands before goes along when nothing comes behind.
            var blank = end < _text.Length ? 0 : _text.AsSpan(0, start).EndsWith("\r\n\r\n") ? 2 : _text.AsSpan(0, start).EndsWith("\n\n") ? 1 : 0;
            changed.Remove(start - blank, end - start + blank);
        }

        if (tables.Count != 0)
        {
            Change(changed.ToString());
        }

        return tables.Count != 0;
    }

    /// <inheritdoc/>
    public override byte[] Content() => _hasPreamble ? [.. Encoding.UTF8.Preamble, .. s_utf8.GetBytes(_text)] : s_utf8.GetBytes(_text);

    /// <summary>Where the table of a path and those below it stand, whole lines, in order.</summary>
    /// <exception cref="InvalidDataException">It is there, or what it belongs to is, in a form that cannot be edited table by table.</exception>
    private List<(int Start, int End)> TablesOf(IReadOnlyList<string> path)
    {
        // Of a table that is written as a value or by dotted keys no part can be set anew by a header.
        foreach (var (table, key, at) in Keys())
        {
            if (table.Count < path.Count && table.Append(key[0]).Zip(path).All(static pair => pair.First == pair.Second))
            {
                throw new InvalidDataException($"{Path}:{at.Line + 1}:{at.Column + 1}: {string.Join('.', table.Concat(key))} is written as a value here. Write it as a table, with a header like [{string.Join('.', path)}], or change it by hand.");
            }
        }

        return
        [
            .. _document.Tables.Where(table => Names(table.Name!) is var names && names.Count >= path.Count && names.Zip(path).All(static pair => pair.First == pair.Second))
                .Select(table =>
                {
                    var start = _text.LastIndexOf('\n', Math.Max(0, table.Span.Start.Offset - 1)) + 1;
                    var end = _text.IndexOf('\n', Math.Min(table.Span.End.Offset, _text.Length));
                    return (start, end < 0 ? _text.Length : end + 1);
                }),
        ];
    }

    /// <summary>All keys that have a value: the table they stand in, their names there, and the place.</summary>
    private IEnumerable<(List<string> Table, List<string> Key, TextPosition At)> Keys() =>
        _document.KeyValues.Select(static pair => (new List<string>(), Names(pair.Key!), pair.Span.Start))
            .Concat(_document.Tables.SelectMany(static table => table.Items.Select(pair => (Names(table.Name!), Names(pair.Key!), pair.Span.Start))));

    private static List<string> Names(KeySyntax key)
    {
        List<string> names = [Name(key.Key!)];
        foreach (var part in key.DotKeys)
        {
            names.Add(Name(part.Key!));
        }

        return names;
    }

    private static string Name(BareKeyOrStringValueSyntax key) => key is StringValueSyntax text ? text.Value! : ((BareKeySyntax)key).Key!.Text!;

    private static string Block(IReadOnlyList<string> path, JsonObject value, string line)
    {
        var block = new StringBuilder($"[{string.Join('.', path.Select(Key))}]{line}");
        foreach (var (name, member) in value)
        {
            block.Append(CultureInfo.InvariantCulture, $"{Key(name)} = {Value(member)}{line}");
        }

        return block.ToString();
    }

    private static string Key(string name) => BareKeySyntax.IsBareKey(name) ? name : Quoted(name);

    private static string Value(JsonNode? value) => value switch
    {
        JsonObject map => map.Count == 0 ? "{}" : $"{{ {string.Join(", ", map.Select(static pair => $"{Key(pair.Key)} = {Value(pair.Value)}"))} }}",
        JsonArray list => $"[{string.Join(", ", list.Select(Value))}]",
        null => throw new InvalidDataException("TOML has no null."),
        _ => value.GetValueKind() == JsonValueKind.String ? Quoted(value.GetValue<string>()) : value.ToJsonString(),
    };

    // The escapes of JSON are all among those of TOML.
    private static string Quoted(string text) => JsonSerializer.Serialize(text, s_quoting);

    private static JsonNode? ToJson(object? value) => value switch
    {
        TomlTable table => new JsonObject(table.Select(static pair => KeyValuePair.Create(pair.Key, ToJson(pair.Value)))),
        TomlArray list => new JsonArray([.. list.Select(ToJson)]),
        TomlTableArray tables => new JsonArray([.. tables.Select(ToJson)]),
        string text => JsonValue.Create(text),
        bool flag => JsonValue.Create(flag),
        long number => JsonValue.Create(number),
        double number when double.IsFinite(number) => JsonValue.Create(number),
        _ => JsonValue.Create(Convert.ToString(value, CultureInfo.InvariantCulture)),
    };

    /// <summary>Null when the text is no TOML. The parser's own words quote the line, which may hold a credential: only the place is told.</summary>
    private static (DocumentSyntax Document, TomlTable Model)? Read(string path, string text, out string? problem)
    {
        problem = null;
        var document = SyntaxParser.Parse(text, path, validate: true);
        if (document.HasErrors)
        {
            var first = document.Diagnostics.First(static message => message.Kind == DiagnosticMessageKind.Error);
            var what = first.Message.Contains("already defined", StringComparison.Ordinal) ? "The key stands there twice." : "The TOML is broken here.";
            problem = $"{path}:{first.Span.Start.Line + 1}:{first.Span.Start.Column + 1}: {what}";
            return null;
        }

        try
        {
            return (document, TomlSerializer.Deserialize<TomlTable>(text) ?? []);
        }
        catch (TomlException)
        {
            problem = $"{path}: its tables and keys contradict each other.";
            return null;
        }
    }

    private void Change(string text)
    {
        if (Read(Path, text, out var problem) is not var (document, model))
        {
            throw new InvalidDataException($"the change would break the file ({problem}), so nothing was written. Change it by hand.");
        }

        (_text, _document, _model) = (text, document, model);
    }
}
