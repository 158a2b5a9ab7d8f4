using System.Text.Json;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Fairlead.TestServers.ConformanceClient;

/// <summary>Drives the scenarios of 2025-11-25 with the SDK's client, which has a session and a GET stream of its own.</summary>
internal static class LegacyDriver
{
    /// <summary>Does what the scenario waits for.</summary>
    /// <exception cref="InvalidOperationException">An answer was not what the suite's server sends.</exception>
    public static async Task RunAsync(Uri endpoint, string scenario)
    {
        var options = new HttpClientTransportOptions { Endpoint = endpoint, TransportMode = HttpTransportMode.StreamableHttp };
        await using var transport = new HttpClientTransport(options);
        await using var client = await McpClient.CreateAsync(transport, new McpClientOptions
        {
            ProtocolVersion = "2025-11-25",
            ClientInfo = new Implementation { Name = "conformance-client", Version = "1.0.0" },
            Handlers = new McpClientHandlers { ElicitationHandler = AcceptDefaults },
        });
        var tools = await client.ListToolsAsync();
        switch (scenario)
        {
            case "initialize":
                break;
            case "tools_call":
                Expect(await client.CallToolAsync("add_numbers", new Dictionary<string, object?> { ["a"] = 5, ["b"] = 3 }), "The sum of 5 and 3 is 8");
                break;
            case "elicitation-sep1034-client-defaults":
                Expect(await client.CallToolAsync("test_client_elicitation_defaults"), "John Doe");
                break;
            case "sse-retry":
                Expect(await client.CallToolAsync("test_reconnection"), "Reconnection test completed successfully");
                break;
            default:
                var offered = string.Join(", ", tools.Select(tool => tool.Name));
                throw new InvalidOperationException($"No driver for the scenario '{scenario}' of 2025-11-25; its server offers {offered}.");
        }
    }

    // SEP-1034: a client that leaves a field out sends the schema's default for it.
    private static ValueTask<ElicitResult> AcceptDefaults(ElicitRequestParams? request, CancellationToken cancellationToken)
    {
        var schema = JsonSerializer.SerializeToElement(request!.RequestedSchema, ModelContextProtocol.McpJsonUtilities.DefaultOptions);
        return ValueTask.FromResult(new ElicitResult
        {
            Action = "accept",
            Content = schema.GetProperty("properties").EnumerateObject()
                .ToDictionary(property => property.Name, property => property.Value.GetProperty("default")),
        });
    }

    private static void Expect(CallToolResult result, string part)
    {
        var text = string.Concat(result.Content.OfType<TextContentBlock>().Select(block => block.Text));
        if (!text.Contains(part, StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"The tool's answer is '{text}'; it should contain '{part}'.");
        }
    }
}
