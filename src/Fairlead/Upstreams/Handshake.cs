using System.Text.Json;
using Fairlead.Upstreams.Http;
using Fairlead.Upstreams.Sse;
using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <summary>How the handshake with a server ended.</summary>
internal enum HandshakeOutcome : byte
{
    /// <summary>The connection is ready; its <see cref="UpstreamConnection.Identity"/> is set.</summary>
    Ready,

    /// <summary>The server ended while it was probed for 2026-07-28: start it again and go straight to <c>initialize</c>, outside the restart budget (decision 5).</summary>
    LostInProbe,

    /// <summary>The server refused or failed; the reason says how.</summary>
    Failed,

    /// <summary>There is no Streamable HTTP at this address; HTTP+SSE may be there (protocol.md 4.2).</summary>
    NotStreamable,

    /// <summary>The server wants credentials (401 or 403).</summary>
    AuthenticationRequired,
}

/// <summary>What is known of a server's era before the handshake.</summary>
internal enum EraHint : byte
{
    /// <summary>Nothing: probe.</summary>
    Unknown,

    /// <summary>It spoke a legacy revision last time: no probe.</summary>
    Legacy,

    /// <summary>It spoke 2026-07-28 last time.</summary>
    Modern,
}

/// <summary>Finds a server's era and opens the connection (protocol.md 4.2; decision 5).</summary>
internal static class Handshake
{
    private static readonly byte[] s_sharedCapabilities =
    [
        .. "{\"elicitation\":{\"form\":{},\"url\":{}},\"sampling\":{\"tools\":{}},\"roots\":{\"listChanged\":true},\"extensions\":"u8, .. ClientExtensions.Shared, .. "}"u8,
    ];

    /// <summary>What a shared instance declares to a legacy server (decision 8.1): it may ask; whether anybody can be asked is decided then. MCP Apps are for clients that know them, and do no harm to others.</summary>
    public static ReadOnlySpan<byte> SharedCapabilities => s_sharedCapabilities;

    /// <summary>Opens the connection. Every wait is bounded: the probe by <paramref name="probeTimeout"/>, initialize by <paramref name="startTimeout"/>.</summary>
    /// <param name="connection">A started connection.</param>
    /// <param name="hint">What is known.</param>
    /// <param name="clientCapabilities">The raw capabilities object to declare to a legacy server.</param>
    /// <param name="probeTimeout">How long a silent server is probed; it may be slow only because it is starting, so <c>initialize</c> follows on the same connection.</param>
    /// <param name="startTimeout">How long <c>initialize</c> may take.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The outcome, and the reason in words unless ready.</returns>
    public static async Task<(HandshakeOutcome Outcome, string? Reason)> OpenAsync(
        UpstreamConnection connection, EraHint hint, ReadOnlyMemory<byte> clientCapabilities, TimeSpan probeTimeout, TimeSpan startTimeout, CancellationToken cancellationToken)
    {
        if (connection is HttpConnection http)
        {
            return await HttpHandshake.OpenAsync(http, hint, clientCapabilities, startTimeout, cancellationToken).ConfigureAwait(false);
        }

        // HTTP+SSE ended with the legacy revisions: there is nothing to probe for.
        if (hint != EraHint.Legacy && connection is not SseConnection)
        {
            var probe = await ControlRequest.SendAsync(connection, McpMethod.ServerDiscover, default, modern: true, probeTimeout, cancellationToken).ConfigureAwait(false);
            if (probe.IsResult && ReadDiscover(probe) is { } modern)
            {
                connection.Identity = modern;
                return (HandshakeOutcome.Ready, null);
            }

            switch (probe.Error)
            {
                case ForwardError.ServerLost:
                    return (HandshakeOutcome.LostInProbe, probe.Detail);
                case ForwardError.AuthenticationRequired:
                    return (HandshakeOutcome.AuthenticationRequired, probe.Detail);
                case ForwardError.SendFailed:
                    return (HandshakeOutcome.Failed, probe.Detail);
                default:
                    break;
            }
        }

        var (outcome, reason, _) = await InitializeAsync(connection, ProtocolVersions.LatestLegacy, clientCapabilities, startTimeout, cancellationToken).ConfigureAwait(false);
        return (outcome, reason);
    }

    /// <summary>Opens the connection to a legacy server.</summary>
    /// <param name="connection">A started connection.</param>
    /// <param name="version">The revision to offer.</param>
    /// <param name="clientCapabilities">The raw capabilities object to declare.</param>
    /// <param name="startTimeout">How long <c>initialize</c> may take.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The outcome, the reason in words unless ready, and the server's answer.</returns>
    internal static async Task<(HandshakeOutcome Outcome, string? Reason, ControlAnswer Answer)> InitializeAsync(
        UpstreamConnection connection, ProtocolVersion version, ReadOnlyMemory<byte> clientCapabilities, TimeSpan startTimeout, CancellationToken cancellationToken)
    {
        byte[] members =
        [
            .. "\"protocolVersion\":\""u8, .. ProtocolVersions.Utf8Of(version), .. "\",\"capabilities\":"u8, .. clientCapabilities.Span,
            .. ",\"clientInfo\":{\"name\":\"fairlead\",\"title\":\"Fairlead\",\"version\":\"0.1.0\"}"u8,
        ];
        var answer = await ControlRequest.SendAsync(connection, McpMethod.Initialize, members, modern: false, startTimeout, cancellationToken).ConfigureAwait(false);
        if (answer.Error == ForwardError.AuthenticationRequired)
        {
            return (HandshakeOutcome.AuthenticationRequired, answer.Detail, answer);
        }

        if (!answer.IsResult)
        {
            var what = answer.Error switch
            {
                ForwardError.ServerTimedOut or ForwardError.ServerTimedOutHard => $"it did not answer initialize within {startTimeout.TotalSeconds:0.#} s",
                ForwardError.None => $"it answered initialize with error {answer.Envelope.ErrorCode}{ErrorText(answer)}",
                _ => answer.Describe(),
            };
            return (HandshakeOutcome.Failed, what, answer);
        }

        if (ReadInitialize(answer) is not { } identity)
        {
            return (HandshakeOutcome.Failed, "its answer to initialize names no protocol version that Fairlead speaks", answer);
        }

        connection.Identity = identity;
        await connection.ConfirmInitializedAsync(cancellationToken).ConfigureAwait(false);
        return (HandshakeOutcome.Ready, null, answer);
    }

    /// <summary>Reads the answer to <c>server/discover</c>; null when it is none, or does not offer 2026-07-28.</summary>
    internal static UpstreamIdentity? ReadDiscover(ControlAnswer answer)
    {
        using var document = JsonDocument.Parse(answer.Result);
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("supportedVersions", out var versions) || versions.ValueKind != JsonValueKind.Array
            || !versions.EnumerateArray().Any(version => version.ValueKind == JsonValueKind.String && version.ValueEquals("2026-07-28"u8)))
        {
            return null;
        }

        var info = root.TryGetProperty("_meta", out var meta) && meta.ValueKind == JsonValueKind.Object
            && meta.TryGetProperty("io.modelcontextprotocol/serverInfo", out var serverInfo) ? Raw(serverInfo) : [];
        return new UpstreamIdentity(ProtocolVersion.V20260728, Object(root, "capabilities"), info, String(root, "instructions"))
        {
            Caching = CacheHint.Read(answer.Envelope.TtlMs.Of(answer.Bytes), answer.Envelope.CacheScope.Of(answer.Bytes)),
        };
    }

    /// <summary>Reads the answer to <c>initialize</c>; null when it is none, or names a revision that is unknown or not legacy.</summary>
    internal static UpstreamIdentity? ReadInitialize(ControlAnswer answer)
    {
        using var document = JsonDocument.Parse(answer.Result);
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("protocolVersion", out var version) || version.ValueKind != JsonValueKind.String
            || !ProtocolVersions.Parse(version.GetString()).IsLegacy())
        {
            return null;
        }

        return new UpstreamIdentity(ProtocolVersions.Parse(version.GetString()), Object(root, "capabilities"), root.TryGetProperty("serverInfo", out var info) ? Raw(info) : [], String(root, "instructions"));
    }

    /// <summary>The message of an error answer in brackets, or "".</summary>
    internal static string ErrorText(ControlAnswer answer)
    {
        using var document = JsonDocument.Parse(answer.Bytes.AsMemory(answer.Envelope.Error.Start, answer.Envelope.Error.Length));
        return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("message", out var message)
            && message.ValueKind == JsonValueKind.String ? $" ({message.GetString()})" : "";
    }

    private static byte[] Object(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object ? Raw(value) : "{}"u8.ToArray();

    private static byte[] String(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? Raw(value) : [];

    private static byte[] Raw(JsonElement element) => System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(element).ToArray();
}
