using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <summary>The eight log levels of MCP (those of RFC 5424) as numbers: 0 = debug, the most verbose, to 7 = emergency.</summary>
internal static class LogSeverity
{
    /// <summary>No level: nothing was asked for, or told. Quieter than every level.</summary>
    public const int None = 8;

    private static readonly string[] s_names = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

    /// <summary>The levels, most verbose first, for people.</summary>
    public static string Names { get; } = string.Join(", ", s_names);

    /// <summary>The word of a level.</summary>
    public static string NameOf(int level) => s_names[level];

    /// <summary>The level of a word; <see cref="None"/> for null and for words that are no level.</summary>
    public static int Of(string? name) => Array.IndexOf(s_names, name) is >= 0 and var level ? level : None;

    /// <summary>The level of a raw JSON token; <see cref="None"/> when it is no level. Allocates nothing.</summary>
    public static int Of(ReadOnlySpan<byte> token)
    {
        Span<byte> name = stackalloc byte[16];
        for (var level = 0; level < s_names.Length; level++)
        {
            if (JsonText.Equals(token, name[..System.Text.Encoding.ASCII.GetBytes(s_names[level], name)]))
            {
                return level;
            }
        }

        return None;
    }
}
