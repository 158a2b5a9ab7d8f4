using System.Globalization;
using System.Text.RegularExpressions;

namespace Fairlead.Cli.Diagnosis;

/// <summary>Ranges of versions as <c>engines.node</c> of a package writes them: comparisons, <c>^</c>, <c>~</c>, <c>x</c>, hyphens, and <c>||</c> between alternatives.</summary>
internal static partial class NodeRange
{
    private static readonly Version s_none = new(0, 0, 0);

    /// <summary>Whether a version lies in a range. A range that cannot be read holds every version: a warning that is wrong costs more than one that is missing.</summary>
    /// <param name="range">Such as <c>&gt;=18 &lt;23 || ^24.1</c>.</param>
    /// <param name="version">Such as <c>v22.1.0</c>.</param>
    public static bool Satisfies(string range, string version) =>
        !TryParseVersion(version, out var number) || range.Split("||").Any(alternative => Holds(alternative, number));

    /// <summary>Reads a whole version; what follows its three numbers is passed over.</summary>
    public static bool TryParseVersion(string text, out Version version)
    {
        var match = Number().Match(text.Trim().TrimStart('v'));
        version = match.Success ? At(match, 0) : s_none;
        return match.Success && match.Groups["patch"].Success;
    }

    private static bool Holds(string alternative, Version version)
    {
        var text = Gap().Replace(alternative.Trim(), "$1");
        var hyphen = Hyphen().Match(text);
        if (hyphen.Success)
        {
            return Holds(">=" + hyphen.Groups["from"].Value, version) && Holds("<=" + hyphen.Groups["to"].Value, version);
        }

        foreach (var comparison in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var match = Comparison().Match(comparison);
            if (match.Success && !Compare(match.Groups["sign"].Value, Number().Match(match.Groups["version"].Value), version))
            {
                return false;
            }
        }

        return true;
    }

    private static bool Compare(string sign, Match number, Version version)
    {
        // A star, or an x alone.
        if (!number.Success)
        {
            return true;
        }

        var low = At(number, 0);
        var next = After(number);
        return sign switch
        {
            ">=" => version >= low,
            ">" => number.Groups["patch"].Success ? version > low : version >= next,
            "<" => version < low,
            "<=" => number.Groups["patch"].Success ? version <= low : version < next,
            "^" => version >= low && version < (low.Major > 0 ? new Version(low.Major + 1, 0, 0) : low.Minor > 0 ? new Version(0, low.Minor + 1, 0) : next),
            "~" => version >= low && version < (number.Groups["minor"].Success ? new Version(low.Major, low.Minor + 1, 0) : next),
            _ => version >= low && version < next,
        };
    }

    private static Version At(Match number, int missing) =>
        new(Part(number, "major", missing), Part(number, "minor", missing), Part(number, "patch", missing));

    /// <summary>The first version that a partial one does not mean: 18 ends before 19.0.0.</summary>
    private static Version After(Match number)
    {
        var low = At(number, 0);
        return number.Groups["patch"].Success ? new Version(low.Major, low.Minor, low.Build + 1)
            : number.Groups["minor"].Success ? new Version(low.Major, low.Minor + 1, 0)
            : new Version(low.Major + 1, 0, 0);
    }

    private static int Part(Match number, string name, int missing) =>
        number.Groups[name].Success && int.TryParse(number.Groups[name].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : missing;

    [GeneratedRegex(@"^v?(?<major>\d+)(?:\.(?<minor>\d+)(?:\.(?<patch>\d+))?)?")]
    private static partial Regex Number();

    [GeneratedRegex(@"^(?<sign>>=|<=|>|<|=|\^|~)?v?(?<version>[\dxX*][\w.*+-]*)$")]
    private static partial Regex Comparison();

    [GeneratedRegex(@"^(?<from>[\d.]+)\s+-\s+(?<to>[\d.]+)$")]
    private static partial Regex Hyphen();

    [GeneratedRegex(@"(>=|<=|>|<|=|\^|~)\s+")]
    private static partial Regex Gap();
}
