using System.Buffers;
using System.Text.Json;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>A modern server's -32021 as the client may see it: our own, and only of what the client really did not declare (protocol.md 6, "client lacks the capability").</summary>
/// <remarks>Capabilities are compared with their modes (<c>elicitation.url</c>, <c>sampling.tools</c>, one extension), not with the settings inside a mode.</remarks>
internal static class CapabilityRefusal
{
    private const int Code = -32021;

    /// <summary>The error for the client, or null when it declared all that the server names: then the refusal is about Fairlead's request.</summary>
    public static byte[]? Compose(Exchange exchange)
    {
        var place = exchange.AnswerEnvelope.Error;
        using var document = JsonDocument.Parse(exchange.Answer.Slice(place.Start, place.Length).ToArray());
        var error = document.RootElement;
        if (!error.TryGetProperty("data", out var data) || data.ValueKind != JsonValueKind.Object
            || !data.TryGetProperty("requiredCapabilities", out var required) || required.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        var declared = exchange.RequestEnvelope.MetaClientCapabilities;
        using var capabilities = JsonDocument.Parse(declared.Exists ? exchange.Request.Slice(declared.Start, declared.Length) : "{}"u8.ToArray());
        var missing = new ArrayBufferWriter<byte>(128);
        if (!WriteMissing(required, capabilities.RootElement, missing))
        {
            return null;
        }

        var message = error.TryGetProperty("message", out var text) && text.ValueKind == JsonValueKind.String ? text.GetString()! : "The client did not declare a capability that this request needs.";
        return AnswerTranslation.Compose(
            exchange.RequestEnvelope.Id.Of(exchange.Request.Span), Code, message, [.. "{\"requiredCapabilities\":"u8, .. missing.WrittenSpan, .. "}"u8]);
    }

    /// <summary>Writes an object of what is required and not declared; false when there is nothing.</summary>
    private static bool WriteMissing(JsonElement required, JsonElement declared, ArrayBufferWriter<byte> buffer)
    {
        var any = false;
        using var writer = new Utf8JsonWriter(buffer);
        writer.WriteStartObject();
        foreach (var capability in required.EnumerateObject())
        {
            if (!TryGet(declared, capability.Name, out var known))
            {
                capability.WriteTo(writer);
                any = true;
            }
            else if (capability.Value.ValueKind == JsonValueKind.Object && MissingModes(capability, known) is { Length: > 0 } modes)
            {
                writer.WriteStartObject(capability.Name);
                Array.ForEach(modes, mode => mode.WriteTo(writer));
                writer.WriteEndObject();
                any = true;
            }
        }

        writer.WriteEndObject();
        return any;
    }

    private static JsonProperty[] MissingModes(JsonProperty capability, JsonElement declared) =>
    [
        .. capability.Value.EnumerateObject().Where(mode => !TryGet(declared, mode.Name, out _) && !(capability.NameEquals("elicitation"u8) && mode.NameEquals("form"u8) && MeansForm(declared))),
    ];

    // Elicitation without a mode means forms (2025-11-25, client/elicitation, Capabilities).
    private static bool MeansForm(JsonElement elicitation) => !TryGet(elicitation, "url", out _);

    private static bool TryGet(JsonElement element, string name, out JsonElement value)
    {
        value = default;
        return element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out value);
    }
}
