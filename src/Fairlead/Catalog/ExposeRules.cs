using Fairlead.Configuration;

namespace Fairlead.Catalog;

/// <summary>Which tools of a server are shown, and under which names, before the naming policy (decision 14).</summary>
/// <remarks>Patterns and renames speak of the server's own names. Hiding wins over showing.</remarks>
internal sealed class ExposeRules
{
    private readonly string[] _show;
    private readonly string[] _hide;
    private readonly Dictionary<string, string> _rename;

    /// <summary>Takes a copy of what the user wrote.</summary>
    public ExposeRules(ExposeOptions options)
    {
        _show = [.. options.Tools];
        _hide = [.. options.Hide];
        _rename = new Dictionary<string, string>(options.Rename, StringComparer.Ordinal);
    }

    /// <summary>Whether every tool is shown, so that nothing can leak through a name that is not in the list yet.</summary>
    public bool ShowsAll => _show.Length == 0 && _hide.Length == 0;

    /// <summary>Whether clients see the tool.</summary>
    public bool Shows(string tool) => (_show.Length == 0 || MatchesAny(_show, tool)) && !MatchesAny(_hide, tool);

    /// <summary>The name that the naming policy starts from.</summary>
    public string NameOf(string tool) => _rename.TryGetValue(tool, out var name) && name.Length > 0 ? name : tool;

    private static bool MatchesAny(string[] patterns, string name)
    {
        foreach (var pattern in patterns)
        {
            if (Matches(pattern, name))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Matches a whole name; <c>*</c> stands for any characters, also none; everything else for itself.</summary>
    internal static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        var at = 0;
        var star = -1;
        var resume = 0;
        for (var i = 0; i < name.Length;)
        {
            if (at < pattern.Length && pattern[at] == '*')
            {
                star = at++;
                resume = i;
            }
            else if (at < pattern.Length && pattern[at] == name[i])
            {
                at++;
                i++;
            }
            else if (star >= 0)
            {
                // The last star takes one character more.
                at = star + 1;
                i = ++resume;
            }
            else
            {
                return false;
            }
        }

        return pattern[at..].TrimStart('*').IsEmpty;
    }
}
