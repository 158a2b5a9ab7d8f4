using System.Text;

namespace Fairlead.Configuration;

/// <summary>The rule for names of servers: they are path segments, prefixes of tools and labels of metrics.</summary>
public static class ServerName
{
    /// <summary>Longest name, in characters.</summary>
    public const int LengthMax = 32;

    /// <summary>Names that are paths of the gateway itself.</summary>
    public static IReadOnlyList<string> Reserved { get; } = ["p", "sse", "message", "api", "health", "ready", "metrics"];

    /// <summary>True for 1 to 32 of <c>a-z 0-9 -</c> that is not reserved.</summary>
    public static bool IsValid(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Length is > 0 and <= LengthMax && !Reserved.Contains(name) && name.All(static c => c is >= 'a' and <= 'z' or >= '0' and <= '9' or '-');
    }

    /// <summary>Turns any text into a name: lower case, every run of other characters becomes one hyphen, cut at 32.</summary>
    /// <returns>The name, which may be a reserved one; empty when the text holds no Latin letter and no digit.</returns>
    public static string ToSlug(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length is > 0 and <= LengthMax && IsValid(text))
        {
            return text;
        }

        var slug = new StringBuilder(LengthMax);
        foreach (char c in text)
        {
            char lower = char.ToLowerInvariant(c);
            if (lower is >= 'a' and <= 'z' or >= '0' and <= '9')
            {
                slug.Append(lower);
            }
            else if (slug.Length > 0 && slug[^1] != '-')
            {
                slug.Append('-');
            }

            if (slug.Length == LengthMax)
            {
                break;
            }
        }

        return slug.ToString().TrimEnd('-');
    }
}
