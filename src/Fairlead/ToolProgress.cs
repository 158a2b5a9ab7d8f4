using System.Text.Json;

namespace Fairlead;

/// <summary>How far a call is, as its server says (MCP 2025-11-25, basic/utilities/progress).</summary>
/// <param name="Progress">Rises from step to step, in a unit of the server's own.</param>
/// <param name="Total">What <paramref name="Progress"/> is at the end; null when the server does not know.</param>
/// <param name="Message">What it is doing, for people; null when it does not say.</param>
public sealed record ToolProgress(double Progress, double? Total = null, string? Message = null)
{
    /// <summary>Reads the <c>params</c> of a <c>notifications/progress</c>.</summary>
    /// <returns>False when it says no progress: such a message is worth nothing to a caller.</returns>
    internal static bool TryRead(ReadOnlySpan<byte> paramsUtf8, out ToolProgress step)
    {
        step = null!;
        var reader = new Utf8JsonReader(paramsUtf8);
        if (!JsonDocument.TryParseValue(ref reader, out var document))
        {
            return false;
        }

        using (document)
        {
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || Number(root, "progress"u8) is not { } progress)
            {
                return false;
            }

            var message = root.TryGetProperty("message"u8, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;
            step = new ToolProgress(progress, Number(root, "total"u8), message);
            return true;
        }
    }

    private static double? Number(JsonElement root, ReadOnlySpan<byte> name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && double.IsFinite(value.GetDouble()) ? value.GetDouble() : null;
}
