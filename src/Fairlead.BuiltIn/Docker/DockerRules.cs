using System.Globalization;
using System.Text.RegularExpressions;
using ModelContextProtocol;

namespace Fairlead.BuiltIn.Docker;

/// <summary>What callers may name.</summary>
internal static partial class DockerRules
{
    private static readonly string[] s_closedFolders = ["/etc", "/boot", "/sys", "/dev", "/proc"];

    // A socket in a container is the whole engine, and with it the machine.
    private static readonly string[] s_closedPaths = ["/", "/run", "/var/run", "/var/lib/docker", "/var/lib/containers"];

    /// <summary>Id or name of a container.</summary>
    /// <exception cref="McpException">It is none.</exception>
    public static string Id(string id) => IdForm().IsMatch(id) ? id : throw new McpException($"id '{id}' is no id or name of a container: letters, digits, '_', '.' and '-', at most 128.");

    /// <summary>Name of an image.</summary>
    /// <exception cref="McpException">It is none.</exception>
    public static string Image(string image) => image.Length <= 256 && ImageForm().IsMatch(image) ? image : throw new McpException(
        $"image '{(image.Length <= 256 ? image : image[..64] + "...")}' is no name of an image: at most 256 of a-z, 0-9 and '._-/:@', such as alpine:3.20.");

    /// <summary>Arguments of a program.</summary>
    /// <exception cref="McpException">There are too many, or they are too long.</exception>
    public static string[] Command(string[] command) => command.Length > 1000 || command.Sum(static part => part.Length) > 64 * 1024 || command.Any(static part => part.Contains('\0', StringComparison.Ordinal))
        ? throw new McpException("command may have 1000 parts and 65536 characters at most, and no NUL.")
        : command;

    /// <summary>Variables as the engine takes them.</summary>
    /// <exception cref="McpException">A name or value cannot be used.</exception>
    public static string[] Environment(IReadOnlyDictionary<string, string>? environment) =>
    [
        .. (environment ?? new Dictionary<string, string>()).Select(static pair => !VariableName().IsMatch(pair.Key)
            ? throw new McpException($"'{pair.Key}' is no name of a variable: it must match ^[A-Z_][A-Z0-9_]*$.")
            : pair.Value.Contains('\0', StringComparison.Ordinal) ? throw new McpException($"The value of {pair.Key} holds NUL.") : $"{pair.Key}={pair.Value}"),
    ];

    /// <summary>Volumes as the engine takes them: <c>/host/path:/path[:ro]</c> or <c>name:/path[:ro]</c>.</summary>
    /// <exception cref="McpException">One is malformed or leads where it must not.</exception>
    public static string[] Volumes(string[]? volumes) => [.. (volumes ?? []).Select(static volume =>
    {
        var match = VolumeForm().Match(volume);
        if (!match.Success)
        {
            throw new McpException($"volume '{volume}' must be /host/path:/path, name:/path, with :ro at the end to read only.");
        }

        if (volume.Split('/', ':').Contains(".."))
        {
            throw new McpException($"volume '{volume}' holds '..'; write the path in full.");
        }

        var source = match.Groups["source"].Value;
        if (source[0] == '/')
        {
            var given = System.IO.Path.GetFullPath(source);
            string[] both = [given, FileRoots.RealPath(given)];
            if (both.Any(static path => s_closedPaths.Contains(path.Length > 1 ? path.TrimEnd('/') : path)
                || s_closedFolders.Any(closed => path == closed || path.StartsWith(closed + "/", StringComparison.Ordinal))
                || path.EndsWith(".sock", StringComparison.Ordinal)))
            {
                throw new McpException($"volume '{volume}' is refused: nothing below {string.Join(", ", s_closedFolders)}, no socket and none of {string.Join(", ", s_closedPaths)} may be mounted.");
            }
        }

        return volume;
    })];

    /// <summary>Ports to publish, as the engine takes them: exposed ports and their bindings.</summary>
    /// <param name="ports"><c>PORT</c>, <c>HOST:PORT</c>, or with an address <c>127.0.0.1:HOST:PORT</c>; with <c>/udp</c> or <c>/tcp</c>. Without an address: on 127.0.0.1.</param>
    /// <exception cref="McpException">One is malformed or out of range.</exception>
    public static Dictionary<string, object[]> Ports(string[]? ports)
    {
        var bindings = new Dictionary<string, object[]>(StringComparer.Ordinal);
        foreach (var port in ports ?? [])
        {
            var match = PortForm().Match(port);
            if (!match.Success || !IsPort(match.Groups["inner"].Value) || (match.Groups["outer"].Success && !IsPort(match.Groups["outer"].Value)))
            {
                throw new McpException($"port '{port}' must be PORT, HOST:PORT or ADDRESS:HOST:PORT, perhaps with /udp; ports are 1 to 65535.");
            }

            var outer = match.Groups["outer"].Success ? match.Groups["outer"].Value : match.Groups["inner"].Value;
            var address = match.Groups["address"].Success ? match.Groups["address"].Value : "127.0.0.1";
            var key = $"{match.Groups["inner"].Value}/{(match.Groups["protocol"].Success ? match.Groups["protocol"].Value : "tcp")}";
            bindings[key] = [.. bindings.GetValueOrDefault(key) ?? [], new { HostIp = address, HostPort = outer }];
        }

        return bindings;
    }

    private static bool IsPort(string text) => int.Parse(text, CultureInfo.InvariantCulture) is >= 1 and <= 65535;

    [GeneratedRegex(@"^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}\z")]
    private static partial Regex IdForm();

    [GeneratedRegex(@"^[a-zA-Z0-9][a-zA-Z0-9._/:@-]*\z")]
    private static partial Regex ImageForm();

    [GeneratedRegex(@"^[A-Z_][A-Z0-9_]*\z")]
    private static partial Regex VariableName();

    [GeneratedRegex(@"^(?<source>/[^:\0]*|[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}):(?<target>/[^:\0]+)(?::(?:ro|rw))?\z")]
    private static partial Regex VolumeForm();

    [GeneratedRegex(@"^(?:(?:(?<address>\d{1,3}(?:\.\d{1,3}){3}):)?(?<outer>\d{1,5}):)?(?<inner>\d{1,5})(?:/(?<protocol>tcp|udp))?\z")]
    private static partial Regex PortForm();
}
