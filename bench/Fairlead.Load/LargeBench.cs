using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Fairlead.Measuring;

namespace Fairlead.Load;

/// <summary>One large result, through the gateway beside the same server asked directly: how fast it comes, and how much memory the gateway needs for it.</summary>
internal static class LargeBench
{
    /// <summary>The <c>large</c> mode.</summary>
    public static async Task<int> RunAsync(LoadArguments arguments)
    {
        using var workplace = new Workplace(arguments);
        var rounds = arguments.Number("--rounds", 5);
        var bytes = arguments.Number("--megabytes", 1_000) * 1_000_000L;
        if (bytes <= 0 || rounds <= 0)
        {
            throw new BenchFailedException("--megabytes and --rounds must be 1 or more");
        }

        var rows = new List<LargeFigures>();
        foreach (var answers in arguments.Text("--answers", "json,sse").Split(','))
        {
            rows.Add(await MeasureAsync(workplace, answers, bytes, rounds).ConfigureAwait(false));
        }

        await File.WriteAllTextAsync(Path.Combine(workplace.Results, "large.json"), JsonSerializer.Serialize(rows)).ConfigureAwait(false);
        Console.WriteLine($"A result of {bytes / 1_000_000} MB, {rounds} rounds of direct, through, direct again:\n");
        Console.WriteLine("| answers | direct, MB/s | through, MB/s | ratio | A/A spread | at least 0.60 | gateway before, MiB | peak, MiB | more, MiB | at most 32 |\n|---|---|---|---|---|---|---|---|---|---|");
        rows.ForEach(static row => Console.WriteLine(row.ToRow()));
        return 0;
    }

    private static async Task<LargeFigures> MeasureAsync(Workplace workplace, string answers, long bytes, int rounds)
    {
        await using var server = await ServerProcess.StartAsync(workplace.Self, "large-http", "--answers", answers).ConfigureAwait(false);
        await using var gateway = await workplace.StartGatewayAsync(new { servers = new { large = new { url = new Uri(server.Url, "/mcp") } } }).ConfigureAwait(false);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var (direct, through) = (new Uri(server.Url, "/mcp"), new Uri(gateway.Url, "/mcp/large"));
        foreach (var endpoint in (Uri[])[direct, through, direct, through])
        {
            await RateAsync(http, endpoint, Math.Min(bytes, 128_000_000)).ConfigureAwait(false);
        }

        var (first, again, target) = (new List<double>(), new List<double>(), new List<double>());
        var (before, peak) = (new List<long>(), new List<long>());
        for (var round = 0; round < rounds; round++)
        {
            first.Add(await RateAsync(http, direct, bytes).ConfigureAwait(false));
            before.Add(ProcessFigures.PrivateBytes(gateway.Id));
            using var end = new CancellationTokenSource();
            var watching = PeakAsync(gateway.Id, end.Token);
            target.Add(await RateAsync(http, through, bytes).ConfigureAwait(false));
            await end.CancelAsync().ConfigureAwait(false);
            peak.Add(await watching.ConfigureAwait(false));
            again.Add(await RateAsync(http, direct, bytes).ConfigureAwait(false));
        }

        return new LargeFigures(answers, bytes, new Rounds(first, again, target), before, peak);
    }

    /// <summary>Calls the tool once and reads its answer to the end.</summary>
    /// <returns>Megabytes in a second, from the request to the last byte.</returns>
    /// <exception cref="BenchFailedException">The answer is not the one that was asked for.</exception>
    private static async Task<double> RateAsync(HttpClient http, Uri endpoint, long bytes)
    {
        var body = "{\"jsonrpc\":\"2.0\",\"id\":\"large\",\"method\":\"tools/call\",\"params\":{\"name\":\"large\",\"arguments\":{\"bytes\":" + bytes.ToString(CultureInfo.InvariantCulture)
            + """},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}""";
        using var request = new HttpRequestMessage(HttpMethod.Post, endpoint) { Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json")) };
        request.Headers.Add("Accept", "application/json, text/event-stream");
        request.Headers.Add("MCP-Protocol-Version", "2026-07-28");
        request.Headers.Add("Mcp-Method", "tools/call");
        request.Headers.Add("Mcp-Name", "large");
        var start = TimeProvider.System.GetTimestamp();
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).ConfigureAwait(false);
        using var stream = await response.Content.ReadAsStreamAsync().ConfigureAwait(false);
        var (total, text) = (0L, 0L);
        var last = new byte[256];
        var buffer = new byte[128 * 1024];
        for (int read; (read = await stream.ReadAsync(buffer).ConfigureAwait(false)) != 0; total += read)
        {
            // The escapes are a 64th of the text and stand nowhere else: none may be lost, and none doubled.
            text += buffer.AsSpan(0, read).Count((byte)'\\') * 64L;
            var tail = buffer.AsSpan(Math.Max(0, read - last.Length), Math.Min(read, last.Length));
            last.AsSpan(tail.Length).CopyTo(last);
            tail.CopyTo(last.AsSpan(last.Length - tail.Length));
        }

        var seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        var end = Encoding.UTF8.GetString(last).TrimEnd('\n');
        return text == bytes && end.EndsWith("\"id\":\"large\"}", StringComparison.Ordinal)
            ? total / 1e6 / seconds
            : throw new BenchFailedException($"{endpoint} answered {(int)response.StatusCode} with {total} bytes, of which {text} are the text, and not the {bytes} that were asked for; its end is {end}");
    }

    private static async Task<long> PeakAsync(int pid, CancellationToken end)
    {
        var peak = 0L;
        while (!end.IsCancellationRequested)
        {
            peak = Math.Max(peak, ProcessFigures.PrivateBytes(pid));
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return peak;
    }
}

/// <summary>What one form of answers gave.</summary>
/// <param name="Answers">json or sse.</param>
/// <param name="Bytes">Length of the text.</param>
/// <param name="Rates">Megabytes in a second.</param>
/// <param name="BeforeBytes">Private memory of the gateway before each round.</param>
/// <param name="PeakBytes">The most during it, looked at every 50 ms.</param>
internal sealed record LargeFigures(string Answers, long Bytes, Rounds Rates, IReadOnlyList<long> BeforeBytes, IReadOnlyList<long> PeakBytes)
{
    private const double MiB = 1024 * 1024;

    /// <summary>The most that a round needed more than there was before it.</summary>
    public long MoreBytes => BeforeBytes.Zip(PeakBytes, static (before, peak) => peak - before).Max();

    /// <summary>A row of the table.</summary>
    public string ToRow() => string.Create(
        CultureInfo.InvariantCulture,
        $"| {Answers} | {Rounds.Median(Rates.Reference.Concat(Rates.ReferenceAgain)):0} | {Rounds.Median(Rates.Target):0} | {Rates.Ratio:0.00} | {Rates.Spread:0.00} | {Verdict.AtLeast("ratio", Rates.Ratio, 0.60, Rates.Spread * Rates.Ratio).Word} | {BeforeBytes.Max() / MiB:0.0} | {PeakBytes.Max() / MiB:0.0} | {MoreBytes / MiB:0.0} | {(MoreBytes <= 32 * MiB ? "passed" : "failed")} |");
}
