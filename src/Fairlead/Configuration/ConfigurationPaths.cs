namespace Fairlead.Configuration;

/// <summary>An operating system with customs of its own for where files belong.</summary>
public enum SystemKind
{
    /// <summary>Linux and other systems that follow the XDG base directories.</summary>
    Linux,

    /// <summary>macOS.</summary>
    MacOs,

    /// <summary>Windows.</summary>
    Windows,
}

/// <summary>Where the configuration and the state are. Pure: everything comes in as an argument, so that all systems are tested on one.</summary>
public static class ConfigurationPaths
{
    /// <summary>The name of the configuration file.</summary>
    public const string FileName = "fairlead.json";

    // The custom of each system: the variable that names the folder, and the folder below the home directory without it.
    private static readonly Dictionary<SystemKind, (string ConfigurationVariable, string Configuration, string StateVariable, string State, string Name)> s_table = new()
    {
        [SystemKind.Linux] = ("XDG_CONFIG_HOME", ".config", "XDG_STATE_HOME", ".local/state", "fairlead"),
        [SystemKind.MacOs] = ("XDG_CONFIG_HOME", "Library/Application Support", "XDG_STATE_HOME", "Library/Application Support", "Fairlead"),
        [SystemKind.Windows] = ("APPDATA", "AppData\\Roaming", "LOCALAPPDATA", "AppData\\Local", "Fairlead"),
    };

    /// <summary>The system this process runs on.</summary>
    public static SystemKind Current => OperatingSystem.IsWindows() ? SystemKind.Windows : OperatingSystem.IsMacOS() ? SystemKind.MacOs : SystemKind.Linux;

    /// <summary>The places where a configuration is looked for when none is named, the first that exists wins: the current directory, then the user's configuration directory.</summary>
    public static IReadOnlyList<string> Candidates(SystemKind system, IReadOnlyDictionary<string, string> environment, string currentDirectory, string home)
    {
        ArgumentNullException.ThrowIfNull(environment);
        var custom = s_table[system];
        return [Join(system, currentDirectory, FileName), Join(system, Folder(system, environment, home, custom.ConfigurationVariable, custom.Configuration, custom.Name), FileName)];
    }

    /// <summary>The configuration to load: what was named (by a flag, then by <c>FAIRLEAD_CONFIG</c>), else the first candidate that exists.</summary>
    /// <returns>Null when nothing was named and no candidate exists, which means the default fleet.</returns>
    public static string? Find(string? named, IReadOnlyDictionary<string, string> environment, string currentDirectory, string home)
    {
        ArgumentNullException.ThrowIfNull(environment);
        return named ?? (environment.TryGetValue("FAIRLEAD_CONFIG", out string? variable) && variable.Length > 0 ? variable
            : Candidates(Current, environment, currentDirectory, home).FirstOrDefault(File.Exists));
    }

    /// <summary>The state folder: the option (<see cref="FairleadOptions.StateFolder"/>, which flags and <c>FAIRLEAD_STATE</c> have set), else the system's state directory.</summary>
    public static string StateFolder(string? option, SystemKind system, IReadOnlyDictionary<string, string> environment, string home)
    {
        ArgumentNullException.ThrowIfNull(environment);
        var custom = s_table[system];
        return option is { Length: > 0 } ? option : Folder(system, environment, home, custom.StateVariable, custom.State, custom.Name);
    }

    /// <summary>A folder of the user: what the variable says, else the one below the home directory; and a name in it.</summary>
    internal static string Folder(SystemKind system, IReadOnlyDictionary<string, string> environment, string home, string variable, string below, string name)
    {
        // The XDG specification says that a relative path in these variables is to be ignored.
        bool isSet = environment.TryGetValue(variable, out string? folder) && folder.Length > 0 && (system == SystemKind.Windows || folder[0] == '/');
        return Join(system, isSet ? folder! : Join(system, home, below), name);
    }

    /// <summary>A path in the way of a system, which may be another one than this process runs on.</summary>
    internal static string Join(SystemKind system, string folder, string name) => folder.TrimEnd('/', '\\') is { Length: > 0 } trimmed
        ? $"{trimmed}{(system == SystemKind.Windows ? '\\' : '/')}{name}"
        : $"/{name}";
}
