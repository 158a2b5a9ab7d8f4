using Fairlead.Cli.Running;
using Fairlead.Configuration;

namespace Fairlead.Cli.Clients;

/// <summary>Whose servers a file holds.</summary>
internal enum FileScope
{
    /// <summary>The user's, everywhere.</summary>
    User,

    /// <summary>Those of one project, in its folder.</summary>
    Project,
}

/// <summary>A place where a client keeps its servers; there need not be a file.</summary>
/// <param name="Client">Whose.</param>
/// <param name="Path">Full path. May hold one <c>*</c> in a folder's name.</param>
/// <param name="Scope">For whom.</param>
/// <param name="IsWritten">Whether servers are added here; other places are only read.</param>
internal sealed record ClientFile(ClientProgram Client, string Path, FileScope Scope, bool IsWritten);

/// <summary>The table of the clients' configuration files on the three systems. Pure but for <see cref="Existing"/> and <see cref="ToWrite"/>.</summary>
internal static class ClientFiles
{
    private const SystemKind Linux = SystemKind.Linux;
    private const SystemKind MacOs = SystemKind.MacOs;
    private const SystemKind Windows = SystemKind.Windows;
    private const string MacFolder = "Library/Application Support";

    // Client, system, the variable that names the folder, the folder below the home directory without it, the path below, whether it is written.
    // Claude Desktop from the Windows installer of 2026 lives in a package and sees none of %APPDATA%; the hash in its name is the publisher's.
    private static readonly (string Client, SystemKind System, string Variable, string Below, string Path, bool IsWritten)[] s_user =
    [
        ("claude-desktop", Linux, "XDG_CONFIG_HOME", ".config", "Claude/claude_desktop_config.json", true),
        ("claude-desktop", MacOs, "", MacFolder, "Claude/claude_desktop_config.json", true),
        ("claude-desktop", Windows, "LOCALAPPDATA", @"AppData\Local", @"Packages\Claude_*\LocalCache\Roaming\Claude\claude_desktop_config.json", true),
        ("claude-desktop", Windows, "APPDATA", @"AppData\Roaming", @"Claude\claude_desktop_config.json", true),
        ("claude-code", Linux, "CLAUDE_CONFIG_DIR", "", ".claude.json", true),
        ("claude-code", MacOs, "CLAUDE_CONFIG_DIR", "", ".claude.json", true),
        ("claude-code", Windows, "CLAUDE_CONFIG_DIR", "", ".claude.json", true),
        ("cursor", Linux, "", "", ".cursor/mcp.json", true),
        ("cursor", MacOs, "", "", ".cursor/mcp.json", true),
        ("cursor", Windows, "", "", @".cursor\mcp.json", true),
        .. Everywhere("windsurf", "", "", ".codeium/windsurf/mcp_config.json", true),
        .. Everywhere("windsurf", "", "", ".codeium/mcp_config.json", false),
        .. Everywhere("gemini", "", "", ".gemini/settings.json", true),
        .. Everywhere("codex", "CODEX_HOME", ".codex", "config.toml", true),
        .. VsCode("vscode", "Code"),
        .. VsCode("vscode-insiders", "Code - Insiders"),
    ];

    private static readonly (string Client, string Folder, string Name)[] s_project =
    [
        ("claude-code", "", ".mcp.json"),
        ("cursor", ".cursor", "mcp.json"),
        ("vscode", ".vscode", "mcp.json"),
        ("gemini", ".gemini", "settings.json"),
        ("codex", ".codex", "config.toml"),
    ];

    /// <summary>The user's places of all clients, the likeliest of each first.</summary>
    public static IReadOnlyList<ClientFile> OfUser(Surroundings at) =>
    [
        .. from row in s_user
           where row.System == at.System
           let folder = ConfigurationPaths.Folder(at.System, at.Environment, at.Home, row.Variable, row.Below, "")
           select new ClientFile(ClientProgram.Find(row.Client)!, ConfigurationPaths.Join(at.System, folder, row.Path), FileScope.User, row.IsWritten),
    ];

    /// <summary>The places in the current folder.</summary>
    public static IReadOnlyList<ClientFile> OfProject(Surroundings at) =>
    [
        .. from row in s_project
           let folder = row.Folder.Length == 0 ? at.CurrentDirectory : ConfigurationPaths.Join(at.System, at.CurrentDirectory, row.Folder)
           select new ClientFile(ClientProgram.Find(row.Client)!, ConfigurationPaths.Join(at.System, folder, row.Name), FileScope.Project, IsWritten: true),
    ];

    /// <summary>Those of the places where there is a file, with <c>*</c> replaced by what is there.</summary>
    public static IReadOnlyList<ClientFile> Existing(IEnumerable<ClientFile> places) =>
        [.. places.SelectMany(static place => Matches(place).Where(static match => File.Exists(match.Path)))];

    /// <summary>The file that a server is added to: the first whose folder exists, else the first.</summary>
    /// <param name="client">Whose.</param>
    /// <param name="places">From <see cref="OfUser"/> or <see cref="OfProject"/>.</param>
    /// <returns>Null when the client keeps no such file.</returns>
    public static ClientFile? ToWrite(ClientProgram client, IEnumerable<ClientFile> places)
    {
        ClientFile[] own = [.. places.Where(place => place.Client == client && place.IsWritten).SelectMany(Matches)];
        return Array.Find(own, static place => Directory.Exists(Path.GetDirectoryName(place.Path))) ?? own.FirstOrDefault();
    }

    private static (string Client, SystemKind System, string Variable, string Below, string Path, bool IsWritten)[] VsCode(string client, string product) =>
    [
        .. from system in new (SystemKind Kind, string Variable, string Below)[] { (Linux, "XDG_CONFIG_HOME", ".config"), (MacOs, "", MacFolder), (Windows, "APPDATA", @"AppData\Roaming") }
           from path in new (string Text, bool IsWritten)[] { ("User/mcp.json", true), ("User/profiles/*/mcp.json", false), ("User/settings.json", false) }
           let text = $"{product}/{path.Text}"
           select (client, system.Kind, system.Variable, system.Below, system.Kind == Windows ? text.Replace('/', '\\') : text, path.IsWritten),
    ];

    /// <summary>A place that is the same on all systems.</summary>
    private static (string Client, SystemKind System, string Variable, string Below, string Path, bool IsWritten)[] Everywhere(string client, string variable, string below, string path, bool isWritten) =>
        [.. from system in (SystemKind[])[Linux, MacOs, Windows] select (client, system, variable, below, system == Windows ? path.Replace('/', '\\') : path, isWritten)];

    private static IEnumerable<ClientFile> Matches(ClientFile place)
    {
        var star = place.Path.IndexOf('*', StringComparison.Ordinal);
        if (star < 0)
        {
            return [place];
        }

        var from = place.Path.LastIndexOfAny(['/', '\\'], star);
        var to = place.Path.IndexOfAny(['/', '\\'], star);
        var folder = place.Path[..from];
        return Directory.Exists(folder)
            ? Directory.EnumerateDirectories(folder, place.Path[(from + 1)..to]).Order(StringComparer.Ordinal).Select(found => place with { Path = found + place.Path[to..] })
            : [];
    }
}
