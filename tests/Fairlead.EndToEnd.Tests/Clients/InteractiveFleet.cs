using System.Text.Json.Nodes;
using Fairlead.EndToEnd.Tests.Conformance;

namespace Fairlead.EndToEnd.Tests.Clients;

/// <summary>A gateway with four servers that ask: each era, of each SDK, over each transport. Made once for a class.</summary>
public sealed class InteractiveFleet : IAsyncLifetime
{
    private readonly List<FixtureServer> _servers = [];

    /// <summary>The gateway.</summary>
    internal GatewayProcess Gateway { get; private set; } = null!;

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        var servers = new JsonObject { ["npm-legacy"] = ConformanceFixture.Npm.Stdio("legacy"), ["cs-modern"] = ConformanceFixture.CSharp.Stdio("modern") };
        foreach (var (name, fixture, era) in (IEnumerable<(string, ConformanceFixture, string)>)[("npm-modern", ConformanceFixture.Npm, "modern"), ("cs-legacy", ConformanceFixture.CSharp, "legacy")])
        {
            var server = await FixtureServer.StartAsync(fixture, era);
            _servers.Add(server);
            servers[name] = GatewayProcess.Http(server.Url.ToString());
        }

        Gateway = await GatewayProcess.StartAsync(new JsonObject { ["servers"] = servers });
        foreach (var name in servers.Select(server => server.Key).ToArray())
        {
            await Gateway.LineAsync(line => line.Contains($"\"id\":\"{name}\",\"state\":\"Healthy\"", StringComparison.Ordinal), $"that {name} is healthy");
        }
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        await Gateway.DisposeAsync();
        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }
    }
}
