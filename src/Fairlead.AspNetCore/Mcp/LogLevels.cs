using System.Text.Json;
using Fairlead.Exchanges;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>Whether a log line of a server is as severe as its client wants (the eight levels of RFC 5424).</summary>
internal static class LogLevels
{
    /// <summary>Whether a raw JSON token is a level.</summary>
    public static bool IsKnown(ReadOnlySpan<byte> token) => LogSeverity.Of(token) != LogSeverity.None;

    /// <summary>Whether a notification may reach a modern client: everything but log lines that its request did not ask for.</summary>
    public static bool Passes(CallMessage message, Exchange exchange)
    {
        if (message.Envelope.KnownMethod != McpMethod.NotificationsMessage)
        {
            return true;
        }

        var wanted = exchange.RequestEnvelope.MetaLogLevel;
        return wanted.Exists && AtLeast(message, JsonText.ToString(wanted.Of(exchange.Request.Span)));
    }

    /// <summary>Whether a log line is at least as severe as <paramref name="wanted"/>; null = any. A line without a known level passes.</summary>
    public static bool AtLeast(CallMessage message, string? wanted)
    {
        var bound = LogSeverity.Of(wanted);
        if (bound is 0 or LogSeverity.None)
        {
            return true;
        }

        using var document = JsonDocument.Parse(message.Bytes.AsMemory(message.Envelope.Params.Start, message.Envelope.Params.Length));
        var level = document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("level", out var value)
            && value.ValueKind == JsonValueKind.String ? LogSeverity.Of(value.GetString()) : LogSeverity.None;
        return level >= bound;
    }
}
