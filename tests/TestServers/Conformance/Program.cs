using Fairlead.TestServers.Conformance;
using Fairlead.TestServers.Conformance.Http;
using ModelContextProtocol.Server;

const string Usage =
    """
    usage: conformance-server stdio --era legacy|modern
           conformance-server http [--port N] --era legacy|modern   (port 0: any free port; the URL is printed as one line)
    """;

var mode = args.FirstOrDefault();
var era = ReadOption("--era") switch
{
    "legacy" => FixtureEra.Legacy,
    "modern" => (FixtureEra?)FixtureEra.Modern,
    _ => null,
};
if (era is null || mode is not ("stdio" or "http") || !ushort.TryParse(ReadOption("--port") ?? "0", out var port))
{
    await Console.Error.WriteLineAsync(Usage);
    return 64;
}

var fixture = new Fixture(era.Value, TimeProvider.System);
if (mode == "http")
{
    await HttpHost.RunAsync(fixture, port);
    return 0;
}

await using var transport = new StdioServerTransport(fixture.Name);
await using var server = McpServer.Create(transport, fixture.CreateOptions());
await server.RunAsync();
return 0;

string? ReadOption(string name)
{
    var at = Array.IndexOf(args, name);
    return at >= 0 && at + 1 < args.Length ? args[at + 1] : null;
}
