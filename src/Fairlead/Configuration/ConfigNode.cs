using System.Text.Json;

namespace Fairlead.Configuration;

/// <summary>A JSON value with the place it was read from. Also made by hand for a flag or a variable, which have no place.</summary>
internal sealed class ConfigNode
{
    public required JsonValueKind Kind { get; init; }

    /// <summary>Path of keys as the user wrote them, or the name of a flag or variable.</summary>
    public required string Path { get; init; }

    /// <summary>The text of a string without its escapes, or the letters of a number or a literal.</summary>
    public string Text { get; init; } = "";

    public List<ConfigMember> Members { get; } = [];

    public List<ConfigNode> Items { get; } = [];

    /// <summary>From 1; 0 = the value came from elsewhere than a file.</summary>
    public int Line { get; init; }

    /// <summary>From 1, in characters.</summary>
    public int Column { get; init; }

    /// <summary>Offset of the first byte in the text that was read, from 0.</summary>
    public int Start { get; init; }

    /// <summary>Offset behind the last byte.</summary>
    public int End { get; set; }

    /// <summary>True for a flag or a variable: the text may stand for any kind of value.</summary>
    public bool FromText { get; init; }

    /// <summary>The first member of a name, or null.</summary>
    public ConfigNode? this[string name] => Members.Find(member => member.Name == name)?.Value;

    /// <summary>How an error shows the value. Never the inside of objects and lists; texts are cut at 80 characters.</summary>
    public string Show() => Kind switch
    {
        JsonValueKind.String => Text.Length <= 80 ? $"\"{Text}\"" : $"\"{Text[..80]}...\"",
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        _ => Text,
    };

    /// <summary>A node for a flag or a variable.</summary>
    public static ConfigNode OfText(string path, string text) => new() { Kind = JsonValueKind.String, Path = path, Text = text, FromText = true };

    /// <summary>The path of a member below a path: names that would be misread are quoted.</summary>
    public static string PathOf(string parent, string name)
    {
        bool plain = name.Length > 0 && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '$');
        return plain ? parent.Length == 0 ? name : $"{parent}.{name}" : $"{parent}[\"{name}\"]";
    }
}

/// <summary>A member of an object, in the order of the file.</summary>
/// <param name="Name">Its name without escapes.</param>
/// <param name="Value">Its value.</param>
/// <param name="Line">Line of the name, from 1.</param>
/// <param name="Column">Column of the name, from 1, in characters.</param>
/// <param name="Start">Offset of the name's first quote in the text that was read.</param>
internal sealed record ConfigMember(string Name, ConfigNode Value, int Line, int Column, int Start = 0);
