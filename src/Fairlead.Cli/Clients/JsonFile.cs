using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Configuration;

namespace Fairlead.Cli.Clients;

/// <summary>A JSON file of a user, comments and all, in which single members are set and removed while every other byte stays.</summary>
/// <remarks>Owns the text in memory; nothing is written to the disk here. One thread. Indentation and line ends follow what the file has.</remarks>
internal sealed class JsonFile : EditedFile
{
    private static readonly JsonDocumentOptions s_reading = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    private readonly bool _hasPreamble;
    private JsonLayout _layout;

    private JsonFile(string path, byte[]? original, byte[] text, bool hasPreamble, ConfigNode root)
        : base(path, original)
    {
        Text = text;
        _hasPreamble = hasPreamble;
        Root = root;
        _layout = new JsonLayout(text, root);
    }

    /// <summary>The object that the text holds, with the places of everything in it. Another one after each change.</summary>
    public ConfigNode Root { get; private set; }

    private byte[] Text { get; set; }

    /// <summary>Reads a file. One that does not exist, or holds nothing but blanks, counts as an empty object.</summary>
    /// <param name="path">Full path.</param>
    /// <param name="problem">Why it cannot be used, with line and column where the JSON is broken; null when it can.</param>
    public static JsonFile? Open(string path, out string? problem)
    {
        var original = TextFile.ReadBytes(path, BytesMax, out problem);
        return problem is null ? Parse(path, original, out problem) : null;
    }

    /// <summary>The same for bytes that were read already.</summary>
    public static JsonFile? Parse(string path, byte[]? original, out string? problem)
    {
        problem = null;
        var hasPreamble = original.AsSpan().StartsWith(Encoding.UTF8.Preamble);
        var text = original is null ? [] : hasPreamble ? original[Encoding.UTF8.Preamble.Length..] : original;
        if (text.AsSpan().Trim(" \t\r\n"u8).IsEmpty)
        {
            text = "{}\n"u8.ToArray();
        }

        if (text.AsSpan().StartsWith(Encoding.Unicode.Preamble))
        {
            problem = $"{path} is UTF-16. Save it as UTF-8.";
            return null;
        }

        var problems = new Problems(path);
        var root = ConfigText.Read(text, problems);
        if (problems.Errors(new Security.SecretRedactor()) is [var first, ..])
        {
            problem = first.ToString();
            return null;
        }

        return new JsonFile(path, original, text, hasPreamble, root ?? throw new UnreachableException("A text without a root has an error."));
    }

    /// <summary>The value below the root, by the names of members; null when there is none.</summary>
    public ConfigNode? At(params IEnumerable<string> path)
    {
        var node = Root;
        foreach (var name in path)
        {
            if (node[name] is not { } next)
            {
                return null;
            }

            node = next;
        }

        return node;
    }

    /// <summary>A copy of a value, without its comments.</summary>
    /// <param name="node">A node of <see cref="Root"/> as it is at present.</param>
    public JsonNode? Value(ConfigNode node) => JsonNode.Parse(Text.AsSpan(node.Start, node.End - node.Start), documentOptions: s_reading);

    /// <inheritdoc/>
    public override bool TryGet(IReadOnlyList<string> path, out JsonNode? value)
    {
        var node = At(path);
        value = node is null ? null : Value(node);
        return node is not null;
    }

    /// <inheritdoc/>
    public override void Set(IReadOnlyList<string> path, JsonNode value)
    {
        var node = Root;
        for (var depth = 0; ; depth++)
        {
            if (node.Kind != JsonValueKind.Object)
            {
                throw new InvalidDataException($"{Path}:{node.Line}:{node.Column}: {node.Path} must be an object, and it is {node.Show()}.");
            }

            var member = node.Members.Find(member => member.Name == path[depth]);
            var isLast = depth == path.Count - 1;
            if (member is null)
            {
                Change(_layout.Insert(node, path[depth], isLast ? value : Nested(path.Skip(depth + 1), value)));
                return;
            }

            if (isLast)
            {
                Change(_layout.Replace(member, value));
                return;
            }

            node = member.Value;
        }
    }

    /// <summary>Adds an item at the end of a list.</summary>
    /// <param name="list">A list of <see cref="Root"/> as it is at present.</param>
    /// <param name="value">The item.</param>
    public void Append(ConfigNode list, JsonNode value) => Change(_layout.Insert(list, null, value));

    /// <summary>Takes a member out, with its comma and, where it stood alone there, its lines.</summary>
    /// <inheritdoc/>
    public override bool Remove(IReadOnlyList<string> path)
    {
        var parent = At(path.SkipLast(1));
        var index = parent?.Members.FindIndex(member => member.Name == path[^1]) ?? -1;
        if (index < 0)
        {
            return false;
        }

        Change(_layout.Remove(parent!, index));
        return true;
    }

    /// <inheritdoc/>
    public override byte[] Content() => _hasPreamble ? [.. Encoding.UTF8.Preamble, .. Text] : [.. Text];

    private static JsonNode Nested(IEnumerable<string> path, JsonNode value) =>
        path.Reverse().Aggregate(value, static (inner, name) => new JsonObject { [name] = inner });

    private void Change(byte[] text)
    {
        Text = text;
        Root = ConfigText.Read(text, new Problems(Path)) ?? throw new UnreachableException($"A change of {Path} broke its JSON.");
        _layout = new JsonLayout(text, Root);
    }
}
