using System.Diagnostics;
using Fairlead.Cli.Running;
using Fairlead.Configuration;
using Fairlead.Processes;

namespace Fairlead.Cli.Diagnosis;

/// <summary>The programs of the servers: whether each would be found by a start, and whether Node is new enough for what runs on it.</summary>
/// <param name="at">Whose environment is inherited.</param>
/// <param name="nodeVersion">Asks a Node for its version, such as <c>v22.1.0</c>; null when it gives none.</param>
internal sealed class ProgramChecks(Surroundings at, Func<string, string?> nodeVersion)
{
    private static readonly TimeSpan s_versionWait = TimeSpan.FromSeconds(10);

    private readonly ProcessPlatform _platform = ProcessPlatform.Current;
    private readonly Dictionary<string, string?> _versions = new(StringComparer.Ordinal);

    /// <summary>Runs the checks <c>program</c> and <c>node</c>.</summary>
    public IEnumerable<Finding> Run(IEnumerable<ServerConfig> servers) =>
        servers.Where(static server => server is { Disabled: false, Command: not null, EffectiveTransport: ServerTransport.Stdio }).SelectMany(Of);

    /// <summary>Runs a Node to learn its version.</summary>
    public static string? AskVersion(string node)
    {
        var start = new ProcessStartInfo(node, ["--version"]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        try
        {
            using var process = Process.Start(start)!;
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync();
            if (!output.Wait(s_versionWait))
            {
                process.Kill(entireProcessTree: true);
                return null;
            }

            return output.Result.Trim();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // It is there and cannot be run: an architecture of another machine, for example.
            return null;
        }
    }

    private IEnumerable<Finding> Of(ServerConfig server)
    {
        var command = server.Command!;
        if (command.Contains("${", StringComparison.Ordinal) && server.IsMissingAuth)
        {
            yield break;
        }

        var directory = Path.GetFullPath(server.WorkingDirectory ?? at.CurrentDirectory);
        if (!Directory.Exists(directory))
        {
            yield return new Finding("program", Verdict.Fail, $"The working directory '{directory}' does not exist.", "Create it, or correct \"cwd\" in the configuration.", server.Name);
            yield break;
        }

        var environment = ChildEnvironment.Build(at.Environment, server.Environment, "", _platform.IsWindows);
        var found = ChildProgram.Find(command, directory, environment, _platform);
        if (found.Path is not { } path)
        {
            yield return new Finding("program", Verdict.Fail, Capital(found.Problem!), MendOf(command), server.Name);
            yield break;
        }

        yield return new Finding("program", Verdict.Ok, $"{command} is {path}", null, server.Name);
        var program = Path.GetFileNameWithoutExtension(command);
        if (program is "node" or "npx" or "npm")
        {
            yield return Node(server, program, program == "node" ? path : null, directory, environment);
        }
    }

    private Finding Node(ServerConfig server, string program, string? path, string directory, Dictionary<string, string> environment)
    {
        var node = path ?? ChildProgram.Find("node", directory, environment, _platform).Path;
        if (node is null)
        {
            return new Finding("node", Verdict.Fail, $"{program} is there, but no node on the server's PATH.", "Install Node 20 or newer, or add its folder to PATH in the server's env.", server.Name);
        }

        if (!_versions.TryGetValue(node, out var version))
        {
            version = _versions[node] = nodeVersion(node);
        }

        if (version is null || !NodeRange.TryParseVersion(version, out _))
        {
            return new Finding("node", Verdict.Fail, $"{node} does not say its version.", "Try it in a terminal: node --version", server.Name);
        }

        var need = NodePackages.NeedOf(server, program, directory, environment, at);
        if (need is null)
        {
            return new Finding("node", Verdict.Ok, $"Node {version}; {(program == "node" ? "no package says which it needs" : "what the package needs is known once it was started")}.", null, server.Name);
        }

        return NodeRange.Satisfies(need.Range, version)
            ? new Finding("node", Verdict.Ok, $"Node {version}; {need.Package} needs {need.Range}", null, server.Name)
            : new Finding("node", Verdict.Fail, $"{need.Package} needs Node {need.Range}, and {node} is {version}.", "Install such a Node, or name its npx or node with the full path as the command.", server.Name);
    }

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    private static string MendOf(string command) => Path.GetFileNameWithoutExtension(command) switch
    {
        "npx" or "node" or "npm" => "Install Node 20 or newer (nodejs.org), or give the full path.",
        "uvx" or "uv" => "Install uv (docs.astral.sh/uv), or give the full path.",
        "docker" => "Install Docker or podman, or give the full path.",
        "dotnet" or "dnx" => "Install the .NET SDK (dot.net), or give the full path.",
        "python" or "python3" or "pipx" => "Install Python 3, or give the full path.",
        _ => "Install it, or give its full path.",
    };
}
