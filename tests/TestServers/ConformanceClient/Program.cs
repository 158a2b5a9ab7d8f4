using System.Text.Json.Nodes;
using Fairlead.EndToEnd.Tests;
using Fairlead.TestServers.ConformanceClient;

// The suite starts this program with the URL of its test server as last argument. A gateway is put in between: upstream = that URL, and the
// scenario is driven through the gateway's identity endpoint, so that the checks judge the gateway's client side.
if (args.Length is 0 or > 2 || (args.Length == 2 && args[0] != "--direct"))
{
    await Console.Error.WriteLineAsync(
        """
        usage: MCP_CONFORMANCE_SCENARIO=NAME MCP_CONFORMANCE_PROTOCOL_VERSION=REVISION conformance-client [--direct] URL
               (--direct: without a gateway)
        """);
    return 64;
}

var scenario = Environment.GetEnvironmentVariable("MCP_CONFORMANCE_SCENARIO") ?? "";
var revision = Environment.GetEnvironmentVariable("MCP_CONFORMANCE_PROTOCOL_VERSION") ?? "";
var context = Environment.GetEnvironmentVariable("MCP_CONFORMANCE_CONTEXT") is { } json ? JsonNode.Parse(json) : null;
var url = args[^1];
if (args[0] == "--direct")
{
    await DriveAsync(new Uri(url));
    return 0;
}

await using var gateway = await GatewayProcess.StartAsync("suite", GatewayProcess.Http(url));
try
{
    await DriveAsync(gateway.Identity("suite"));
}
catch (Exception exception)
{
    // The suite shows stderr of a client that failed: say what the gateway said.
    await Console.Error.WriteLineAsync($"{exception}\n--- gateway\n{gateway.Output}");
    return 1;
}

return 0;

Task DriveAsync(Uri endpoint) => revision == "2025-11-25" ? LegacyDriver.RunAsync(endpoint, scenario) : ModernDriver.RunAsync(endpoint, scenario, context);
