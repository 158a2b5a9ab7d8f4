using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Fairlead.Configuration;

namespace Fairlead.Cli.Clients;

/// <summary>What becomes of a server that was found.</summary>
internal enum ImportAction
{
    /// <summary>It is added.</summary>
    New,

    /// <summary>It is there already.</summary>
    Same,

    /// <summary>Another server has its name, and stays.</summary>
    Keep,

    /// <summary>Another server had its name, and goes.</summary>
    Replace,

    /// <summary>Another server has its name; this one is added under another.</summary>
    Rename,

    /// <summary>It cannot or must not be taken over.</summary>
    Skip,
}

/// <summary>One line of a plan.</summary>
/// <param name="Found">The server.</param>
/// <param name="Action">What becomes of it.</param>
/// <param name="Name">Its key in Fairlead's file.</param>
/// <param name="Entry">Its object in Fairlead's file; null when it is not written.</param>
/// <param name="Reason">Why, and what a person should know; empty when there is nothing to say.</param>
/// <param name="LeftOut">Keys of the client that mean nothing to Fairlead.</param>
internal sealed record PlannedServer(FoundServer Found, ImportAction Action, string Name, JsonObject? Entry, string Reason, IReadOnlyList<string> LeftOut)
{
    /// <summary>Whether something is written.</summary>
    public bool IsWritten => Action is ImportAction.New or ImportAction.Replace or ImportAction.Rename;
}

/// <summary>Two servers with one name.</summary>
/// <param name="Found">The one that comes.</param>
/// <param name="Entry">It, in Fairlead's words.</param>
/// <param name="Present">The one that is there.</param>
/// <param name="Place">Where that is.</param>
/// <param name="Differences">The keys in which they differ.</param>
internal sealed record NameConflict(FoundServer Found, JsonObject Entry, JsonObject Present, string Place, IReadOnlyList<string> Differences);

/// <summary>Decides for each server that was found what becomes of it. Owns the picture of Fairlead's file as it will be; touches no file.</summary>
/// <param name="variables">The variables of the process, to tell which are missing.</param>
/// <param name="choose">Asked about a server whose name another one has. Answers Keep, Replace or Rename.</param>
internal sealed partial class ImportPlan(IReadOnlyDictionary<string, string> variables, Func<NameConflict, ImportAction> choose)
{
    private readonly Dictionary<string, (string Key, JsonObject Entry, string Place)> _bySlug = new(StringComparer.Ordinal);
    private readonly Dictionary<string, JsonObject> _inputs = new(StringComparer.Ordinal);
    private readonly List<PlannedServer> _servers = [];
    private readonly List<JsonObject> _newInputs = [];

    /// <summary>The lines, in the order in which the servers were added.</summary>
    public IReadOnlyList<PlannedServer> Servers => _servers;

    /// <summary>Declarations of inputs to be written.</summary>
    public IReadOnlyList<JsonObject> NewInputs => _newInputs;

    /// <summary>Makes known what stands in Fairlead's file.</summary>
    public void AddPresent(IEnumerable<FoundServer> servers, string place)
    {
        foreach (var server in servers.Where(static server => server.Entry is not null))
        {
            _bySlug.TryAdd(ServerName.ToSlug(server.Name), (server.Name, ServerTranslation.Of(server.Entry!, null).Entry, place));
            foreach (var (id, input) in server.Inputs)
            {
                _inputs.TryAdd(id, input);
            }
        }
    }

    /// <summary>Plans one server more.</summary>
    public void Add(FoundServer found)
    {
        if (found.Entry is null)
        {
            Skip(found, "it is no object");
            return;
        }

        if (FairleadItself.Is(found.Name, found.Entry))
        {
            Skip(found, "it is Fairlead itself");
            return;
        }

        var (entry, leftOut) = ServerTranslation.Of(found.Entry, found.Workspace);
        if (ProblemOf(entry, found, out var remark) is { } problem)
        {
            Skip(found, problem, leftOut);
            return;
        }

        (entry, var inputs) = WithInputs(entry, found);
        var slug = ServerName.ToSlug(found.Name);
        var key = found.Name;
        if (!ServerName.IsValid(slug))
        {
            slug = key = Free(slug.Length == 0 ? "server" : slug + "-server");
            entry.TryAdd("title", found.Name);
        }

        // The same server under another name would run twice.
        var twin = _bySlug.Where(other => ServerTranslation.Differences(other.Value.Entry, entry).Count == 0).OrderByDescending(other => other.Key == slug).Select(static other => other.Value).FirstOrDefault();
        if (twin.Entry is not null)
        {
            Put(found, ImportAction.Same, twin.Key, null, $"already {(twin.Key == found.Name ? "" : twin.Key + " ")}in {twin.Place}", leftOut);
            return;
        }

        if (!_bySlug.TryGetValue(slug, out var present))
        {
            Write(found, ImportAction.New, slug, key, (entry, inputs), remark, leftOut);
            return;
        }

        var differences = ServerTranslation.Differences(present.Entry, entry);
        var why = $"{present.Key} in {present.Place} has other {string.Join(", ", differences)}";
        switch (choose(new NameConflict(found, entry, present.Entry, present.Place, differences)))
        {
            case ImportAction.Replace:
                Write(found, ImportAction.Replace, slug, present.Key, (entry, inputs), Join(why, remark), leftOut);
                break;
            case ImportAction.Rename:
                var free = Free(slug);
                Write(found, ImportAction.Rename, free, free, (entry, inputs), Join(why, remark), leftOut);
                break;
            default:
                Put(found, ImportAction.Keep, present.Key, null, why, leftOut);
                break;
        }
    }

    private static string Join(string one, string other) => other.Length == 0 ? one : $"{one}; {other}";

    private void Skip(FoundServer found, string reason, IReadOnlyList<string>? leftOut = null) => Put(found, ImportAction.Skip, found.Name, null, reason, leftOut ?? []);

    private void Put(FoundServer found, ImportAction action, string key, JsonObject? entry, string reason, IReadOnlyList<string> leftOut) =>
        _servers.Add(new PlannedServer(found, action, key, entry, reason, leftOut));

    private void Write(FoundServer found, ImportAction action, string slug, string key, (JsonObject Entry, List<JsonObject> Inputs) it, string reason, IReadOnlyList<string> leftOut)
    {
        foreach (var input in it.Inputs)
        {
            _inputs[(string)input["id"]!] = input;
            _newInputs.Add(input);
        }

        // What was planned from one client and is replaced by another's is written once, as the latter.
        var earlier = _servers.FindIndex(server => server.IsWritten && server.Name == key);
        if (earlier >= 0)
        {
            _servers[earlier] = _servers[earlier] with { Action = ImportAction.Skip, Entry = null, Reason = $"replaced by that of {found.From}" };
        }

        _bySlug[slug] = (key, it.Entry, found.From);
        Put(found, action, key, it.Entry, reason, leftOut);
    }

    private string Free(string slug)
    {
        for (var number = 1; ; number++)
        {
            var suffix = number == 1 ? "" : "-" + number.ToString(CultureInfo.InvariantCulture);
            var name = slug[..Math.Min(slug.Length, ServerName.LengthMax - suffix.Length)].TrimEnd('-') + suffix;
            if (!_bySlug.ContainsKey(name))
            {
                return name;
            }
        }
    }

    /// <summary>Reads the entry as Fairlead would; what it could not start is not written.</summary>
    private string? ProblemOf(JsonObject entry, FoundServer found, out string remark)
    {
        var document = new JsonObject { ["servers"] = new JsonObject { ["it"] = entry.DeepClone() } };
        var result = ConfigurationLoader.LoadText(document.ToJsonString(), variables, new LoadSettings { WorkspaceFolder = found.Workspace });
        remark = result.MissingVariables.Count == 0 ? "" : $"needs {string.Join(", ", result.MissingVariables.Values.First())}";
        return result.IsValid ? null : string.Join(' ', result.Errors.Select(static error => $"{error.Key.Replace("servers.it", "", StringComparison.Ordinal).TrimStart('.')}: {error.Rule} {error.Fix}".TrimStart(':', ' ')));
    }

    /// <summary>The inputs that an entry refers to and that are not declared yet. One whose id means something else here gets another id, in the entry as well.</summary>
    private (JsonObject Entry, List<JsonObject> Inputs) WithInputs(JsonObject entry, FoundServer found)
    {
        List<JsonObject> inputs = [];
        var text = entry.ToJsonString();
        foreach (var id in Input().Matches(text).Select(static match => match.Groups["id"].Value).Distinct().ToArray())
        {
            if (!found.Inputs.TryGetValue(id, out var input))
            {
                continue;
            }

            var free = id;
            for (var number = 2; _inputs.TryGetValue(free, out var other) && !SameInput(other, input); number++)
            {
                free = id + "-" + number.ToString(CultureInfo.InvariantCulture);
            }

            if (!_inputs.ContainsKey(free))
            {
                var copy = (JsonObject)input.DeepClone();
                copy["id"] = free;
                inputs.Add(copy);
            }

            text = text.Replace($"${{input:{id}}}", $"${{input:{free}}}", StringComparison.Ordinal);
        }

        return ((JsonObject)JsonNode.Parse(text)!, inputs);
    }

    private static bool SameInput(JsonObject one, JsonObject other)
    {
        var copy = (JsonObject)one.DeepClone();
        copy["id"] = other["id"]?.DeepClone();
        return JsonNode.DeepEquals(copy, other);
    }

    [GeneratedRegex(@"\$\{input:(?<id>[^}]+)\}")]
    private static partial Regex Input();
}
