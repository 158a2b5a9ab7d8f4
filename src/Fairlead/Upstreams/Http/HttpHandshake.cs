using System.Text.Json;
using Fairlead.Wire;

namespace Fairlead.Upstreams.Http;

/// <summary>Finds the era of a Streamable HTTP server and opens the connection (protocol.md 4.2).</summary>
/// <remarks>
/// 1. <c>server/discover</c> with all headers. A discover result, or one of the three errors of 2026-07-28, means modern. 2. Any other answer and
/// any 4xx but those of credentials and load mean legacy: <c>initialize</c>. 3. 5xx, time-outs and refused connections say nothing of the era:
/// the handshake fails and may be tried again.
/// </remarks>
internal static class HttpHandshake
{
    private enum Verdict : byte
    {
        Ready,
        Legacy,
        Repeat,
        Failed,
    }

    /// <summary>Opens the connection; a hint of legacy that proves wrong is corrected.</summary>
    /// <param name="connection">Not opened yet.</param>
    /// <param name="hint">What is known.</param>
    /// <param name="clientCapabilities">The raw capabilities object to declare to a legacy server.</param>
    /// <param name="startTimeout">How long each request may take.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The outcome, and the reason in words unless ready.</returns>
    public static async Task<(HandshakeOutcome Outcome, string? Reason)> OpenAsync(
        HttpConnection connection, EraHint hint, ReadOnlyMemory<byte> clientCapabilities, TimeSpan startTimeout, CancellationToken cancellationToken)
    {
        if (hint == EraHint.Legacy)
        {
            var (outcome, reason, answer) = await Handshake.InitializeAsync(
                connection, ProtocolVersions.LatestLegacy, clientCapabilities, startTimeout, cancellationToken).ConfigureAwait(false);
            if (outcome != HandshakeOutcome.Failed || !IsRefusal(answer))
            {
                return (outcome, reason);
            }
        }

        var version = ProtocolVersions.LatestLegacy;
        for (var isRepeated = false; ; isRepeated = true)
        {
            var probe = await ControlRequest.SendAsync(connection, McpMethod.ServerDiscover, default, modern: true, startTimeout, cancellationToken).ConfigureAwait(false);
            if (probe.Error == ForwardError.AuthenticationRequired)
            {
                return (HandshakeOutcome.AuthenticationRequired, probe.Detail);
            }

            var (verdict, reason) = Judge(connection, probe, ref version);
            switch (verdict)
            {
                case Verdict.Ready:
                    return (HandshakeOutcome.Ready, null);
                case Verdict.Failed:
                case Verdict.Repeat when isRepeated:
                    return (HandshakeOutcome.Failed, reason);
                case Verdict.Repeat:
                    continue;
                default:
                    return await InitializeAsync(connection, version, clientCapabilities, startTimeout, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static async Task<(HandshakeOutcome Outcome, string? Reason)> InitializeAsync(
        HttpConnection connection, ProtocolVersion version, ReadOnlyMemory<byte> clientCapabilities, TimeSpan startTimeout, CancellationToken cancellationToken)
    {
        var (outcome, reason, answer) = await Handshake.InitializeAsync(connection, version, clientCapabilities, startTimeout, cancellationToken).ConfigureAwait(false);
        return outcome == HandshakeOutcome.Failed && answer.Error != ForwardError.None && answer.HttpStatus is 400 or 404 or 405
            ? (HandshakeOutcome.NotStreamable, reason)
            : (outcome, reason);
    }

    private static (Verdict Verdict, string? Reason) Judge(HttpConnection connection, ControlAnswer probe, ref ProtocolVersion version)
    {
        if (probe.IsResult)
        {
            if (Handshake.ReadDiscover(probe) is not { } identity)
            {
                return (Verdict.Legacy, null);
            }

            connection.Identity = identity;
            return (Verdict.Ready, null);
        }

        if (probe.Error != ForwardError.None)
        {
            return IsRefusal(probe) ? (Verdict.Legacy, null) : (Verdict.Failed, probe.Describe());
        }

        var reason = $"it answered server/discover with error {probe.Envelope.ErrorCode}{Handshake.ErrorText(probe)}";
        switch (probe.Envelope.ErrorCode)
        {
            case ErrorCodes.UnsupportedProtocolVersion:
                var highest = HighestSupported(probe);
                version = highest.IsLegacy() ? highest : version;

                // A server that refuses the revision it names may have been busy with something else: asked once more, then believed.
                return highest.IsModern() ? (Verdict.Repeat, reason)
                    : highest.IsLegacy() ? (Verdict.Legacy, null)
                    : (Verdict.Failed, $"{reason}; it serves no revision that Fairlead speaks");
            case ErrorCodes.HeaderMismatch or ErrorCodes.MissingRequiredClientCapability:
                return (Verdict.Repeat, reason);
            default:
                return (Verdict.Legacy, null);
        }
    }

    /// <summary>Whether the server is there and did not understand: an answer of its own, a body that is none, or a 4xx that speaks of the request.</summary>
    private static bool IsRefusal(ControlAnswer answer) => answer.Error switch
    {
        ForwardError.None => true,
        ForwardError.ServerTimedOut or ForwardError.ServerTimedOutHard or ForwardError.AuthenticationRequired => false,
        _ => answer.HttpStatus is (>= 200 and < 300) or (>= 400 and < 500 and not (408 or 429)),
    };

    private static ProtocolVersion HighestSupported(ControlAnswer probe)
    {
        using var document = JsonDocument.Parse(probe.Bytes.AsMemory(probe.Envelope.Error.Start, probe.Envelope.Error.Length));
        var highest = ProtocolVersion.Unknown;
        if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Object
            && data.TryGetProperty("supported", out var supported) && supported.ValueKind == JsonValueKind.Array)
        {
            foreach (var element in supported.EnumerateArray())
            {
                var version = element.ValueKind == JsonValueKind.String ? ProtocolVersions.Parse(element.GetString()) : ProtocolVersion.Unknown;
                highest = version > highest ? version : highest;
            }
        }

        return highest;
    }
}
