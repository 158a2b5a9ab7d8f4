using System.Text;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.TestKit;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace Fairlead.Tests.Catalog;

/// <summary>Makes cells, catalogues and connections for the tests of this folder.</summary>
internal static class CatalogWorld
{
    public static CatalogEntry Entry(string raw, ListKind kind = ListKind.Tools)
    {
        Assert.True(DefinitionReader.TryRead(Encoding.UTF8.GetBytes(raw), kind, refusesBadHeaders: false, out var entry, out _), raw);
        return entry;
    }

    /// <summary>A tool with nothing but a name.</summary>
    public static CatalogEntry Tool(string name) => Entry("{\"name\":" + Encoding.UTF8.GetString(JsonText.Quote(name)) + ",\"inputSchema\":{\"type\":\"object\"}}");

    public static UpstreamIdentity Identity(string capabilities = """{"tools":{},"prompts":{},"resources":{}}""", bool modern = false, string? instructions = null) => new(
        modern ? ProtocolVersion.V20260728 : ProtocolVersion.V20251125,
        Encoding.UTF8.GetBytes(capabilities),
        "{\"name\":\"s\",\"version\":\"2\"}"u8.ToArray(),
        instructions is null ? [] : JsonText.Quote(instructions));

    public static ServerCatalog Offering(params CatalogEntry[] tools) => new(tools, [], [], [], Identity());

    public static ServerCatalog Tools(params string[] names) => Offering([.. names.Select(Tool)]);

    public static ServerCell Cell(string name, ServerCatalog? catalog = null, Action<ServerConfig>? configure = null, ServerState state = ServerState.Healthy)
    {
        var config = new ServerConfig { Name = name };
        configure?.Invoke(config);
        return new ServerCell(name, new ServerSnapshot(1, state, null, DateTimeOffset.UnixEpoch, config, null, catalog ?? ServerCatalog.Empty), TimeProvider.System);
    }

    public static CatalogSource Source(string name, ServerCatalog catalog, Action<ServerConfig>? configure = null)
    {
        var cell = Cell(name, catalog, configure);
        var options = cell.Current.Config.Expose;
        return new CatalogSource(cell, catalog, new ExposeRules(options), options);
    }

    /// <summary>The aggregate of servers in this order.</summary>
    public static CatalogSnapshot Aggregate(NamingPolicy naming, params CatalogSource[] sources) => CatalogBuilder.BuildAggregate(sources, naming, []);

    /// <summary>The first page of a list as text.</summary>
    public static string Page(this CatalogSnapshot snapshot, ListKind kind = ListKind.Tools, ProtocolVersion version = ProtocolVersion.V20251125, string cursor = "")
    {
        Assert.True(snapshot.TryGetPage(kind, version, Encoding.UTF8.GetBytes(cursor), out var page), $"cursor {cursor} was refused");
        return Encoding.UTF8.GetString(page.Span);
    }

    /// <summary>The names that clients see.</summary>
    public static string[] Names(this CatalogSnapshot snapshot, ListKind kind = ListKind.Tools) => [.. snapshot.List(kind).Entries.Select(entry => entry.Name)];

    /// <summary>Where a name leads, as <c>server:name on the wire</c>; "" when nowhere.</summary>
    public static string Route(this CatalogSnapshot snapshot, string name, ListKind kind = ListKind.Tools) =>
        snapshot.TryRoute(kind, JsonText.Quote(name), out var route) ? $"{route.Cell.Name}:{Encoding.UTF8.GetString(route.NameToken)}" : "";

    public static FleetSnapshot FleetOf(params ServerCell[] cells) =>
        new(1, cells, System.Collections.Frozen.FrozenDictionary.ToFrozenDictionary(cells, cell => cell.Name));
}

/// <summary>A scripted server with an open connection to it.</summary>
internal sealed class ConnectedServer : IAsyncDisposable
{
    private readonly DeadlineSweep _sweep;

    private ConnectedServer(ScriptedServer server, MultiplexedConnection connection, DeadlineSweep sweep)
    {
        Server = server;
        Connection = connection;
        _sweep = sweep;
    }

    public ScriptedServer Server { get; }

    public MultiplexedConnection Connection { get; }

    /// <summary>Connects and shakes hands.</summary>
    public static async Task<ConnectedServer> OpenAsync(ScriptedServer server, TimeProvider? time = null)
    {
        var sweep = new DeadlineSweep(time ?? TimeProvider.System);
        var connection = new MultiplexedConnection("scripted", server.Input, server.Output, sweep, new LimitsOptions(), NullLogger.Instance);
        connection.Start();
        var opening = Handshake.OpenAsync(connection, EraHint.Unknown, "{}"u8.ToArray(), Guard.Limit, Guard.Limit, CancellationToken.None);
        var (outcome, reason) = await Guard.WithinAsync(opening, "the handshake");
        Assert.True(outcome == HandshakeOutcome.Ready, reason);
        return new ConnectedServer(server, connection, sweep);
    }

    /// <summary>Reads the lists.</summary>
    public Task<CatalogReading> ReadAsync(
        LimitsOptions? limits = null, ServerTransport transport = ServerTransport.Stdio, ServerCatalog? known = null, CatalogChanges which = CatalogChanges.None, TimeSpan? timeout = null) =>
        Guard.WithinAsync(
            new ServerCatalogReader(limits ?? new LimitsOptions(), transport, timeout ?? Guard.Limit).ReadAsync(Connection, known ?? ServerCatalog.Empty, which, CancellationToken.None),
            "the lists");

    public async ValueTask DisposeAsync()
    {
        await Connection.DisposeAsync();
        await Server.DisposeAsync();
        _sweep.Dispose();
    }
}
