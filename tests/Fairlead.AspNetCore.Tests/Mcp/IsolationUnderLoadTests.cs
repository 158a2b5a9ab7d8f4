using System.Text;
using System.Text.Json;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>CVE-2026-25536 (answers of one client went to another): planted values, random cancels and disconnects, both eras, one shared child (decision 6).</summary>
public sealed class IsolationUnderLoadTests
{
    private const int Clients = 50;
    private const int CallsInAll = 100_000;

    [Fact]
    public async Task Calls_WhenManyClientsCancelAndDisconnect_NoValueReachesAnotherClient()
    {
        await using var host = await FrontHost.StartAsync(Echo.Options("echo"));
        var clients = Enumerable.Range(0, Clients).Select(number => ClientAsync(host, number)).ToArray();
        var answered = (await Task.WhenAll(clients)).Sum();

        // Most calls must have been answered, or the test would prove nothing.
        Assert.True(answered > CallsInAll * 3 / 4, $"only {answered} of {CallsInAll} calls were answered");
        Assert.True(host.Manager.Fleet.TryGet("echo", out var cell));
        Assert.Equal(0, cell.Current.Shared!.Pending.CountOpen());
    }

    private static async Task<int> ClientAsync(FrontHost host, int number)
    {
        var random = new Random(number);
        var legacy = number % 2 == 0;
        var session = legacy ? await host.InitializeAsync("/mcp") : "";
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = host.Url };
        var answered = 0;
        for (var i = 0; i < CallsInAll / Clients; i++)
        {
            var planted = $"planted-{number}-{i}-{random.NextInt64():x}";
            using var request = Compose(planted, i, legacy ? session : null);
            using var impatience = new CancellationTokenSource();
            var call = http.SendAsync(request, impatience.Token);
            if (random.Next(10) == 0)
            {
                // Anywhere between not sent yet and answered already: HttpClient closes the connection when it gives up.
                for (var spins = random.Next(2000); spins > 0; spins--)
                {
                    Thread.SpinWait(20);
                }

                await impatience.CancelAsync();
            }

            try
            {
                using var response = await Guard.WithinAsync(call, "an answer");
                var body = await response.Content.ReadAsStringAsync(impatience.Token);
                var text = EventStream.LastMessage(body);
                Assert.True(text.Contains(planted, StringComparison.Ordinal), $"client {number} call {i} got: {body}");
                Assert.Equal($"id-{i}", JsonDocument.Parse(text).RootElement.GetProperty("id").GetString());
                answered++;
            }
            catch (OperationCanceledException) when (impatience.IsCancellationRequested)
            {
                continue;
            }
        }

        return answered;
    }

    private static HttpRequestMessage Compose(string planted, int id, string? session)
    {
        var meta = session is null ? ",\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}}" : "";
        var json = $$$"""{"jsonrpc":"2.0","id":"id-{{{id}}}","method":"tools/call","params":{"name":"echo__echo","arguments":{"message":"{{{planted}}}"}{{{meta}}}}}""";
        var request = new HttpRequestMessage(HttpMethod.Post, "/mcp") { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        if (session is not null)
        {
            request.Headers.Add("Mcp-Session-Id", session);
            return request;
        }

        request.Headers.Add("MCP-Protocol-Version", "2026-07-28");
        request.Headers.Add("Mcp-Method", "tools/call");
        request.Headers.Add("Mcp-Name", "echo__echo");
        return request;
    }
}
