using System.Text.Json;
using System.Text.Json.Nodes;
using ModelContextProtocol.Protocol;

namespace Fairlead.TestServers.Conformance;

/// <summary>
/// Builds the questions that handlers put into an <c>input_required</c> result and reads the answers. In the legacy era the SDK turns the same
/// exception into real requests to the client and calls the handler again, so a handler is written once.
/// </summary>
internal static class Questions
{
    /// <summary>A form with the given JSON schema.</summary>
    public static InputRequest Elicitation(string message, string schemaJson) => new()
    {
        Method = RequestMethods.ElicitationCreate,
        Params = JsonSerializer.SerializeToElement(new JsonObject { ["message"] = message, ["requestedSchema"] = JsonNode.Parse(schemaJson) }),
    };

    /// <summary>A request to the client's model with one user message.</summary>
    public static InputRequest Sampling(string prompt, int maxTokens) => new()
    {
        Method = RequestMethods.SamplingCreateMessage,
        Params = JsonSerializer.SerializeToElement(new JsonObject
        {
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = new JsonObject { ["type"] = "text", ["text"] = prompt } }),
            ["maxTokens"] = maxTokens,
        }),
    };

    /// <summary>A request for the client's roots.</summary>
    public static InputRequest Roots() => new() { Method = RequestMethods.RootsList, Params = JsonElement.Parse("{}") };

    /// <summary>Schema of a form with one required property.</summary>
    public static string RequiredProperty(string name, string type) =>
        $$$"""{"type":"object","properties":{"{{{name}}}":{"type":"{{{type}}}"}},"required":["{{{name}}}"]}""";

    /// <summary>The answer under <paramref name="key"/> if it is an object; anything else counts as not answered, so that the caller asks again.</summary>
    public static JsonElement? Answer(RequestParams request, string key) =>
        request.InputResponses is { } responses && responses.TryGetValue(key, out var response) && response.RawValue.ValueKind == JsonValueKind.Object
            ? response.RawValue
            : null;

    /// <summary>A string that was filled into an accepted form; null when it is absent, declined or of another type.</summary>
    public static string? ElicitedText(RequestParams request, string key, string property) =>
        Answer(request, key) is { } answer
        && answer.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.Object
        && content.TryGetProperty(property, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    /// <summary>Text of a sampling answer, whose content is one block or a list of blocks; null when there is none.</summary>
    public static string? SampledText(RequestParams request, string key)
    {
        if (Answer(request, key) is not { } answer || !answer.TryGetProperty("content", out var content))
        {
            return null;
        }

        var block = content.ValueKind == JsonValueKind.Array ? content.EnumerateArray().FirstOrDefault() : content;
        return block.ValueKind == JsonValueKind.Object && block.TryGetProperty("text", out var text) ? text.GetString() : null;
    }
}
