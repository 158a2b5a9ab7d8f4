using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Fairlead.Load;

/// <summary>What a parked call costs: the gateway's private memory with many calls that wait for their clients' input, beside the same gateway without them.</summary>
/// <remarks>Over one legacy Streamable HTTP server, where each call holds a stream; and over stdio, where each of 16 owners has an instance of its own.</remarks>
internal static class ParkedBench
{
    private const int Owners = 16;

    public static async Task<int> RunAsync(LoadArguments arguments)
    {
        using var workplace = new Workplace(arguments);
        var calls = arguments.Number("--calls", 1_000);
        var peer = AskingPeer.BuildHttp();
        var rows = new List<ParkedFigures>();
        await using (peer.ConfigureAwait(false))
        {
            await peer.StartAsync().ConfigureAwait(false);
            rows.Add(await MeasureAsync(workplace, "Streamable HTTP, one session", calls, new { url = new Uri(BareServer.UrlOf(peer), "/mcp") }).ConfigureAwait(false));
        }

        rows.Add(await MeasureAsync(workplace, $"stdio, {Owners} instances", calls, new { command = workplace.Self, args = new[] { "asking-peer" } }).ConfigureAwait(false));
        await File.WriteAllTextAsync(Path.Combine(workplace.Results, "parked.json"), JsonSerializer.Serialize(rows)).ConfigureAwait(false);
        Console.WriteLine($"Private memory of the gateway, {calls} parked calls of {Owners} clients:\n\n| server | without, MB | with, MB | a parked call, KB | all answered after, MB |\n|---|---|---|---|---|");
        rows.ForEach(static row => Console.WriteLine(row.ToRow()));
        return 0;
    }

    private static async Task<ParkedFigures> MeasureAsync(Workplace workplace, string name, int calls, object server)
    {
        var limits = new { parkedMax = calls, parkedPerPrincipalMax = calls, parkedLifetime = "1h", parkedRoundsMax = 100 };
        await using var gateway = await workplace.StartGatewayAsync(new { servers = new { asks = server }, limits }).ConfigureAwait(false);
        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 64 }) { BaseAddress = gateway.Url };

        // The first question shows that the server asks; from then on each owner has an instance of its own on stdio.
        await AnswerAsync(http, await ParkAsync(http, 1).ConfigureAwait(false)).ConfigureAwait(false);
        await SettledAsync(gateway).ConfigureAwait(false);

        // As many as are measured, answered: what the process needs for the work itself is there afterwards.
        await AnswerAsync(http, await ParkAsync(http, calls).ConfigureAwait(false)).ConfigureAwait(false);
        var before = await SettledAsync(gateway).ConfigureAwait(false);
        var parked = await ParkAsync(http, calls).ConfigureAwait(false);
        var with = await SettledAsync(gateway).ConfigureAwait(false);
        await AnswerAsync(http, parked).ConfigureAwait(false);
        return new ParkedFigures(name, calls, before, with, await SettledAsync(gateway).ConfigureAwait(false));
    }

    private static async Task<long> SettledAsync(ServerProcess gateway)
    {
        await Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System).ConfigureAwait(false);
        return ProcessFigures.PrivateBytes(gateway.Id);
    }

    private static async Task<string[]> ParkAsync(HttpClient http, int calls)
    {
        var states = new string[calls];

        // One after the other for each owner: on a pipe, questions of calls that overlap all come to the newest of them.
        await Parallel.ForAsync(0, Math.Min(Owners, calls), async (owner, cancellationToken) =>
        {
            for (var number = owner; number < calls; number += Owners)
            {
                var result = await CallAsync(http, number, "", cancellationToken).ConfigureAwait(false);
                states[number] = result.GetProperty("resultType").GetString() == "input_required"
                    ? RetryMembers(result)
                    : throw new BenchFailedException($"call {number} was not asked anything: {result.GetRawText()}");
            }
        }).ConfigureAwait(false);
        return states;
    }

    private static Task AnswerAsync(HttpClient http, string[] states) =>
        Parallel.ForAsync(0, states.Length, new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (number, cancellationToken) =>
        {
            // On a pipe the questions of a client's other calls may have come to this one.
            var round = states[number];
            while (true)
            {
                var result = await CallAsync(http, number, round, cancellationToken).ConfigureAwait(false);
                if (result.GetProperty("resultType").GetString() == "complete")
                {
                    return;
                }

                round = RetryMembers(result);
            }
        });

    private static string RetryMembers(JsonElement result)
    {
        var responses = result.GetProperty("inputRequests").EnumerateObject().Select(static question => "\"" + question.Name + "\":{\"action\":\"accept\",\"content\":{\"who\":\"me\"}}");
        return ",\"inputResponses\":{" + string.Join(',', responses) + "},\"requestState\":" + result.GetProperty("requestState").GetRawText();
    }

    private static async Task<JsonElement> CallAsync(HttpClient http, int number, string round, CancellationToken cancellationToken)
    {
        var body = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"ask\",\"arguments\":{\"n\":" + number + "}" + round
            + ",\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{\"elicitation\":{\"form\":{}}}"
            + ",\"io.modelcontextprotocol/clientInfo\":{\"name\":\"owner-" + (number % Owners) + "\",\"version\":\"1\"}}}}";
        using var request = new HttpRequestMessage(HttpMethod.Post, "/mcp/asks") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Add("Accept", "application/json, text/event-stream");
        request.Headers.Add("MCP-Protocol-Version", "2026-07-28");
        request.Headers.Add("Mcp-Method", "tools/call");
        request.Headers.Add("Mcp-Name", "ask");
        using var response = await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        var text = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
        using var answer = JsonDocument.Parse(text.StartsWith('{') ? text : text.Split('\n').Last(static line => line.StartsWith("data: {", StringComparison.Ordinal))["data: ".Length..]);
        return answer.RootElement.TryGetProperty("result", out var result) ? result.Clone() : throw new BenchFailedException($"call {number} failed: {text}");
    }
}

/// <summary>Private bytes of the gateway.</summary>
internal sealed record ParkedFigures(string Server, int Calls, long Before, long With, long After)
{
    private const double Megabyte = 1e6;

    public string ToRow() => string.Create(
        CultureInfo.InvariantCulture, $"| {Server} | {Before / Megabyte:0.0} | {With / Megabyte:0.0} | {(With - Before) / 1e3 / Calls:0.0} | {After / Megabyte:0.0} |");
}
