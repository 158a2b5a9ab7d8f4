using System.Text;
using System.Text.Json;
using Fairlead.Security;

namespace Fairlead.Configuration;

/// <summary>Reads a configuration with everything around it: dotenv files, variables, flags. Has no state; any thread may use it.</summary>
/// <remarks>
/// A value is looked up in the process environment, then in <c>.env.mcp</c>, <c>.env.local</c> and <c>.env</c> beside the file.
/// An option is taken from the flags, then from <c>FAIRLEAD_*</c>, then from the file, then from its default.
/// Bad input never throws: all that is wrong is in <see cref="ConfigurationResult.Errors"/> at once.
/// </remarks>
public static class ConfigurationLoader
{
    /// <summary>The dotenv files that are read beside a configuration; a later one wins.</summary>
    internal static IReadOnlyList<string> DotEnvFiles { get; } = [".env", ".env.local", ".env.mcp"];

    /// <summary>Loads a file.</summary>
    /// <param name="path">The file; null = none, which leaves the defaults, the variables and the flags.</param>
    /// <param name="processEnvironment">The variables of the process; on Windows with a comparer that ignores case.</param>
    /// <param name="settings">Null = defaults.</param>
    public static ConfigurationResult Load(string? path, IReadOnlyDictionary<string, string> processEnvironment, LoadSettings? settings = null)
    {
        ArgumentNullException.ThrowIfNull(processEnvironment);
        if (path is null)
        {
            return new OneLoad(null, processEnvironment, settings).Run(null);
        }

        if (path.Length == 0 || path.Contains('\0', StringComparison.Ordinal))
        {
            var nameless = new OneLoad(null, processEnvironment, settings);
            nameless.Problems.Error("", null, "The path of the configuration is empty or holds NUL.", "Name a file, such as --config fairlead.json.");
            return nameless.Run(null);
        }

        string file = Path.GetFullPath(path);
        var load = new OneLoad(file, processEnvironment, settings);
        byte[]? bytes = TextFile.ReadBytes(file, ConfigText.BytesMax, out string? failure);
        if (bytes is null)
        {
            load.Problems.Error("", null, failure ?? $"The file {file} does not exist.", "Name an existing file with --config, or create it.");
        }

        return load.Run(bytes);
    }

    /// <summary>Loads a text that is in no file, such as the body of a request. Relative paths and <c>.env</c> files are taken from the workspace folder.</summary>
    /// <param name="json">The configuration.</param>
    /// <param name="processEnvironment">The variables of the process.</param>
    /// <param name="settings">Null = defaults.</param>
    public static ConfigurationResult LoadText(string json, IReadOnlyDictionary<string, string> processEnvironment, LoadSettings? settings = null)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(processEnvironment);
        return new OneLoad(null, processEnvironment, settings).Run(Encoding.UTF8.GetBytes(json));
    }

    /// <summary>Reads one server: an entry of the configuration, as the body of a request brings it. Names of other servers in it are not looked at.</summary>
    /// <param name="json">The entry.</param>
    /// <param name="name">Its name when it does not say one; null = it must.</param>
    /// <param name="fleet">Its variables and its workspace folder are the entry's, too.</param>
    internal static ServerEntryResult LoadServer(string json, string? name, FairleadOptions fleet)
    {
        var settings = new LoadSettings { WorkspaceFolder = fleet.WorkspaceFolder };
        return new OneLoad(null, fleet.Variables ?? ProcessVariables(), settings).RunServer(Encoding.UTF8.GetBytes(json), name);
    }

    /// <summary>The variables of this process, by the rules of the system for their names.</summary>
    internal static Dictionary<string, string> ProcessVariables()
    {
        var variables = new Dictionary<string, string>(OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            variables[(string)entry.Key] = (string)entry.Value!;
        }

        return variables;
    }

    /// <summary>One load.</summary>
    private sealed class OneLoad
    {
        private readonly string? _file;
        private readonly LoadSettings _settings;
        private readonly ConfigFolders _folders;
        private readonly Dictionary<string, string> _variables;
        private readonly FairleadOptions _options = new();
        private readonly List<ServerEntry> _servers = [];
        private readonly List<string> _secrets = [];

        public OneLoad(string? file, IReadOnlyDictionary<string, string> processEnvironment, LoadSettings? settings)
        {
            _file = file;
            _settings = settings ?? new LoadSettings();
            _folders = ConfigFolders.For(file, _settings);
            Problems = new Problems(file);
            _variables = new Dictionary<string, string>(OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);
            foreach (string name in DotEnvFiles)
            {
                ReadDotEnv(Path.Combine(_folders.Configuration, name));
            }

            foreach ((string name, string value) in processEnvironment)
            {
                _variables[name] = value;
            }
        }

        public Problems Problems { get; }

        /// <summary>1. JSON to nodes. 2. Gateway keys, servers. 3. Variables and flags over them. 4. Rules. 5. Secrets out of every message.</summary>
        public ConfigurationResult Run(byte[]? bytes)
        {
            ConfigNode? root = bytes is null ? null : ConfigText.Read(bytes, Problems);
            ForeignFormat.Detected format = ForeignFormat.Detect(root, _file);
            bool foreign = format.Format != ConfigurationFormat.Own;
            var expander = new VariableExpander(_variables, _folders.Workspace, _folders.Home, ForeignFormat.ReadInputs(format.Inputs, foreign, Problems), _settings.AskInput);
            var scope = new ReadScope(Problems, expander, foreign, null);
            if (root is not null)
            {
                ReadRoot(root, format, expander, scope);
            }

            _options.Variables = _variables;
            _options.File = _file;
            _options.WorkspaceFolder = _folders.Workspace;
            ResolveState(_folders);
            OptionOverlay.Apply(_options, _variables, _settings.Flags, scope);
            ResolveState(_folders with { Workspace = Directory.GetCurrentDirectory() });
            foreach (ServerEntry entry in _servers)
            {
                ServerConfigRules.Check(entry.Config, entry.Place, Problems.Error, Problems.Warning, Problems.Places.ContainsKey);
                _options.Servers.Add(entry.Config);
                _secrets.AddRange(ServerSecrets.Of(entry.Config));
            }

            FleetRules.Check(_options, _servers, Problems);
            _secrets.AddRange(expander.Secrets);
            var redactor = new SecretRedactor(_secrets);
            return new ConfigurationResult
            {
                Options = _options,
                Errors = Problems.Errors(redactor),
                Warnings = Problems.Warnings(redactor),
                MissingVariables = MissingByServer(),
                Redactor = redactor,
                File = _file,
                Format = format.Format,
            };
        }

        /// <summary>The same for a text that is one server.</summary>
        public ServerEntryResult RunServer(byte[] bytes, string? name)
        {
            var expander = new VariableExpander(_variables, _folders.Workspace, _folders.Home, ForeignFormat.ReadInputs(null, false, Problems), null);
            ServerConfig? config = ConfigText.Read(bytes, Problems) is { } root
                ? new ServersReader(Problems, expander, foreign: false, _folders).ReadOne(root, null)?.Config
                : null;
            if (config is not null)
            {
                config.Name = config.Name.Length == 0 && name is not null ? name : config.Name;
                ServerConfigRules.Check(config, "", Problems.Error, Problems.Warning, Problems.Places.ContainsKey);
                _secrets.AddRange(ServerSecrets.Of(config));
            }

            _secrets.AddRange(expander.Secrets);
            var redactor = new SecretRedactor(_secrets);
            return new ServerEntryResult(config, Unplaced(Problems.Errors(redactor)), Unplaced(Problems.Warnings(redactor)), redactor);

            // The sender has no file: only the line of a syntax error helps to find it, and that stands in the rule.
            static ConfigurationError[] Unplaced(IEnumerable<ConfigurationError> problems) => [.. problems.Select(static problem => problem with { File = null })];
        }

        private void ReadRoot(ConfigNode root, ForeignFormat.Detected format, VariableExpander expander, ReadScope scope)
        {
            OptionsReader.Read(_options, root, "", "", scope, member =>
            {
                bool isTaken = format.Servers.Contains(member.Value) || member.Value == format.Inputs || member.Value == format.Wrapper;
                if (!isTaken && !OptionsShape.Keys(typeof(FairleadOptions)).Any(key => key.Name == member.Name) && member.Name != "$schema")
                {
                    OptionsReader.ReportUnknown(member, typeof(FairleadOptions), scope, "servers", "inputs", "mcpServers");
                    return true;
                }

                return isTaken;
            });
            if (root["connectionTimeout"] is { } manager && root["limits"]?["connectTimeout"] is not null)
            {
                Problems.ErrorAt(manager, manager.Show(), "connectionTimeout means the same as limits.connectTimeout, and both are set.", "Keep one of the two.");
            }

            var reader = new ServersReader(Problems, expander, scope.Foreign, _folders);
            _servers.AddRange(format.Servers.SelectMany(reader.Read));
            if (format.Servers.Count == 0)
            {
                Problems.WarningAt(root, null, "The file names no server.", "Add them under \"servers\".");
            }
        }

        /// <summary>A relative path in the file starts at the workspace folder, one in a flag or a variable at the current directory.</summary>
        private void ResolveState(ConfigFolders folders)
        {
            if (_options.StateFolder is { Length: > 0 } state && !state.Contains("${", StringComparison.Ordinal))
            {
                _options.StateFolder = folders.Resolve(state);
            }
        }

        private void ReadDotEnv(string path)
        {
            string? text = TextFile.Read(path, DotEnv.BytesMax, out string? failure);
            if (failure is not null)
            {
                Problems.WarningIn(path, null, failure, "Mend it, or remove it.");
            }

            foreach ((string name, string value) in text is null ? [] : DotEnv.Parse(text, (line, rule) => Problems.WarningIn(path, line, rule, "Write NAME=value, or # before a comment.")))
            {
                _variables[name] = value;
                if (SecretNames.IsSecret(name))
                {
                    _secrets.Add(value);
                }
            }
        }

        private Dictionary<string, IReadOnlyList<string>> MissingByServer()
        {
            var missing = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
            foreach (ServerConfig server in _options.Servers.Where(static server => server.IsMissingAuth))
            {
                missing[server.Name] = [.. server.MissingVariables];
            }

            return missing;
        }
    }
}
