using System.Collections.Frozen;

namespace Fairlead.Processes;

/// <summary>
/// Decides which variables a child sees: a fixed list of harmless ones, the server's own, and the marker by which orphans are found.
/// Whatever else this process holds (credentials of other servers above all) stays here.
/// </summary>
internal static class ChildEnvironment
{
    /// <summary>
    /// Name of the marker. Its value is <c>&lt;instance&gt;.&lt;n&gt;</c>: the instance is the same for all children of one supervisor, n (8 hexadecimal
    /// digits) differs per child. What a child starts inherits it.
    /// </summary>
    public const string MarkerName = "FAIRLEAD_INSTANCE";

    private static readonly FrozenSet<string> s_common = new[]
    {
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "TZ", "TMPDIR",
        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "FTP_PROXY",
        "http_proxy", "https_proxy", "no_proxy", "all_proxy", "ftp_proxy",
        "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE", "GIT_SSL_CAINFO", "PIP_CERT",
        "NODE_USE_SYSTEM_CA",
    }.ToFrozenSet(StringComparer.Ordinal);

    // Without these most Windows programs do not even load (SystemRoot) or cannot find their files.
    private static readonly FrozenSet<string> s_windows = new[]
    {
        "SystemRoot", "SystemDrive", "windir", "ComSpec", "PATHEXT", "TEMP", "TMP", "USERPROFILE", "USERNAME", "USERDOMAIN", "HOMEDRIVE", "HOMEPATH",
        "APPDATA", "LOCALAPPDATA", "ProgramData", "ALLUSERSPROFILE", "ProgramFiles", "ProgramFiles(x86)", "ProgramW6432", "CommonProgramFiles",
        "CommonProgramFiles(x86)", "PUBLIC", "OS", "COMPUTERNAME", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> s_commonIgnoringCase = s_common.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a variable of this process may be seen by a child.</summary>
    /// <param name="name">The variable.</param>
    /// <param name="windows">Whether names are compared the Windows way and the Windows variables count.</param>
    public static bool Inherits(string name, bool windows)
    {
        var prefixRule = windows ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
        return (windows ? s_commonIgnoringCase.Contains(name) || s_windows.Contains(name) : s_common.Contains(name))
            || name.StartsWith("LC_", prefixRule)
            || name.StartsWith("XDG_", prefixRule);
    }

    /// <summary>The whole environment of a child.</summary>
    /// <param name="inherited">Variables of this process.</param>
    /// <param name="own">The server's own variables; they win.</param>
    /// <param name="marker">Value of <see cref="MarkerName"/>; wins over everything, or an orphan could hide.</param>
    /// <param name="windows">Whether names are compared the Windows way.</param>
    public static Dictionary<string, string> Build(
        IEnumerable<KeyValuePair<string, string>> inherited, IEnumerable<KeyValuePair<string, string>> own, string marker, bool windows)
    {
        var environment = new Dictionary<string, string>(windows ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);
        foreach (var (name, value) in inherited)
        {
            if (Inherits(name, windows))
            {
                environment[name] = value;
            }
        }

        foreach (var (name, value) in own)
        {
            environment[name] = value;
        }

        environment[MarkerName] = marker;
        return environment;
    }
}
