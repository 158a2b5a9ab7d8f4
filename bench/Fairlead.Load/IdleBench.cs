using System.Globalization;
using System.Text;
using System.Text.Json;
using Fairlead.Load.Servers;
using Fairlead.Measuring;

namespace Fairlead.Load;

/// <summary>What clients cost that do nothing: the gateway's private memory with many of them, beside the same gateway without.</summary>
internal static class IdleBench
{
    private const int WarmUp = 50;

    private const string Listen =
        """{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}""";

    private const string Initialize =
        """{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"fairlead-bench","version":"1"}}}""";

    /// <summary>The <c>idle</c> mode.</summary>
    public static async Task<int> RunAsync(LoadArguments arguments)
    {
        using var workplace = new Workplace(arguments);
        var count = arguments.Number("--count", 900);
        var settle = TimeSpan.FromSeconds(arguments.Number("--settle", 5));
        List<IdleFigures> rows =
        [
            await MeasureAsync(workplace, "a connection that has called once", count, settle, ConnectionsAsync).ConfigureAwait(false),
            await MeasureAsync(workplace, "a legacy session, its connection closed", count, settle, SessionsAsync).ConfigureAwait(false),
            await MeasureAsync(workplace, "a listen stream with its connection", count, settle, ListenStreamsAsync).ConfigureAwait(false),
        ];
        await File.WriteAllTextAsync(Path.Combine(workplace.Results, "idle.json"), JsonSerializer.Serialize(rows)).ConfigureAwait(false);
        Console.WriteLine($"Private memory of the gateway, {count} of each:\n\n| what | without, MB | with, MB | one, KB |\n|---|---|---|---|");
        rows.ForEach(static row => Console.WriteLine(row.ToRow()));
        return 0;
    }

    private static async Task<IdleFigures> MeasureAsync(Workplace workplace, string what, int count, TimeSpan settle, Func<Uri, int, Task<Func<Task>>> openAsync)
    {
        await using var gateway = await workplace.StartGatewayAsync(servers: 1).ConfigureAwait(false);
        var endpoint = new Uri(gateway.Url, Workplace.EndpointOf(1));

        // A few before, so that the code is there already. Not as many as are measured: those would live in the memory that the first ones have left.
        await (await openAsync(endpoint, Math.Min(WarmUp, count)).ConfigureAwait(false))().ConfigureAwait(false);
        async Task<long> SettledAsync()
        {
            await Task.Delay(settle, TimeProvider.System).ConfigureAwait(false);
            return ProcessFigures.PrivateBytes(gateway.Id);
        }

        var without = await SettledAsync().ConfigureAwait(false);
        var close = await openAsync(endpoint, count).ConfigureAwait(false);
        var with = await SettledAsync().ConfigureAwait(false);
        await close().ConfigureAwait(false);
        return new IdleFigures(what, count, without, with);
    }

    private static async Task<Func<Task>> ConnectionsAsync(Uri endpoint, int count)
    {
        var callers = await LoadRun.OpenAsync([new LoadTarget(endpoint, LoadEra.Modern, "echo", EchoText.Arguments(64))], count, CancellationToken.None).ConfigureAwait(false);
        foreach (var caller in callers)
        {
            if ((await caller.CallAsync().ConfigureAwait(false)).Fault is { } fault)
            {
                throw new BenchFailedException($"a call was not answered as expected: {fault}");
            }
        }

        return () => LoadRun.CloseAsync(callers);
    }

    private static async Task<Func<Task>> SessionsAsync(Uri endpoint, int count)
    {
        using var http = new HttpClient();
        var sessions = new List<string>();
        for (var i = 0; i < count; i++)
        {
            using var response = await PostAsync(http, endpoint, Initialize, []).ConfigureAwait(false);
            sessions.Add(response.Headers.GetValues("Mcp-Session-Id").Single());
        }

        return async () =>
        {
            using var closing = new HttpClient();
            foreach (var session in sessions)
            {
                using var request = new HttpRequestMessage(HttpMethod.Delete, endpoint);
                request.Headers.Add("Mcp-Session-Id", session);
                using var response = await closing.SendAsync(request).ConfigureAwait(false);
                response.EnsureSuccessStatusCode();
            }
        };
    }

    private static async Task<Func<Task>> ListenStreamsAsync(Uri endpoint, int count)
    {
        var http = new HttpClient();
        var streams = new List<HttpResponseMessage>();
        for (var i = 0; i < count; i++)
        {
            streams.Add(await PostAsync(http, endpoint, Listen, [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "subscriptions/listen")]).ConfigureAwait(false));
        }

        return () =>
        {
            streams.ForEach(static stream => stream.Dispose());
            http.Dispose();
            return Task.CompletedTask;
        };
    }

    private static async Task<HttpResponseMessage> PostAsync(HttpClient http, Uri endpoint, string body, (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, endpoint) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Add("Accept", "application/json, text/event-stream");
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).ConfigureAwait(false);
        return response.IsSuccessStatusCode
            ? response
            : throw new BenchFailedException($"{endpoint} answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync().ConfigureAwait(false)}");
    }
}

/// <summary>Private memory without and with so many of something.</summary>
internal sealed record IdleFigures(string What, int Count, long WithoutBytes, long WithBytes)
{
    /// <summary>One, in bytes.</summary>
    public double EachBytes => (double)(WithBytes - WithoutBytes) / Count;

    /// <summary>A row of the table.</summary>
    public string ToRow() => string.Create(CultureInfo.InvariantCulture, $"| {What} | {WithoutBytes / 1048576.0:0.0} | {WithBytes / 1048576.0:0.0} | {EachBytes / 1024:0.0} |");
}
