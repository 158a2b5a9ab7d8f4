using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Load.Compare;

namespace Fairlead.Load;

/// <summary>
/// Makes what was measured last the record: each mode's figures, table and machine go from <c>artifacts/bench</c> into <c>bench/results</c>, its table into the block of that name in the docs, and
/// its claim in <c>bench/claims.json</c> names the result from then on.
/// </summary>
internal static class RecordRun
{
    private const string FactsEnding = ".facts.json";

    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>Prints the machine as JSON: called before each measurement.</summary>
    public static async Task<int> PrintFactsAsync(LoadArguments arguments)
    {
        var facts = await MachineFacts.ReadAsync(Path.GetFullPath(arguments.Text("--root", "."))).ConfigureAwait(false);
        Console.WriteLine(JsonSerializer.Serialize(facts));
        return 0;
    }

    /// <summary>Records all modes that have been measured.</summary>
    /// <exception cref="BenchFailedException">Nothing was measured, or what lies there is not of one run.</exception>
    public static async Task<int> RunAsync(LoadArguments arguments)
    {
        var root = Path.GetFullPath(arguments.Text("--root", "."));
        var measured = Path.Combine(root, "artifacts", "bench");
        var modes = Directory.Exists(measured)
            ? Directory.GetFiles(measured, "*" + FactsEnding).Select(static path => Path.GetFileName(path)[..^FactsEnding.Length]).Order(StringComparer.Ordinal).ToArray()
            : [];
        if (modes.Length == 0)
        {
            throw new BenchFailedException("nothing was measured; run bench/run.sh first");
        }

        var results = Directory.CreateDirectory(Path.Combine(root, "bench", "results")).FullName;
        var claimsPath = Path.Combine(root, "bench", "claims.json");
        var claims = JsonNode.Parse(await File.ReadAllTextAsync(claimsPath).ConfigureAwait(false))!;
        foreach (var mode in modes)
        {
            var facts = Path.Combine(measured, mode + FactsEnding);
            var figures = Path.Combine(measured, mode + ".json");
            if (!File.Exists(figures) || File.GetLastWriteTimeUtc(figures) < File.GetLastWriteTimeUtc(facts))
            {
                throw new BenchFailedException($"the last 'bench/run.sh {mode}' did not come to its end; run it again, or remove {facts}");
            }

            var machine = JsonSerializer.Deserialize<MachineFacts>(await File.ReadAllTextAsync(facts).ConfigureAwait(false))!;
            var text = await File.ReadAllTextAsync(Path.Combine(measured, mode + ".md")).ConfigureAwait(false);
            string[] table = [$"Of record: {machine}.", "", .. text.Trim().Split('\n').Select(static line => line.TrimEnd())];
            var content = JsonNode.Parse(await File.ReadAllTextAsync(figures).ConfigureAwait(false));
            var result = new JsonObject { ["command"] = $"bench/run.sh {mode}", ["machine"] = JsonSerializer.SerializeToNode(machine), ["table"] = JsonSerializer.SerializeToNode(table), ["figures"] = content };
            await File.WriteAllTextAsync(Path.Combine(results, mode + ".json"), result.ToJsonString(s_indented) + "\n", s_utf8).ConfigureAwait(false);
            Console.WriteLine($"bench/results/{mode}.json: {machine}");
            await WriteBlocksAsync(root, mode, table, claims["blocks"]!.AsArray()).ConfigureAwait(false);
        }

        await File.WriteAllTextAsync(claimsPath, claims.ToJsonString(s_indented) + "\n", s_utf8).ConfigureAwait(false);
        Console.WriteLine("Look at the text around the tables: what it says of an earlier run stays until somebody writes it anew, with its claims.");
        return 0;
    }

    private static async Task WriteBlocksAsync(string root, string mode, string[] table, JsonArray claims)
    {
        var block = $"bench {mode}";
        foreach (var claim in claims.Where(claim => (string?)claim!["block"] == block))
        {
            var path = Path.Combine(root, (string)claim!["file"]!);
            var page = await File.ReadAllTextAsync(path).ConfigureAwait(false);
            var mark = $"<!-- {block}: written by bench/run.sh record -->\n";
            var begin = page.IndexOf(mark, StringComparison.Ordinal);
            var end = begin < 0 ? -1 : page.IndexOf($"<!-- end of {block} -->", begin, StringComparison.Ordinal);
            if (end < 0)
            {
                throw new BenchFailedException($"{claim["file"]} has no block '{block}', which bench/claims.json names");
            }

            await File.WriteAllTextAsync(path, page[..(begin + mark.Length)] + string.Concat(table.Select(static line => line + "\n")) + page[end..], s_utf8).ConfigureAwait(false);
            var named = claim.AsObject();
            named.Remove("recorded");
            named.Remove("digest");
            named["result"] = $"bench/results/{mode}.json";
            Console.WriteLine($"  {claim["file"]}");
        }
    }
}
