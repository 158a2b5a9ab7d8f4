using System.Text;
using System.Text.RegularExpressions;

namespace Fairlead.EndToEnd.Tests.Library;

/// <summary>A C# block of a Markdown page, with what its page says about it in HTML comments, which readers do not see.</summary>
/// <remarks>
/// A block stands for the body of a program; types may follow the statements. Directly before it may stand <c>before</c> with statements that come ahead of it, or <c>compile REASON</c> when it
/// is not to be run; directly after it <c>after</c> with types that it uses, and <c>prints</c> with what it writes to standard output. Each comment begins on a line of its own:
/// <code>
/// &lt;!-- before
/// await using var manager = new McpManager();
/// --&gt;
/// </code>
/// </remarks>
internal sealed partial record DocBlock(string Page, int Line, string Code, string Before, string After, string? Prints, string? NotRun)
{
    /// <summary>All blocks of a page that are marked as C#.</summary>
    public static IEnumerable<DocBlock> Of(string page, string text) => Block().Matches(text).Select(match => new DocBlock(
        page, 1 + text.AsSpan(0, match.Groups["code"].Index).Count('\n'), match.Groups["code"].Value, match.Groups["before"].Value, match.Groups["after"].Value,
        match.Groups["prints"].Success ? match.Groups["prints"].Value : null, match.Groups["reason"].Success ? match.Groups["reason"].Value : null));

    /// <summary>A class with a method <c>RunAsync</c> that does what the block says. Compiler errors name the page and its line.</summary>
    public string ToClass(string name)
    {
        var types = TypeAtTheEnd().Match(Code);
        var statements = types.Success ? Code[..types.Index] : Code;
        var text = new StringBuilder();
        text.Append($"internal static class {name}\n{{\npublic static async Task RunAsync()\n{{\n{Before}\n#line {Line} \"{Page}\"\n{statements}\n#line default\nawait Task.CompletedTask;\n}}\n");
        if (types.Success)
        {
            text.Append($"#line {Line + Code.AsSpan(0, types.Index).Count('\n')} \"{Page}\"\n{Code[types.Index..]}\n#line default\n");
        }

        return text.Append(After).Append("\n}\n").ToString();
    }

    [GeneratedRegex(
        """(?:^<!-- (?:before\n(?<before>(?:(?!-->).)*?)|compile (?<reason>[^\n]*?) )-->\n)?^```csharp\n(?<code>.*?)^```\n(?:<!-- after\n(?<after>(?:(?!-->).)*?)-->\n)?(?:<!-- prints\n(?<prints>(?:(?!-->).)*?)-->\n)?""",
        RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"^(?:(?:public|internal|sealed|file|static|abstract) )*(?:class|record|struct|interface|enum) ", RegexOptions.Multiline)]
    private static partial Regex TypeAtTheEnd();
}
