using Fairlead.TestKit;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Tests.Upstreams;

/// <summary>The era probe over a pair of streams (decision 5).</summary>
public sealed class HandshakeTests
{
    private static readonly TimeSpan s_probe = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_start = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task Open_WhenTheServerDiscovers_IsModern()
    {
        await using var server = new PipeServer();
        var handshake = OpenAsync(server);

        var probe = await server.ReadAsync();
        await AnswerAsync(server, probe, """{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"instructions":"hi","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s"}}}""");

        Assert.Equal((HandshakeOutcome.Ready, null), await handshake);
        Assert.Contains("\"method\":\"server/discover\"", probe, StringComparison.Ordinal);
        var identity = server.Connection.Identity;
        Assert.Equal(ProtocolVersion.V20260728, identity.Version);
        Assert.Equal("{\"tools\":{}}", System.Text.Encoding.UTF8.GetString(identity.Capabilities));
        Assert.Equal("{\"name\":\"s\"}", System.Text.Encoding.UTF8.GetString(identity.ServerInfo));
        Assert.Equal("\"hi\"", System.Text.Encoding.UTF8.GetString(identity.Instructions));
    }

    [Theory]
    [InlineData("""{"supportedVersions":["2099-01-01"],"capabilities":{}}""")]
    [InlineData("{}")]
    [InlineData("null")]
    public async Task Open_WhenTheProbesResultIsNone_Initializes(string result)
    {
        await using var server = new PipeServer();
        var handshake = OpenAsync(server);

        await AnswerAsync(server, await server.ReadAsync(), result);
        await InitializeAsync(server);

        Assert.Equal((HandshakeOutcome.Ready, null), await handshake);
        Assert.Equal(ProtocolVersion.V20250618, server.Connection.Identity.Version);
        Assert.Contains("notifications/initialized", await server.ReadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_WhenTheServerIsSilent_InitializesOnTheSameConnectionAfterTheProbe()
    {
        await using var server = new PipeServer();
        var handshake = OpenAsync(server);
        await server.ReadAsync();

        server.Clock.Advance(s_probe + TimeSpan.FromSeconds(1));
        await server.ReadUntilAsync("notifications/cancelled");
        await InitializeAsync(server);

        Assert.Equal((HandshakeOutcome.Ready, null), await handshake);
    }

    [Fact]
    public async Task Open_WhenTheServerEndsInTheProbe_SaysSo()
    {
        await using var server = new PipeServer();
        var handshake = OpenAsync(server);
        await server.ReadAsync();

        await server.CloseOutputAsync();

        Assert.Equal(HandshakeOutcome.LostInProbe, (await handshake).Outcome);
    }

    [Fact]
    public async Task Open_WhenTheServerIsKnownToBeLegacy_DoesNotProbe()
    {
        await using var server = new PipeServer();
        var handshake = OpenAsync(server, EraHint.Legacy);

        await InitializeAsync(server);

        Assert.Equal((HandshakeOutcome.Ready, null), await handshake);
    }

    [Fact]
    public async Task Open_WhenInitializeIsRefused_GivesTheServersReason()
    {
        await using var server = new PipeServer();
        var handshake = OpenAsync(server, EraHint.Legacy);

        await server.WriteAsync("{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,\"message\":\"no licence\"},\"id\":" + IdOf(await server.ReadAsync()) + "}\n");

        Assert.Equal((HandshakeOutcome.Failed, "it answered initialize with error -32000 (no licence)"), await handshake);
    }

    [Fact]
    public async Task Open_WhenInitializeIsNotAnswered_SaysAfterHowLong()
    {
        await using var server = new PipeServer();
        var handshake = OpenAsync(server, EraHint.Legacy);
        await server.ReadAsync();

        server.Clock.Advance(s_start + TimeSpan.FromSeconds(1));

        Assert.Equal((HandshakeOutcome.Failed, "it did not answer initialize within 120 s"), await handshake);
    }

    private static Task<(HandshakeOutcome Outcome, string? Reason)> OpenAsync(PipeServer server, EraHint hint = EraHint.Unknown) => Guard.WithinAsync(
        Handshake.OpenAsync(server.Connection, hint, "{}"u8.ToArray(), s_probe, s_start, CancellationToken.None), "the handshake");

    private static async Task InitializeAsync(PipeServer server)
    {
        var request = await server.ReadUntilAsync("\"method\":\"initialize\"");
        Assert.Contains("\"protocolVersion\":\"2025-11-25\"", request, StringComparison.Ordinal);
        await AnswerAsync(server, request, """{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"s","version":"1"}}""");
    }

    private static Task AnswerAsync(PipeServer server, string request, string result) => server.WriteAsync("{\"jsonrpc\":\"2.0\",\"result\":" + result + ",\"id\":" + IdOf(request) + "}\n");

    private static string IdOf(string request) => request["{\"jsonrpc\":\"2.0\",\"id\":".Length..request.IndexOf(",\"method\"", StringComparison.Ordinal)];
}
