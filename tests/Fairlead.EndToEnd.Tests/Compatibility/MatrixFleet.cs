using System.Text.Json.Nodes;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Compatibility;

/// <summary>A server of the matrix: which transport and revision, and its name in the gateway's configuration.</summary>
internal sealed record ServerKind(string Transport, string Key, string Revision)
{
    /// <summary>The configured name, also the host of its URIs.</summary>
    public string Name => $"{Key}-by-{Revision}";
}

/// <summary>A gateway in front of a server of each kind, for all rows; for servers inside a program, one that is embedded in it.</summary>
public sealed class MatrixFleet : IAsyncLifetime
{
    // Which revisions a transport can carry (decision 19).
    private static readonly (string Transport, string Key, string[] Revisions)[] s_transports =
    [
        ("stdio", "stdio", [.. Expectation.Revisions]),
        ("HTTP+SSE", "sse", [.. Expectation.Revisions.SkipLast(1)]),
        ("Streamable HTTP", "http", [.. Expectation.Revisions.Skip(1)]),
    ];

    private ChildProcess _server = null!;
    private ChildProcess _embedding = null!;
    private GatewayProcess _gateway = null!;

    /// <summary>The kinds of <c>fairlead up</c>, in the order of the table.</summary>
    internal static IReadOnlyList<ServerKind> Kinds { get; } =
        [.. s_transports.SelectMany(static transport => transport.Revisions.Select(revision => new ServerKind(transport.Transport, transport.Key, revision)))];

    /// <summary>The kinds of the program that embeds a gateway.</summary>
    internal static IReadOnlyList<ServerKind> EmbeddedKinds { get; } = [.. Expectation.Revisions.Select(static revision => new ServerKind("in-process", "inproc", revision))];

    /// <summary>Where each of the two gateways listens, and what stands behind it.</summary>
    internal IReadOnlyList<(Uri Url, IReadOnlyList<ServerKind> Kinds)> Gateways { get; private set; } = [];

    internal World World { get; } = new();

    public async Task InitializeAsync()
    {
        var program = RepositoryPaths.BuiltAssembly("Matrix", "matrix-server.dll");
        var port = World.Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        _server = ChildProcess.StartWithInput("dotnet", [program, "http", port]);
        var url = (await _server.LineAsync(static line => line.StartsWith("listening ", StringComparison.Ordinal), "its address"))["listening ".Length..];
        var servers = new JsonObject();
        foreach (var kind in Kinds)
        {
            servers[kind.Name] = kind.Key switch
            {
                "stdio" => GatewayProcess.Stdio("dotnet", program, "stdio", kind.Revision, kind.Name, port),
                "sse" => GatewayProcess.Http($"{url}/{kind.Revision}/sse"),
                _ => GatewayProcess.Http($"{url}/http/{kind.Revision}"),
            };
        }

        _gateway = await GatewayProcess.StartAsync(new JsonObject
        {
            ["firstListWaitMs"] = 60_000, ["limits"] = new JsonObject { ["instancesPerServerMax"] = 64 }, ["servers"] = servers,
        });
        await _gateway.LineAsync(static line => line.Contains("\"event\":\"summary\"", StringComparison.Ordinal), "that all servers are up");
        _embedding = ChildProcess.StartWithInput("dotnet", [RepositoryPaths.BuiltAssembly("MatrixEmbedded", "matrix-embedded.dll"), port]);
        var embedded = (await _embedding.LineAsync(static line => line.StartsWith("listening ", StringComparison.Ordinal), "its address"))["listening ".Length..];
        Gateways = [(_gateway.Url, Kinds), (new Uri(embedded), EmbeddedKinds)];

        // A server is known to ask after its first question; from then on every client has an instance of its own (decision 8.3). The rows show that state, whichever of them comes first.
        foreach (var (gateway, kinds) in Gateways)
        {
            await using var client = await RevisionClient.OpenAsync("Streamable HTTP", "2025-11-25", gateway);
            await Task.WhenAll(kinds.Where(static kind => kind.Revision != "2026-07-28")
                .Select(kind => client.AskAsync("tools/call", new JsonObject { ["name"] = $"{kind.Name}__sample", ["arguments"] = new JsonObject() })));
        }
    }

    public async Task DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await World.DisposeAsync();
        await _embedding.DisposeAsync();
        await _server.DisposeAsync();
    }
}
