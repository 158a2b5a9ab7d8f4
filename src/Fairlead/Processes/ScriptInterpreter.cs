using System.Text;

namespace Fairlead.Processes;

/// <summary>The program that the first line of a script names.</summary>
/// <param name="Path">The interpreter, as written after <c>#!</c>.</param>
/// <param name="Program">The program that <c>/usr/bin/env</c> is to look up; null when the interpreter is not env, or env got options.</param>
internal readonly record struct ScriptInterpreter(string Path, string? Program)
{
    /// <summary>Bytes of a file that are enough to read its first line; the kernel itself reads no more.</summary>
    public const int HeadBytesMax = 256;

    /// <summary>Reads the first line of a file.</summary>
    /// <param name="head">The first bytes of the file.</param>
    /// <returns>Null when the file is no script or its first line is longer than the head.</returns>
    public static ScriptInterpreter? Parse(ReadOnlySpan<byte> head)
    {
        if (!head.StartsWith("#!"u8))
        {
            return null;
        }

        var end = head.IndexOf((byte)'\n');
        if (end < 0)
        {
            return null;
        }

        // A carriage return belongs to the name for the kernel too: a script with Windows line ends fails exactly because of it.
        var words = Encoding.UTF8.GetString(head[2..end]).Split([' ', '\t'], 3, StringSplitOptions.RemoveEmptyEntries);
        return words.Length == 0 ? null : new ScriptInterpreter(words[0], EnvProgram(words));
    }

    private static string? EnvProgram(string[] words) =>
        words.Length > 1 && words[0].EndsWith("/env", StringComparison.Ordinal) && !words[1].StartsWith('-') && !words[1].Contains('=') ? words[1] : null;
}
