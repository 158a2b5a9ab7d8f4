using Fairlead.Cli.Running;
using Fairlead.Configuration;

namespace Fairlead.Cli.Clients;

/// <summary>A file that was looked at.</summary>
/// <param name="From">Whose it is, for people.</param>
/// <param name="Path">The file.</param>
/// <param name="Servers">What it holds.</param>
/// <param name="Problem">Why it could not be used; null when it could.</param>
internal sealed record ImportSource(string From, string Path, IReadOnlyList<FoundServer> Servers, string? Problem);

/// <summary>Finds the files that servers are taken from, and reads them. A broken file costs its own servers at most.</summary>
internal static class ImportSources
{
    /// <summary>Those of the clients.</summary>
    /// <param name="clients">Which; empty = all.</param>
    /// <param name="withProject">Whether the files of the current folder count.</param>
    /// <param name="at">Where to look.</param>
    /// <param name="places">Where was looked.</param>
    public static IReadOnlyList<ImportSource> OfClients(IReadOnlyList<ClientProgram> clients, bool withProject, Surroundings at, out IReadOnlyList<ClientFile> places)
    {
        var all = ClientFiles.OfUser(at).Concat(withProject ? ClientFiles.OfProject(at) : []);
        places = [.. all.Where(place => clients.Count == 0 || clients.Contains(place.Client))];
        return [.. ClientFiles.Existing(places).Select(place => Read(place.Path, place, at)).OfType<ImportSource>()];
    }

    /// <summary>One file that a person named.</summary>
    public static ImportSource OfFile(string path, Surroundings at)
    {
        var full = Path.GetFullPath(path, at.CurrentDirectory);
        if (!File.Exists(full))
        {
            return new ImportSource(Path.GetFileName(full), full, [], $"{full}: there is no such file.");
        }

        var place = ClientFiles.Existing(ClientFiles.OfUser(at).Concat(ClientFiles.OfProject(at))).FirstOrDefault(place => place.Path == full);
        var source = Read(full, place, at);
        return source is { Problem: null, Servers.Count: 0 } or null
            ? new ImportSource(Path.GetFileName(full), full, [], $"{full}: there are no servers in it. They stand under mcpServers, servers or mcp.servers, in TOML under mcp_servers.")
            : source;
    }

    /// <summary>Null for a file of settings that says nothing of servers.</summary>
    private static ImportSource? Read(string path, ClientFile? place, Surroundings at)
    {
        var from = place?.Client.Title ?? Path.GetFileName(path);
        var bytes = TextFile.ReadBytes(path, EditedFile.BytesMax, out var problem);
        if (bytes is not null && place is { IsWritten: false } && bytes.AsSpan().IndexOf("\"mcp\""u8) < 0 && Path.GetFileName(path) == "settings.json")
        {
            return null;
        }

        var file = problem is null ? EditedFile.ParseAny(path, bytes, out problem) : null;
        return file is null ? new ImportSource(from, path, [], problem) : new ImportSource(from, path, FoundServer.In(file, place, at), null);
    }
}
