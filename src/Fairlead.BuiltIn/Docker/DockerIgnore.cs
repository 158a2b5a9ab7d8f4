using System.Text;
using System.Text.RegularExpressions;

namespace Fairlead.BuiltIn.Docker;

/// <summary>What <c>.dockerignore</c> keeps out of a build: a pattern a line, <c>*</c>, <c>?</c> and <c>**</c>, <c>!</c> before an exception, the last line that fits decides.</summary>
internal sealed class DockerIgnore
{
    private static readonly TimeSpan s_matchLimit = TimeSpan.FromSeconds(1);

    private readonly List<(Regex Pattern, bool IsException)> _rules = [];

    private DockerIgnore(IEnumerable<string> lines)
    {
        foreach (var line in lines.Select(static line => line.Trim()).Where(static line => line.Length != 0 && line[0] != '#'))
        {
            var isException = line[0] == '!';
            _rules.Add((ToRegex((isException ? line[1..] : line).Trim().Trim('/')), isException));
        }
    }

    /// <summary>Reads a file; one that is not there ignores nothing.</summary>
    public static DockerIgnore Read(string path) => new(File.Exists(path) ? File.ReadLines(path) : []);

    /// <summary>Whether a path stays out.</summary>
    /// <param name="name">Relative to the context, with slashes.</param>
    public bool Holds(string name)
    {
        var isOut = false;
        foreach (var (pattern, isException) in _rules)
        {
            isOut = pattern.IsMatch(name) ? !isException : isOut;
        }

        return isOut;
    }

    private static Regex ToRegex(string pattern)
    {
        var text = new StringBuilder("^");
        for (var i = 0; i < pattern.Length; i++)
        {
            if (pattern[i..].StartsWith("**/", StringComparison.Ordinal))
            {
                text.Append("(?:.*/)?");
                i += 2;
            }
            else if (pattern[i..].StartsWith("**", StringComparison.Ordinal))
            {
                text.Append(".*");
                i++;
            }
            else
            {
                text.Append(pattern[i] switch { '*' => "[^/]*", '?' => "[^/]", var c => Regex.Escape(c.ToString()) });
            }
        }

        // A folder that stays out takes what it holds with it.
        return new Regex(text.Append("(?:/.*)?$").ToString(), RegexOptions.CultureInvariant, s_matchLimit);
    }
}
