using System.Text.Json;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>An operation of the OpenAPI document.</summary>
/// <param name="Id">Its operationId.</param>
/// <param name="Method">The verb in capitals.</param>
/// <param name="Path">The path with its parameters in braces.</param>
/// <param name="IsAdmin">Whether it needs the token.</param>
/// <param name="Parameters">Resolved.</param>
/// <param name="Body">The schema of the body; null = it takes none.</param>
/// <param name="Responses">By status, resolved.</param>
/// <param name="Node">All of it.</param>
internal sealed record ApiOperation(
    string Id, string Method, string Path, bool IsAdmin, IReadOnlyList<JsonElement> Parameters, JsonElement? Body, IReadOnlyDictionary<int, JsonElement> Responses, JsonElement Node)
{
    /// <summary>The names of its parameters of one kind.</summary>
    public IEnumerable<string> Named(string kind) => Parameters.Where(one => one.GetProperty("in").GetString() == kind).Select(static one => one.GetProperty("name").GetString()!);

    /// <summary>The words of the problems that it may answer with a status.</summary>
    public IEnumerable<string> Words(int status) => Responses[status].TryGetProperty("content", out var content) && content.TryGetProperty("application/problem+json", out var problem)
        ? problem.GetProperty("schema").GetProperty("allOf")[1].GetProperty("properties").GetProperty("title").GetProperty("enum").EnumerateArray().Select(static word => word.GetString()!)
        : [];
}

/// <summary>The OpenAPI document as the gateway serves it.</summary>
internal sealed class ApiDocument
{
    public ApiDocument(JsonElement root)
    {
        Root = root;
        Schemas = new SchemaCheck(root);
        Operations =
        [
            .. from path in root.GetProperty("paths").EnumerateObject()
               from verb in path.Value.EnumerateObject()
               select Read(path.Name, verb),
        ];
    }

    public JsonElement Root { get; }

    public SchemaCheck Schemas { get; }

    public IReadOnlyList<ApiOperation> Operations { get; }

    public ApiOperation this[string id] => Operations.Single(operation => operation.Id == id);

    /// <summary>What is wrong with an answer, by the document: its status, its type, its body.</summary>
    public List<string> Errors(ApiOperation operation, int status, string? mediaType, string body)
    {
        if (!operation.Responses.TryGetValue(status, out var response))
        {
            return [$"{operation.Id} answered {status}, which is not in the document: {body}"];
        }

        if (!response.TryGetProperty("content", out var content))
        {
            return body.Length == 0 ? [] : [$"{operation.Id} answered {status} with a body, which is not in the document: {body}"];
        }

        if (mediaType is null || !content.TryGetProperty(mediaType, out var media))
        {
            return [$"{operation.Id} answered {status} as {mediaType}, which is not in the document: {body}"];
        }

        if (mediaType is "text/plain" or "application/openmetrics-text")
        {
            return body.Length == 0 ? [$"{operation.Id} answered without a text"] : [];
        }

        if (mediaType != "text/event-stream")
        {
            using var document = JsonDocument.Parse(body);
            return Schemas.Errors(media.GetProperty("schema"), document.RootElement, $"{operation.Id} {status}");
        }

        var schema = media.GetProperty("x-event-data");
        return [.. body.Split('\n').Where(static line => line.StartsWith("data: ", StringComparison.Ordinal)).SelectMany(line =>
        {
            using var document = JsonDocument.Parse(line["data: ".Length..]);
            return Schemas.Errors(schema, document.RootElement, $"event of {operation.Id}");
        })];
    }

    private ApiOperation Read(string path, JsonProperty verb)
    {
        var node = verb.Value;
        return new ApiOperation(
            node.GetProperty("operationId").GetString()!,
            verb.Name.ToUpperInvariant(),
            path,
            node.GetProperty("security").GetArrayLength() > 0,
            node.TryGetProperty("parameters", out var parameters) ? [.. parameters.EnumerateArray().Select(Schemas.Resolve)] : [],
            node.TryGetProperty("requestBody", out var body) ? Schemas.Resolve(body.GetProperty("content").GetProperty("application/json").GetProperty("schema")) : null,
            node.GetProperty("responses").EnumerateObject().ToDictionary(static one => int.Parse(one.Name, System.Globalization.CultureInfo.InvariantCulture), one => Schemas.Resolve(one.Value)),
            node);
    }
}
