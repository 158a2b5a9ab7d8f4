using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Cli.Running;
using Fairlead.Configuration;

namespace Fairlead.Cli.Clients;

/// <summary>A server as it stands in a file of a client.</summary>
/// <param name="Name">Its name there.</param>
/// <param name="Entry">Its object there; null when it is no object.</param>
/// <param name="From">Whose file it is, for people.</param>
/// <param name="File">The file.</param>
/// <param name="Workspace">The folder that relative paths and <c>${workspaceFolder}</c> mean; null for servers that belong to no folder.</param>
/// <param name="Inputs">The declarations that <c>${input:id}</c> may refer to, by id.</param>
internal sealed record FoundServer(string Name, JsonObject? Entry, string From, string File, string? Workspace, IReadOnlyDictionary<string, JsonObject> Inputs)
{
    /// <summary>Reads the servers of a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="place">Whose it is; null when a person named a file of which nothing is known.</param>
    /// <param name="at">Of the projects in a file of Claude Code the one in the current folder counts.</param>
    public static IReadOnlyList<FoundServer> In(EditedFile file, ClientFile? place, Surroundings at)
    {
        var from = place is null ? Path.GetFileName(file.Path) : place.Scope == FileScope.Project ? $"{place.Client.Title}, project" : place.Client.Title;

        // A file that a person names is read as --config would read it: relative paths begin at its folder.
        var workspace = place?.Scope == FileScope.User ? null : ConfigFolders.For(Path.GetFullPath(file.Path), new LoadSettings { UserHome = at.Home }).Workspace;
        return file is JsonFile json ? OfJson(json, place, at, from, workspace) : [.. OfCodex(file, from, workspace)];
    }

    private static List<FoundServer> OfJson(JsonFile file, ClientFile? place, Surroundings at, string from, string? workspace)
    {
        var wrapper = file.Root["servers"] is null ? file.At("mcp") : null;
        var around = wrapper?["servers"] is null ? file.Root : wrapper;
        var inputs = InputsOf(file, around["inputs"]);
        List<FoundServer> found = [];
        foreach (var servers in new[] { file.Root["mcpServers"], around["servers"] }.OfType<ConfigNode>())
        {
            found.AddRange(Entries(file, servers, from, workspace, inputs));
        }

        if (place is { Client.Word: "claude-code", Scope: FileScope.User } && file.At("projects", at.CurrentDirectory, "mcpServers") is { } local)
        {
            found.AddRange(Entries(file, local, from + ", project", at.CurrentDirectory, inputs));
        }

        return place is { Client.Word: "gemini" } ? found.ConvertAll(static server => server with { Entry = server.Entry is null ? null : ClientDialect.OfGemini(server.Entry) }) : found;
    }

    private static IEnumerable<FoundServer> OfCodex(EditedFile file, string from, string? workspace)
    {
        if (!file.TryGet(["mcp_servers"], out var servers) || servers is not JsonObject tables)
        {
            yield break;
        }

        foreach (var (name, table) in tables)
        {
            yield return new FoundServer(name, table is JsonObject entry ? ClientDialect.OfCodex(entry) : null, from, file.Path, workspace, new Dictionary<string, JsonObject>());
        }
    }

    private static IEnumerable<FoundServer> Entries(JsonFile file, ConfigNode servers, string from, string? workspace, Dictionary<string, JsonObject> inputs)
    {
        foreach (var member in servers.Members)
        {
            yield return new FoundServer(member.Name, file.Value(member.Value) as JsonObject, from, file.Path, workspace, inputs);
        }

        foreach (var item in servers.Items.Where(static item => item.Kind == JsonValueKind.Object))
        {
            var entry = (JsonObject)file.Value(item)!;
            entry.Remove("name");
            yield return new FoundServer(item["name"]?.Text ?? "", entry, from, file.Path, workspace, inputs);
        }
    }

    private static Dictionary<string, JsonObject> InputsOf(JsonFile file, ConfigNode? list)
    {
        var inputs = new Dictionary<string, JsonObject>(StringComparer.Ordinal);
        foreach (var item in list?.Items ?? [])
        {
            if (item["id"] is { Kind: JsonValueKind.String } id)
            {
                inputs.TryAdd(id.Text, (JsonObject)file.Value(item)!);
            }
        }

        return inputs;
    }
}
