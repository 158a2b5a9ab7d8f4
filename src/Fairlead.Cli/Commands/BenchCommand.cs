using System.CommandLine;
using System.Globalization;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;
using Fairlead.Measuring;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead bench [TOOL] [JSON]</c>: calls one tool over and over, and shows how many answers came and how long they took.</summary>
internal static class BenchCommand
{
    private const string Example = "fairlead bench echo '{\"message\":\"hi\"}' --connections 16 --seconds 10 --rate 500";
    private const int ConnectionsMax = 10_000;
    private const int SecondsMax = 86_400;

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var tool = new Argument<string?>("tool") { Arity = ArgumentArity.ZeroOrOne, Description = "The tool, as the endpoint names it; several with commas between them share the connections out. Without one, tools/list is measured." };
        var arguments = new Argument<string?>("json") { Arity = ArgumentArity.ZeroOrOne, Description = "The arguments as a JSON object. Default {}." };
        var url = new Option<string?>("--url") { HelpName = "URL", Description = "The MCP endpoint (Streamable HTTP), of Fairlead or any other. Default: that of the running instance of the state folder." };
        var server = new Option<string?>("--server") { HelpName = "SERVER", Description = "Of the running instance, this server's own endpoint, where tools have their own names." };
        server.CompletionSources.Add(static _ => CommonOptions.ServerNames());
        var connections = Number("--connections", 1, ConnectionsMax, "How many connections call at the same time. Default 16.", "-c");
        var seconds = Number("--seconds", 1, SecondsMax, "For how long. Default 10.", "-s");
        var warmUp = Number("--warm-up", 0, SecondsMax, "Seconds of calls beforehand that are not counted. Default 1; 0 measures a cold start, too.");
        var calls = Number("--calls", 1, int.MaxValue, "End after that many calls, if that is sooner. Not with --rate.");
        var rate = Rate();
        var era = new Option<string>("--era") { HelpName = "ERA", Description = "modern (2026-07-28, the default) or legacy (2025-11-25, one session a connection).", DefaultValueFactory = static _ => "modern" };
        era.AcceptOnlyFromAmong("modern", "legacy");
        var headers = new Option<string[]>("--header") { HelpName = "'NAME: VALUE'", Description = "A header for each request, such as 'Authorization: Bearer ...'. May be given several times." };
        var json = CommonOptions.Json();
        var state = CommonOptions.State();
        var command = new Command("bench", "Measures calls per second and latency of the running instance, or of any MCP endpoint.\nExample: " + Example)
        {
            tool, arguments, url, server, connections, seconds, warmUp, calls, rate, era, headers, json, state,
        };
        command.Validators.Add(result =>
        {
            // Only whether they are given: a value that cannot be read is reported by its own option.
            if (result.GetResult(calls) is not null && result.GetResult(rate) is not null)
            {
                result.AddError("--calls and --rate do not go together: a rate and --seconds say how many calls there are. Leave one of them out.");
            }

            if (result.GetResult(url) is not null && result.GetResult(server) is not null)
            {
                result.AddError("--server names a server of the running instance, and --url another endpoint. Leave one of them out; the endpoint of a server is URL/mcp/SERVER.");
            }
        });
        command.SetAction(async (parsed, _) =>
        {
            if (parsed.GetValue(arguments) is { } text && CallCommand.FaultOf(text) is { } fault)
            {
                return InstanceClient.Fail(ExitCodes.Usage, $"the arguments are no JSON object: {fault}. Give them in single quotes, like '{{\"message\":\"hi\"}}'.");
            }

            if (parsed.GetValue(tool) is { } names && names.AsSpan().Trim(", ").IsEmpty)
            {
                return InstanceClient.Fail(ExitCodes.Usage, $"'{names}' names no tool. Give its name, or leave it out to measure tools/list.");
            }

            var (pairs, wrong) = BenchRun.ParseHeaders(parsed.GetValue(headers) ?? []);
            if (wrong is not null)
            {
                return InstanceClient.Fail(ExitCodes.Usage, wrong);
            }

            var run = new BenchRun(
                parsed.GetValue(connections) ?? 16,
                new LoadPlan(TimeSpan.FromSeconds(parsed.GetValue(seconds) ?? 10), parsed.GetValue(rate), parsed.GetValue(calls)),
                TimeSpan.FromSeconds(parsed.GetValue(warmUp) ?? 1),
                parsed.GetValue(json));
            LoadTarget[] Targets(Uri endpoint) =>
            [
                .. (parsed.GetValue(tool)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? new string?[] { null }).Select(
                    name => new LoadTarget(endpoint, parsed.GetValue(era) == "legacy" ? LoadEra.Legacy : LoadEra.Modern, name, parsed.GetValue(arguments) ?? "{}") { Headers = pairs }),
            ];

            if (parsed.GetValue(url) is { } address)
            {
                return Uri.TryCreate(address, UriKind.Absolute, out var endpoint) && endpoint.Scheme is "http" or "https"
                    ? await run.RunAsync(Targets(endpoint)).ConfigureAwait(false)
                    : InstanceClient.Fail(ExitCodes.Usage, $"'{address}' is no http address. Give the whole one of the endpoint, like --url http://127.0.0.1:8080/mcp");
            }

            var path = parsed.GetValue(server) is { } name ? $"/mcp/{Uri.EscapeDataString(name)}" : "/mcp";
            return await InstanceClient.RunAsync(
                new InstanceTarget(null, parsed.GetValue(state)), client => run.RunAsync(Targets(new Uri(new Uri(client.Instance!.Url), path)))).ConfigureAwait(false);
        });
        return command;
    }

    private static Option<double?> Rate() => new("--rate", "-r")
    {
        HelpName = "N",
        Description = "Calls per second over all connections, begun at even distances whatever the answers do (open loop). Default: each connection calls again when it has its answer.",
        CustomParser = static result =>
        {
            var text = result.Tokens.Count == 0 ? "" : result.Tokens[^1].Value;
            if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var rate) && rate is > 0 and <= 10_000_000)
            {
                return rate;
            }

            result.AddError($"'{text}' is not what --rate takes: calls per second, a number more than 0, for example: {Example}");
            return null;
        },
    };

    private static Option<int?> Number(string name, int min, int max, string description, params string[] aliases) => new(name, aliases)
    {
        HelpName = "N",
        Description = description,
        CustomParser = result =>
        {
            var text = result.Tokens.Count == 0 ? "" : result.Tokens[^1].Value;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max)
            {
                return number;
            }

            result.AddError($"'{text}' is not what {name} takes: a whole number from {min} to {max}, for example: {Example}");
            return null;
        },
    };
}
