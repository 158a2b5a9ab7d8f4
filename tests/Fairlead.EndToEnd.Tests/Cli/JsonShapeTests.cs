using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Fairlead.Cli;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>The table of docs/cli.md, JSON, against what the commands print: each row is run, in order.</summary>
public sealed partial class JsonShapeTests
{
    // What a row leaves open, and what has to be done before it.
    private static readonly Dictionary<string, string[]> s_more = new(StringComparer.Ordinal)
    {
        ["rollout start"] = ["--strategy", "canary", "--percent", "10", "--observe", "1h"],
        ["fault inject"] = ["--percent", "1"],
        ["bench"] = ["--server", "echo", "--warm-up", "0", "--connections", "1"],
        ["import"] = ["--from", "CLIENTS", "--into", "INTO", "--yes"],
        ["config validate"] = ["CONFIGURATION"],
    };

    private static readonly Dictionary<string, string[]> s_before = new(StringComparer.Ordinal)
    {
        ["rollout promote"] = ["rollout", "start", "echo", "--strategy", "canary", "--percent", "10", "--observe", "1h"],
        ["fault clear"] = ["fault", "inject", "echo", "--kind", "error", "--percent", "1"],
    };

    [Fact]
    public void Table_OfTheDocs_NamesEveryCommandThatWritesJson()
    {
        string[] documented = [.. Rows().SelectMany(static row => row.Commands)];
        var missing = Leaves(Program.Root(), []).Where(leaf => !documented.Any(row => row == leaf || row.StartsWith(leaf + " ", StringComparison.Ordinal))).ToArray();
        Assert.True(missing.Length == 0, $"docs/cli.md, JSON, has no row for: {string.Join(", ", missing)}");
    }

    [Fact]
    public async Task Table_OfTheDocs_HoldsForWhatEachCommandPrints()
    {
        using var folder = new TempFolder();
        folder.Write(".cursor.json", """{"mcpServers":{"memory":{"command":"true"}}}""");
        var more = folder.Write("more.json", """{"name":"more","command":"dotnet","disabled":true}""");
        await using var gateway = await GatewayProcess.StartAsync(new JsonObject
        {
            ["faultInjection"] = new JsonObject { ["enabled"] = true },
            ["servers"] = new JsonObject { ["echo"] = GatewayProcess.Stdio("dotnet", RepositoryPaths.BuiltAssembly("Echo", "echo-server.dll")) },
        });
        await gateway.LineAsync(static line => line.Contains("\"event\":\"summary\"", StringComparison.Ordinal), "the summary");
        var variables = new Dictionary<string, string> { ["HOME"] = folder.FullName };
        var words = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["SERVER"] = "echo", ["TOOL"] = "echo", ["JSON"] = """{"message":"hi"}""", ["FILE"] = more, ["INTO"] = folder.At("into.json"), ["CONFIGURATION"] = gateway.ConfigurationFile,
            ["N"] = "1", ["KIND"] = "error", ["CLIENTS"] = folder.At(".cursor.json"), ["ID"] = "00000000-0",
        };
        var wrong = new List<string>();
        foreach (var row in Rows())
        {
            foreach (var command in row.Commands)
            {
                var head = string.Join(' ', command.Split(' ').TakeWhile(static word => word.All(static c => char.IsAsciiLetterLower(c))));
                if (s_before.TryGetValue(head, out var before))
                {
                    await RunAsync(before);
                }

                string[] arguments = [.. command.Split(' ').Where(static word => !word.StartsWith('[')).Concat(s_more.GetValueOrDefault(head, [])).Select(word => word == "SERVER" && head == "undeploy" ? "more" : words.GetValueOrDefault(word, word)), "--json"];
                var output = command switch
                {
                    "up" => gateway.Output.Split('\n').First(static line => line.StartsWith('{')),
                    "ps --watch" => await WatchAsync(arguments),
                    _ => await RunAsync(arguments),
                };
                wrong.AddRange(Faults(row, output).Select(fault => $"{command}: {fault}"));
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));

        async Task<string> WatchAsync(string[] arguments)
        {
            await using var watch = ChildProcess.Start("dotnet", [RepositoryPaths.Cli, .. arguments, "--state", gateway.StateFolder]);
            return await watch.LineAsync(static line => line.StartsWith('{'), "the first server");
        }

        async Task<string> RunAsync(string[] arguments)
        {
            var isOfInstance = Program.Root().Parse(arguments).CommandResult.Command.Options.Any(static option => option.Name == "--state");
            var run = await CliRun.OfAsync(variables, isOfInstance ? [.. arguments, "--state", gateway.StateFolder] : arguments);
            return string.Join('\n', run.Output.Split('\n').Where(static line => line.StartsWith('{') || line.StartsWith('"'))) is { Length: > 0 } json ? json : run.Output;
        }
    }

    /// <summary>What an output has that its row does not say, and the other way round.</summary>
    private static IEnumerable<string> Faults(Row row, string output)
    {
        var lines = row.IsLines ? output.Split('\n') : [output];
        foreach (var line in lines)
        {
            JsonNode? document = null;
            string? trouble = null;
            try
            {
                document = JsonNode.Parse(line);
            }
            catch (JsonException exception)
            {
                trouble = $"{exception.Message}: {line}";
            }

            if (trouble is not null)
            {
                yield return trouble;
                yield break;
            }

            if (document is not JsonObject made)
            {
                if (row.Always.Length != 0)
                {
                    yield return $"it is no object: {line}";
                }

                continue;
            }

            foreach (var path in row.Always.Where(path => !Has(made, path.Split('.'))))
            {
                yield return $"there is no {path} in {line}";
            }

            string[] known = [.. row.Always.Concat(row.Perhaps).Select(static path => path.Split('.')[0].Replace("[]", "", StringComparison.Ordinal))];
            foreach (var name in row.IsOpen || known.Contains("*") ? [] : made.Select(static member => member.Key).Except(known))
            {
                yield return $"{name} is not in the docs: {line}";
            }
        }
    }

    /// <summary>Whether a path is there: <c>[]</c> means each item of a list that is not empty, <c>*</c> each member.</summary>
    private static bool Has(JsonNode? node, ReadOnlySpan<string> path)
    {
        if (path.IsEmpty)
        {
            return true;
        }

        var isList = path[0].EndsWith("[]", StringComparison.Ordinal);
        var name = isList ? path[0][..^2] : path[0];
        if (node is not JsonObject holder || (name != "*" && !holder.ContainsKey(name)))
        {
            return false;
        }

        JsonNode?[] values = name == "*" ? [.. holder.Select(static member => member.Value)] : [holder[name]];
        if (isList)
        {
            values = [.. values.SelectMany(static value => value as JsonArray ?? [])];
        }

        foreach (var value in values)
        {
            if (!Has(value, path[1..]))
            {
                return false;
            }
        }

        return values.Length != 0;
    }

    /// <summary>The commands that have <c>--json</c>, as they are typed. What stands in two places counts in one.</summary>
    private static IEnumerable<string> Leaves(Command command, string[] path) =>
        (command.Options.Any(static option => option.Name == "--json") && (path.Length == 0 || path[^1] != "import" || path.Length == 1) ? [string.Join(' ', path)] : Array.Empty<string>())
            .Concat(command.Subcommands.Where(static sub => !sub.Hidden).SelectMany(sub => Leaves(sub, [.. path, sub.Name])));

    private static List<Row> Rows()
    {
        var text = File.ReadAllText(Path.Combine(RepositoryPaths.Root, "docs/cli.md"));
        var section = text[text.IndexOf("\n## JSON\n", StringComparison.Ordinal)..];
        var rows = section.Split('\n').SkipWhile(static line => !line.StartsWith("|---", StringComparison.Ordinal)).Skip(1).TakeWhile(static line => line.StartsWith('|'))
            .Select(static line => line.Split('|', StringSplitOptions.TrimEntries)).Select(static cells => new Row(Spans(cells[1]), cells[2] == "lines", Spans(cells[3]), Spans(cells[4]), cells[4].Contains("the rest of", StringComparison.Ordinal))).ToList();
        Assert.True(rows.Count > 15, $"only {rows.Count} rows were found");
        return rows;
    }

    private static string[] Spans(string cell) => [.. Span().Matches(cell).Select(static match => match.Groups["text"].Value)];

    [GeneratedRegex("`(?<text>[^`]+)`")]
    private static partial Regex Span();

    private sealed record Row(string[] Commands, bool IsLines, string[] Always, string[] Perhaps, bool IsOpen);
}
