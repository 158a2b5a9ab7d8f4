namespace Fairlead.Tests.Tidy;

/// <summary>One text file.</summary>
/// <param name="Path">Relative to the root, with forward slashes.</param>
/// <param name="Text">All of it.</param>
internal sealed record SourceFile(string Path, string Text)
{
    private string? _code;

    public bool IsCSharp => Path.EndsWith(".cs", StringComparison.Ordinal);

    /// <summary>C# without comments and without what stands in string literals; every character that remains is where it was.</summary>
    public string Code => _code ??= CSharpMask.Apply(Text);

    public int LineCount => Text.Count(c => c == '\n') + (Text.Length > 0 && Text[^1] != '\n' ? 1 : 0);

    /// <summary>"path:line" of an offset, as editors and terminals link it.</summary>
    public string At(int offset) => $"{Path}:{Text.AsSpan(0, offset).Count('\n') + 1}";

    /// <summary>The whole line around an offset.</summary>
    public ReadOnlySpan<char> LineAt(int offset)
    {
        var start = Text.AsSpan(0, offset).LastIndexOf('\n') + 1;
        var length = Text.AsSpan(start).IndexOf('\n');
        return length < 0 ? Text.AsSpan(start) : Text.AsSpan(start, length);
    }
}
