using System.Buffers;
using System.Text;

namespace Fairlead.Processes;

/// <summary>
/// Builds the line that runs a batch file. cmd.exe reads its line twice with rules that no quoting defeats in all cases, so arguments with its special
/// characters are refused instead of escaped (the class of CVE-2024-24576).
/// </summary>
internal static class WindowsCommandLine
{
    private static readonly SearchValues<char> s_refused = SearchValues.Create("%!^&|<>\"\r\n\0");
    private static readonly SearchValues<char> s_plain =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:\\@+");

    /// <summary>Whether a program is started through cmd.exe.</summary>
    /// <param name="executable">Path of the program.</param>
    public static bool IsBatch(string executable) =>
        executable.EndsWith(".cmd", StringComparison.OrdinalIgnoreCase) || executable.EndsWith(".bat", StringComparison.OrdinalIgnoreCase);

    /// <summary>The arguments of cmd.exe that run a batch file: <c>/d</c> no AutoRun, <c>/s</c> strip the outer quotes only, <c>/c</c> run and end.</summary>
    /// <param name="batch">Full path of the batch file.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <exception cref="ChildStartException">Path or argument holds a character that cmd.exe would interpret.</exception>
    public static string ForBatch(string batch, IReadOnlyList<string> arguments)
    {
        var line = new StringBuilder("/d /s /c \"");
        Append(line, batch, "The path of the command");
        for (var i = 0; i < arguments.Count; i++)
        {
            line.Append(' ');
            Append(line, arguments[i], $"Argument {i + 1} of '{batch}'");
        }

        return line.Append('"').ToString();
    }

    private static void Append(StringBuilder line, string text, string what)
    {
        if (text.AsSpan().ContainsAny(s_refused))
        {
            throw new ChildStartException(
                $"{what} holds one of % ! ^ & | < > \" or a line break, which cmd.exe would interpret, and a batch file can only be started through it. "
                + "Name the program behind the batch file instead (for npx: command \"node\" with the path of npx-cli.js as first argument), or pass the value in \"env\".");
        }

        if (text.Length > 0 && !text.AsSpan().ContainsAnyExcept(s_plain))
        {
            line.Append(text);
            return;
        }

        // A batch file hands %* to programs that read \" as a quote, so a trailing backslash is doubled.
        var backslashes = text.Length - text.AsSpan().TrimEnd('\\').Length;
        line.Append('"').Append(text).Append('\\', backslashes).Append('"');
    }
}
