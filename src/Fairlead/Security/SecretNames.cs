namespace Fairlead.Security;

/// <summary>Tells by its name whether a value is a secret.</summary>
internal static class SecretNames
{
    private static readonly string[] s_parts = ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL"];

    private static readonly HashSet<string> s_ordinary = new(StringComparer.OrdinalIgnoreCase)
    {
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "TZ", "TMPDIR", "TEMP", "TMP", "PWD", "USERNAME", "USERPROFILE",
        "APPDATA", "LOCALAPPDATA", "PROGRAMFILES", "SYSTEMROOT", "HOSTNAME", "COMPUTERNAME",
    };

    private static readonly HashSet<string> s_openHeaders = new(StringComparer.OrdinalIgnoreCase)
    {
        "Accept", "Accept-Language", "Content-Type", "User-Agent", "Cache-Control", "Origin", "Referer",
    };

    /// <summary>True for names with KEY, TOKEN, SECRET, PASSWORD or a near relative inside, in any case.</summary>
    public static bool IsSecret(string name) =>
        Array.Exists(s_parts, part => name.Contains(part, StringComparison.OrdinalIgnoreCase)) || name.EndsWith("_PAT", StringComparison.OrdinalIgnoreCase);

    /// <summary>True for variables that every process has, such as HOME. Their values stand in every path, so hiding them would hide nothing
    /// and spoil every message.</summary>
    public static bool IsOrdinaryVariable(string name) => s_ordinary.Contains(name) || name.StartsWith("LC_", StringComparison.Ordinal) || name.StartsWith("XDG_", StringComparison.Ordinal);

    /// <summary>True for headers whose values are the same for everybody; every other header is a secret.</summary>
    public static bool IsOpenHeader(string name) => s_openHeaders.Contains(name);
}
