using System.Text.RegularExpressions;

namespace Fairlead.Tests.Tidy;

/// <summary>Which folder (= namespace) inside src/Fairlead may see which, and what the wire project may use (docs/architecture.md, Invariants).</summary>
internal static partial class FolderArrows
{
    private static readonly string[] s_requestPath = ["Exchanges", "Sessions", "Guards", "Routing", "Upstreams"];

    /// <summary>What stands on the left must not see what stands on the right.</summary>
    private static readonly (string[] From, string[] To, string Why)[] s_forbidden =
    [
        (s_requestPath, ["Actors", "Rollouts"], "the request path reads published snapshots and never waits in a mailbox"),
        (["Guards", "Routing", "Sessions", "Upstreams"], ["Exchanges"], "exchanges stand on guards, routing, sessions and upstreams, not the other way round"),
        (["Upstreams"], ["Guards", "Routing", "Sessions", "Catalog", "Servers"], "a connection knows its server and its calls, not the fleet around them"),
        (["Actors"], ["Servers", "Exchanges", "Sessions", "Guards", "Routing", "Upstreams", "Catalog", "Processes"], "the actor runtime knows nothing of what its actors do"),
        (["Processes"], ["Servers", "Actors", "Exchanges", "Upstreams", "Sessions", "Routing"], "starting and stopping a process knows nothing of MCP"),
        (["Configuration", "Security", "Diagnostics", "State"], [.. s_requestPath, "Actors", "Servers", "Processes", "Faults"], "everything stands on them"),
        ([.. s_requestPath, "Actors", "Servers", "Processes", "Catalog", "Health"], ["Faults"], "faults are laid on connections from outside; what they meet knows only that something lies there"),
        (["Faults"], ["Exchanges", "Sessions", "Guards", "Actors", "Servers", "Catalog", "Health"], "a fault hurts connections and children, and reads counters; guards, retries and health checks must find out by themselves"),
    ];

    public static IEnumerable<string> Check(IEnumerable<SourceFile> files)
    {
        var sources = files.Where(file => file.IsCSharp && file.Path.StartsWith("src/", StringComparison.Ordinal)).ToList();
        var types = sources.SelectMany(DeclaredTypes).ToHashSet();
        foreach (var file in sources)
        {
            foreach (var problem in CheckNamespace(file).Concat(CheckWire(file)).Concat(CheckCore(file, types)))
            {
                yield return problem;
            }
        }
    }

    /// <summary>The folders of src/Fairlead that the file sees: by a using or full name, or by a name from the common root namespace (<c>Actors.Mailbox</c>).</summary>
    private static IEnumerable<(string Folder, int Offset)> SeenFolders(SourceFile file, HashSet<(string Folder, string Type)> types) =>
        from match in SeenFolder().Matches(file.Code)
        let folder = match.Groups["folder"].Value
        where match.Groups["root"].Success || types.Contains((folder, match.Groups["type"].Value))
        select (folder, match.Index);

    private static IEnumerable<(string Folder, string Type)> DeclaredTypes(SourceFile file) =>
        file.Path.Split('/') is ["src", "Fairlead", var folder, .., _]
            ? TypeName().Matches(file.Code).Select(match => (folder, match.Groups["name"].Value))
            : [];

    private static IEnumerable<string> CheckCore(SourceFile file, HashSet<(string Folder, string Type)> types)
    {
        var parts = file.Path.Split('/');
        if (parts is not ["src", "Fairlead", var folder, .., _])
        {
            yield break;
        }

        foreach (var (seen, offset) in SeenFolders(file, types))
        {
            foreach (var (from, to, why) in s_forbidden)
            {
                if (seen != folder && from.Contains(folder) && to.Contains(seen))
                {
                    yield return $"{file.At(offset)}: {folder} must not see {seen}: {why}.";
                }
            }

            if (seen == "Adaptive" && folder != "Adaptive")
            {
                yield return $"{file.At(offset)}: nothing may see Adaptive; it watches and advises from outside.";
            }
        }
    }

    private static IEnumerable<string> CheckNamespace(SourceFile file)
    {
        var match = Namespace().Match(file.Code);
        var expected = Path.GetDirectoryName(file.Path)!.Replace('\\', '/')["src/".Length..].Replace('/', '.');

        // Public types of the core stand in the root namespace, so that a user needs one using; internal ones would hide arrows there.
        var isPublicApi = match.Groups["name"].Value == "Fairlead" && !InternalType().IsMatch(file.Code);
        if (match.Success && match.Groups["name"].Value != expected && !isPublicApi)
        {
            yield return $"{file.At(match.Index)}: the namespace is {match.Groups["name"].Value}, but the folder says {expected}. They must be the same, else the arrows cannot be seen.";
        }
    }

    private static IEnumerable<string> CheckWire(SourceFile file)
    {
        if (file.Path.StartsWith("src/Fairlead.Wire/", StringComparison.Ordinal))
        {
            foreach (Match match in InputOutput().Matches(file.Code))
            {
                yield return $"{file.At(match.Index)}: '{match.Value}' in Fairlead.Wire. It does no I/O and knows no tasks, so that it can be tested byte by byte.";
            }
        }
    }

    [GeneratedRegex(@"(?<![\w.])(?<root>(?:global::)?Fairlead\.)?(?<folder>Exchanges|Sessions|Guards|Routing|Catalog|Upstreams|Actors|Servers|Processes|Health|Rollouts|Configuration|Plugins|Cluster|Security|Adaptive|Diagnostics|State|Faults)\b(?:\.(?<type>[A-Z]\w*))?")]
    private static partial Regex SeenFolder();

    [GeneratedRegex(@"\b(?:class|struct|record|interface|enum)\s+(?<name>[A-Z]\w*)")]
    private static partial Regex TypeName();

    [GeneratedRegex(@"^internal\s", RegexOptions.Multiline)]
    private static partial Regex InternalType();

    [GeneratedRegex(@"^namespace\s+(?<name>[\w.]+)", RegexOptions.Multiline)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"(?<![\w.])(?:async\s|await\s|Task\b|ValueTask\b|Stream\b|Socket\b|File\.|Console\.|HttpClient\b|Thread\b|Process\b|PipeReader\b|PipeWriter\b)")]
    private static partial Regex InputOutput();
}
