using System.Buffers;
using System.Globalization;

namespace Fairlead.Configuration;

/// <summary>How values are spelled in the file: words of enums, durations, sizes, and the name nearest to a misspelled one.</summary>
internal static class OptionWords
{
    private static readonly SearchValues<char> s_digits = SearchValues.Create("0123456789.");
    private static readonly SearchValues<char> s_afterUnit = SearchValues.Create("0123456789. ");

    private static readonly Dictionary<string, string> s_spelled = new(StringComparer.Ordinal)
    {
        [nameof(ServerType.GitHub)] = "github",
        [nameof(AuthKind.OAuth2)] = "oauth2",
    };

    private static readonly (string Unit, double Milliseconds)[] s_durations =
        [("ms", 1), ("s", 1_000), ("min", 60_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

    private static readonly (string Unit, double Bytes)[] s_sizes = [("KiB", 1024), ("MiB", 1024 * 1024), ("GiB", 1024.0 * 1024 * 1024)];

    /// <summary>The word of an enum value: <c>OnCollision</c> is <c>on-collision</c>.</summary>
    public static string Word(object value)
    {
        string name = value.ToString()!;
        return s_spelled.TryGetValue(name, out string? spelled) ? spelled : Split(name, '-');
    }

    /// <summary>All words of an enum, in its order.</summary>
    public static IReadOnlyList<string> Words(Type type) => [.. Enum.GetValues(type).Cast<object>().Select(Word)];

    /// <summary>Reads a word, whatever its case and hyphens. False = no such word.</summary>
    public static bool TryWord(Type type, string text, out object value)
    {
        string wanted = Plain(text);
        foreach (object candidate in Enum.GetValues(type))
        {
            if (Plain(candidate.ToString()!) == wanted)
            {
                value = candidate;
                return true;
            }
        }

        value = 0;
        return false;
    }

    /// <summary>The environment variable of an option: <c>limits.sessionIdle</c> is <c>FAIRLEAD_LIMITS_SESSION_IDLE</c>.</summary>
    public static string Variable(string path) => "FAIRLEAD_" + Split(path.Replace('.', '_'), '_').ToUpperInvariant();

    /// <summary>Reads a duration such as <c>500ms</c>, <c>30s</c>, <c>1h30m</c>. False = not a duration.</summary>
    public static bool TryDuration(string text, out TimeSpan value)
    {
        bool good = TryAmount(text, s_durations, out double milliseconds) && milliseconds <= TimeSpan.MaxValue.TotalMilliseconds / 2;
        value = good ? TimeSpan.FromMilliseconds(milliseconds) : TimeSpan.Zero;
        return good;
    }

    /// <summary>Reads a size such as <c>64KiB</c>. False = not a size.</summary>
    public static bool TrySize(string text, out double bytes) => TryAmount(text, s_sizes, out bytes);

    /// <summary>A duration as the file spells it, in the largest unit that leaves a whole number.</summary>
    public static string Duration(TimeSpan value)
    {
        foreach ((string unit, double milliseconds) in s_durations.Reverse())
        {
            double amount = value.TotalMilliseconds / milliseconds;
            if (amount >= 1 && unit != "m" && amount == Math.Floor(amount))
            {
                return string.Create(CultureInfo.InvariantCulture, $"{amount}{(unit == "min" ? "m" : unit)}");
            }
        }

        return string.Create(CultureInfo.InvariantCulture, $"{value.TotalMilliseconds}ms");
    }

    /// <summary>The candidate that a misspelled word most likely meant, or null when none is near.</summary>
    public static string? Nearest(string word, IEnumerable<string> candidates)
    {
        string wanted = Plain(word);
        return candidates
            .Select(candidate => (Candidate: candidate, Distance: Distance(wanted, Plain(candidate))))
            .Where(pair => pair.Distance <= Math.Max(1, Math.Min(wanted.Length, pair.Candidate.Length) / 3))
            .OrderBy(static pair => pair.Distance)
            .Select(static pair => pair.Candidate)
            .FirstOrDefault();
    }

    private static bool TryAmount(string text, (string Unit, double Factor)[] units, out double sum)
    {
        sum = 0;
        ReadOnlySpan<char> rest = text.AsSpan().Trim();
        if (rest.IsEmpty)
        {
            return false;
        }

        while (!rest.IsEmpty)
        {
            int digits = rest.IndexOfAnyExcept(s_digits);
            if (digits <= 0 || !double.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double amount))
            {
                return false;
            }

            rest = rest[digits..].TrimStart();
            int letters = rest.IndexOfAny(s_afterUnit);
            string unit = rest[..(letters < 0 ? rest.Length : letters)].ToString();
            double factor = Array.Find(units, candidate => string.Equals(candidate.Unit, unit, StringComparison.OrdinalIgnoreCase)).Factor;
            if (factor == 0)
            {
                return false;
            }

            sum += amount * factor;
            rest = rest[unit.Length..].TrimStart();
        }

        return true;
    }

    private static string Plain(string word) => string.Concat(word.Where(char.IsAsciiLetterOrDigit)).ToLowerInvariant();

    /// <summary>Puts a separator before each capital that follows a small letter, and makes all small.</summary>
    private static string Split(string name, char separator) => string.Concat(name.Select((c, i) =>
        char.IsAsciiLetterUpper(c) && i > 0 && (char.IsAsciiLetterLower(name[i - 1]) || (i + 1 < name.Length && char.IsAsciiLetterLower(name[i + 1]) && char.IsAsciiDigit(name[i - 1])))
            ? $"{separator}{char.ToLowerInvariant(c)}"
            : $"{char.ToLowerInvariant(c)}"));

    /// <summary>Edit distance in which two swapped neighbours count once, as typing errors go.</summary>
    private static int Distance(string a, string b)
    {
        int[,] cost = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    cost[i, j] = i + j;
                    continue;
                }

                int change = a[i - 1] == b[j - 1] ? 0 : 1;
                cost[i, j] = Math.Min(Math.Min(cost[i - 1, j], cost[i, j - 1]) + 1, cost[i - 1, j - 1] + change);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    cost[i, j] = Math.Min(cost[i, j], cost[i - 2, j - 2] + 1);
                }
            }
        }

        return cost[a.Length, b.Length];
    }
}
