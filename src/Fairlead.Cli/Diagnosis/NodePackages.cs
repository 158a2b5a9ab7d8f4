using System.Text.Json;
using Fairlead.Cli.Running;
using Fairlead.Configuration;

namespace Fairlead.Cli.Diagnosis;

/// <summary>What a package says of the Node it needs.</summary>
/// <param name="Package">Its name.</param>
/// <param name="Range">Its <c>engines.node</c>.</param>
internal sealed record NodeNeed(string Package, string Range);

/// <summary>Finds the package that a server runs, as far as it is on this machine: in npm's cache after the first <c>npx</c>, or around a script. Asks no registry.</summary>
internal static class NodePackages
{
    private const int CachedMax = 500;
    private const int FoldersUpMax = 8;
    private const int BytesMax = 1024 * 1024;

    private static readonly string[] s_optionsWithValue = ["-p", "--package", "-c", "--call", "-w", "--workspace"];

    /// <summary>The need of a server; null when its package is not there or says nothing.</summary>
    public static NodeNeed? NeedOf(ServerConfig server, string program, string directory, IReadOnlyDictionary<string, string> environment, Surroundings at)
    {
        if (program == "node")
        {
            var script = server.Arguments.FirstOrDefault(static argument => !argument.StartsWith('-'));
            return script is null ? null : Around(Path.GetFullPath(script, directory));
        }

        return PackageOf(server.Arguments) is { } package ? InCache(package, environment, at) : null;
    }

    /// <summary>The package that arguments of npx name: the one of <c>--package</c>, else the first that is no option.</summary>
    public static string? PackageOf(IList<string> arguments)
    {
        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            if (argument is "-p" or "--package" && i + 1 < arguments.Count)
            {
                return arguments[i + 1];
            }

            if (argument.StartsWith("--package=", StringComparison.Ordinal))
            {
                return argument["--package=".Length..];
            }

            if (s_optionsWithValue.Contains(argument))
            {
                i++;
            }
            else if (!argument.StartsWith('-') && argument is not ("exec" or "x"))
            {
                return argument;
            }
        }

        return null;
    }

    private static NodeNeed? InCache(string package, IReadOnlyDictionary<string, string> environment, Surroundings at)
    {
        var mark = package.LastIndexOf('@');
        var name = mark > 0 ? package[..mark] : package;
        var version = mark > 0 ? package[(mark + 1)..] : null;
        var cache = at.Environment.GetValueOrDefault("npm_config_cache") ?? environment.GetValueOrDefault("npm_config_cache")
            ?? (at.System == SystemKind.Windows ? Path.Combine(at.Environment.GetValueOrDefault("LOCALAPPDATA") ?? at.Home, "npm-cache") : Path.Combine(at.Home, ".npm"));
        var runs = Path.Combine(cache, "_npx");
        if (name.Contains("..", StringComparison.Ordinal) || !Directory.Exists(runs))
        {
            return null;
        }

        return Directory.EnumerateDirectories(runs).Take(CachedMax)
            .Select(folder => Path.Combine(folder, "node_modules", name, "package.json"))
            .Where(File.Exists)
            .OrderByDescending(File.GetLastWriteTimeUtc)
            .Select(file => Read(file, NodeRange.TryParseVersion(version ?? "", out _) ? version : null))
            .FirstOrDefault(static need => need is not null);
    }

    private static NodeNeed? Around(string script)
    {
        var folder = Path.GetDirectoryName(script);
        for (var up = 0; folder is not null && up < FoldersUpMax; up++)
        {
            var file = Path.Combine(folder, "package.json");
            if (File.Exists(file))
            {
                return Read(file, null);
            }

            folder = Path.GetDirectoryName(folder);
        }

        return null;
    }

    /// <param name="file">A package.json.</param>
    /// <param name="version">Only this version of the package counts; null = any.</param>
    private static NodeNeed? Read(string file, string? version)
    {
        if (TextFile.ReadBytes(file, BytesMax, out _) is not { } bytes)
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(bytes);
            var root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object && (version is null || Text(root, "version") == version)
                && root.TryGetProperty("engines", out var engines) && engines.ValueKind == JsonValueKind.Object && Text(engines, "node") is { Length: > 0 } range
                ? new NodeNeed(Text(root, "name") ?? Path.GetFileName(Path.GetDirectoryName(file)!), range)
                : null;
        }
        catch (JsonException)
        {
            // A package without a readable description is npm's to complain about.
            return null;
        }
    }

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
