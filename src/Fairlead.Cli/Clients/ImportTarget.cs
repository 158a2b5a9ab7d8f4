using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Cli.Running;
using Fairlead.Configuration;

namespace Fairlead.Cli.Clients;

/// <summary>Fairlead's own file, as far as servers are added to it.</summary>
internal sealed class ImportTarget
{
    private readonly Surroundings _at;
    private readonly string _container;

    private ImportTarget(JsonFile file, string container, Surroundings at)
    {
        File = file;
        _container = container;
        _at = at;
    }

    /// <summary>The file.</summary>
    public JsonFile File { get; }

    /// <summary>Opens the file that servers are to be added to.</summary>
    /// <param name="named">What <c>--into</c> says; null = the file that <c>fairlead up</c> would load, else the one in the user's configuration directory.</param>
    /// <param name="at">Where to look.</param>
    /// <param name="problem">Why nothing can be added; null when it can.</param>
    public static ImportTarget? Open(string? named, Surroundings at, out string? problem)
    {
        var found = ConfigurationPaths.Find(named, at.Environment, at.CurrentDirectory, at.Home) ?? ConfigurationPaths.Candidates(at.System, at.Environment, at.CurrentDirectory, at.Home)[^1];
        var path = Path.GetFullPath(found, at.CurrentDirectory);
        if (ClientFiles.Existing(ClientFiles.OfUser(at).Concat(ClientFiles.OfProject(at))).FirstOrDefault(place => place.Path == path) is { } client)
        {
            problem = $"{path} belongs to {client.Client.Title}. Name a file of Fairlead's own with --into FILE.";
            return null;
        }

        if (JsonFile.Open(path, out problem) is not { } file)
        {
            return null;
        }

        var container = file.At("servers") is null && file.At("mcpServers") is not null ? "mcpServers" : "servers";
        if (file.At(container) is { Kind: not JsonValueKind.Object } other)
        {
            problem = $"{path}:{other.Line}:{other.Column}: {container} is {other.Show()}. Servers can be added to an object only: write it like {{ \"NAME\": {{ ... }} }}, or name another file with --into FILE.";
            return null;
        }

        var target = new ImportTarget(file, container, at);
        if (target.Errors() is { Count: > 0 } errors)
        {
            problem = $"{path} has errors already; mend them first (fairlead config validate):\n{string.Join('\n', errors)}";
            return null;
        }

        return target;
    }

    /// <summary>The servers that it holds.</summary>
    public IReadOnlyList<FoundServer> Present() => FoundServer.In(File, null, _at);

    /// <summary>Puts a plan into the text.</summary>
    /// <returns>The places that were set.</returns>
    /// <exception cref="InvalidDataException">The result would not load; nothing may be written.</exception>
    public IReadOnlyList<IReadOnlyList<string>> Apply(ImportPlan plan)
    {
        List<IReadOnlyList<string>> places = [];
        foreach (var server in plan.Servers.Where(static server => server.IsWritten))
        {
            string[] place = [_container, server.Name];
            File.Set(place, server.Entry!);
            places.Add(place);
        }

        foreach (var input in plan.NewInputs)
        {
            if (File.At("inputs") is { } inputs)
            {
                File.Append(inputs, input);
            }
            else
            {
                string[] place = ["inputs"];
                File.Set(place, new JsonArray(input));
                places.Add(place);
            }
        }

        return Errors() is { Count: > 0 } errors ? throw new InvalidDataException($"the result would not load, so nothing was written:\n{string.Join('\n', errors)}") : places;
    }

    private List<ConfigurationError> Errors()
    {
        if (File.Root.Members.Count == 0)
        {
            return [];
        }

        var settings = new LoadSettings { WorkspaceFolder = Path.GetDirectoryName(File.Path), UserHome = _at.Home };
        return [.. ConfigurationLoader.LoadText(Encoding.UTF8.GetString(File.Content()).TrimStart('\uFEFF'), _at.Environment, settings).Errors];
    }
}
