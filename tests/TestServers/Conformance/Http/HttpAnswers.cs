using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;

namespace Fairlead.TestServers.Conformance.Http;

/// <summary>What both endpoints do with bodies.</summary>
internal static class HttpAnswers
{
    /// <summary>Reads the body as one JSON-RPC message. Null: it was none, and the refusal has been written.</summary>
    public static async Task<JsonRpcMessage?> ReadMessageAsync(HttpContext context)
    {
        try
        {
            var message = await JsonSerializer.DeserializeAsync<JsonRpcMessage>(context.Request.Body, McpJsonUtilities.DefaultOptions, context.RequestAborted);
            if (message is not null)
            {
                return message;
            }
        }
        catch (JsonException exception)
        {
            await ErrorAsync(context, StatusCodes.Status400BadRequest, -32700, $"The body is no JSON-RPC message: {exception.Message}");
            return null;
        }

        await ErrorAsync(context, StatusCodes.Status400BadRequest, -32600, "The body is 'null'; send a JSON-RPC message.");
        return null;
    }

    /// <summary>Writes a JSON-RPC error as JSON.</summary>
    /// <param name="id">The request's id; null when it has none, then the error says <c>"id":null</c>.</param>
    public static Task ErrorAsync(HttpContext context, int status, int code, string message, JsonNode? id = null, JsonObject? data = null)
    {
        var error = new JsonObject { ["code"] = code, ["message"] = message };
        if (data is not null)
        {
            error["data"] = data;
        }

        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(new JsonObject { ["jsonrpc"] = "2.0", ["id"] = id, ["error"] = error }.ToJsonString(), context.RequestAborted);
    }

    /// <summary>The id as JSON, with its own type.</summary>
    public static JsonNode? IdOf(JsonRpcMessage message) => message is not JsonRpcMessageWithId { Id.Id: { } id }
        ? null
        : id is long number ? JsonValue.Create(number) : JsonValue.Create(id.ToString());

    /// <summary>Prepares the response as an event stream that nobody buffers.</summary>
    public static void StartEventStream(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-cache, no-store";
        context.Response.Headers["X-Accel-Buffering"] = "no";
        context.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();
    }

    /// <summary>Takes the event stream back: the message needed no answer.</summary>
    public static void Accepted(HttpContext context)
    {
        context.Response.Headers.ContentType = default;
        context.Response.StatusCode = StatusCodes.Status202Accepted;
    }
}
