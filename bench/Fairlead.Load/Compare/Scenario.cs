using System.Text.Json;

namespace Fairlead.Load.Compare;

/// <summary>One thing to measure, as bench/scenarios.json says it. Every target of a scenario is measured in each round, between two runs of the reference.</summary>
internal sealed record Scenario
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { ReadCommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow };

    /// <summary>Letters, digits and dashes; unique.</summary>
    public string Name { get; init; } = "";

    /// <summary>What it shows, one sentence.</summary>
    public string Note { get; init; } = "";

    /// <summary>
    /// What all others are held against: bare, direct (the same HTTP echo server without a gateway), forwarder (bytes copied to the same server), same-era (the gateway before servers of the
    /// client's own era) or tool (a call of the tool object itself).
    /// </summary>
    public string Reference { get; init; } = "bare";

    /// <summary>What is measured: gateway, forwarder, nginx, mcp-proxy, supergateway, mcp-hub, manager (a call in the process), or an http address.</summary>
    public IReadOnlyList<string> Targets { get; init; } = ["gateway"];

    /// <summary>call or list.</summary>
    public string Method { get; init; } = "call";

    /// <summary>How many connections call at the same time.</summary>
    public int Connections { get; init; } = 16;

    /// <summary>Calls per second over all connections (open loop); null = closed loop.</summary>
    public double? Rate { get; init; }

    /// <summary>The rate as a share of what the gateway carried in a closed loop while it was warmed up: more than 0, at most 1. Null = <see cref="Rate"/>.</summary>
    public double? RateShare { get; init; }

    /// <summary>Bytes of the echoed text; the answer is as long.</summary>
    public int Payload { get; init; } = 64;

    /// <summary>How many tools a server on HTTP has; the first is echo.</summary>
    public int Tools { get; init; } = 1;

    /// <summary>modern or legacy: what the load speaks.</summary>
    public string ClientEra { get; init; } = "modern";

    /// <summary>modern or legacy: what the server behind the gateway speaks.</summary>
    public string ServerEra { get; init; } = "modern";

    /// <summary>stdio or http: how the gateway reaches its servers.</summary>
    public string Upstream { get; init; } = "stdio";

    /// <summary>json or sse: how servers on HTTP answer calls.</summary>
    public string Answers { get; init; } = "json";

    /// <summary>Servers behind the gateway; connections are spread over them evenly.</summary>
    public int Servers { get; init; } = 1;

    /// <summary>Instances of each server.</summary>
    public int Replicas { get; init; } = 1;

    /// <summary>What the gateway must reach here, beside others.</summary>
    public IReadOnlyList<ScenarioBound> Bounds { get; init; } = [];

    /// <summary>Reads a file of scenarios and chooses some of them.</summary>
    /// <param name="path">A JSON array.</param>
    /// <param name="names">Names with commas between; empty = all.</param>
    /// <exception cref="BenchFailedException">The file or a name is wrong; the message says how.</exception>
    public static async Task<IReadOnlyList<Scenario>> LoadAsync(string path, string names)
    {
        Scenario[] all;
        try
        {
            all = JsonSerializer.Deserialize<Scenario[]>(await File.ReadAllTextAsync(path).ConfigureAwait(false), s_json) ?? [];
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            throw new BenchFailedException($"'{path}' holds no scenarios: {e.Message}");
        }

        foreach (var scenario in all)
        {
            scenario.Check(path);
        }

        if (names.Length == 0)
        {
            return all;
        }

        var chosen = names.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var unknown = chosen.Except(all.Select(static scenario => scenario.Name)).FirstOrDefault();
        return unknown is null
            ? [.. chosen.Select(name => all.First(scenario => scenario.Name == name))]
            : throw new BenchFailedException($"there is no scenario '{unknown}' in {path}; it has: {string.Join(", ", all.Select(static scenario => scenario.Name))}");
    }

    private void Check(string path)
    {
        void Require(bool holds, string key, object value, string rule)
        {
            if (!holds)
            {
                throw new BenchFailedException($"{path}: scenario '{Name}': {key} '{value}' must be {rule}");
            }
        }

        Require(Name.Length != 0 && Name.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-'), "name", Name, "letters, digits and dashes");
        Require(Reference is "bare" or "direct" or "forwarder" or "same-era" or "tool", "reference", Reference, "bare, direct, forwarder, same-era or tool");
        Require(Reference != "same-era" || ClientEra != ServerEra, "reference", Reference, "another where client and server are of the same era");
        Require(Targets.Count != 0, "targets", "", "at least one");
        Require(Method is "call" or "list", "method", Method, "call or list");
        Require(Connections is >= 1 and <= 1000, "connections", Connections, "from 1 to 1000");
        Require(Rate is null or > 0, "rate", Rate ?? 0, "more than 0");
        Require(RateShare is null || (RateShare is > 0 and <= 1 && Rate is null && Targets.Contains("gateway")), "rateShare", RateShare ?? 0, "more than 0 and at most 1, without a rate, and beside the target gateway");
        Require(Payload is >= 0 and <= 1_048_576, "payload", Payload, "from 0 to 1048576 bytes");
        Require(ClientEra is "modern" or "legacy", "clientEra", ClientEra, "modern or legacy");
        Require(ServerEra is "modern" or "legacy", "serverEra", ServerEra, "modern or legacy");
        Require(Upstream is "stdio" or "http", "upstream", Upstream, "stdio or http");
        Require(Answers is "json" or "sse", "answers", Answers, "json or sse");
        Require(Tools == 1 || (Tools is > 1 and <= 1000 && Upstream == "http"), "tools", Tools, "1, or to 1000 with upstream http");
        Require(Servers is >= 1 and <= 100, "servers", Servers, "from 1 to 100");
        foreach (var bound in Bounds)
        {
            Require(Targets.Contains("gateway") && (bound.Over == Reference || Targets.Contains(bound.Over)), "bounds.over", bound.Over, "the reference or a target, beside the target gateway");
            Require(bound.AtLeast is null or > 0, "bounds.atLeast", bound.AtLeast ?? 0, "more than 0");
            Require(bound.AddedP99MsAtMost is null || (bound.AddedP99MsAtMost > 0 && bound.Over == Reference), "bounds.addedP99MsAtMost", bound.AddedP99MsAtMost ?? 0, "more than 0, over the reference");
            Require(bound.AtLeast is null != bound.AddedP99MsAtMost is null, "bounds", bound.Over, "given either atLeast or addedP99MsAtMost");
        }

        Require(Replicas is >= 1 and <= 3, "replicas", Replicas, "from 1 to 3");
    }
}

/// <summary>What the gateway must reach beside another target: one of the two.</summary>
/// <param name="Over">The reference or a target of the scenario.</param>
/// <param name="AtLeast">So many times its calls per second; more than 0.</param>
/// <param name="AddedP99MsAtMost">So many milliseconds more than its p99, where it is the reference.</param>
internal sealed record ScenarioBound(string Over, double? AtLeast = null, double? AddedP99MsAtMost = null);
