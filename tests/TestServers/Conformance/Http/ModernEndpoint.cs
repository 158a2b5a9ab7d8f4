using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.TestServers.Conformance.Http;

/// <summary>
/// Streamable HTTP of 2026-07-28 (basic/transports): POST only, nothing kept between requests. Each request gets an SDK server on a stateless
/// transport for as long as its answer takes; the headers are checked here, the method and its <c>_meta</c> by the SDK.
/// </summary>
internal sealed class ModernEndpoint(Fixture fixture)
{
    private const string Revision = "2026-07-28";

    /// <summary>Handles any request to the endpoint.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        if (!HttpMethods.IsPost(context.Request.Method))
        {
            context.Response.Headers.Allow = "POST";
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return;
        }

        if (await HttpAnswers.ReadMessageAsync(context) is not { } message)
        {
            return;
        }

        if (message is not JsonRpcRequest request)
        {
            // Nothing that a client may still say in a notification concerns a server without memory.
            context.Response.StatusCode = StatusCodes.Status202Accepted;
            return;
        }

        if (Refusal(context.Request.Headers, request) is { } refusal)
        {
            await HttpAnswers.ErrorAsync(context, StatusCodes.Status400BadRequest, refusal.Code, refusal.Message, HttpAnswers.IdOf(request), refusal.Data);
            return;
        }

        request.Context = new JsonRpcMessageContext { ProtocolVersion = Revision };
        await using var transport = new StreamableHttpServerTransport { Stateless = true };
        await using var server = McpServer.Create(transport, fixture.CreateOptions());
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        var run = server.RunAsync(ended.Token);
        try
        {
            HttpAnswers.StartEventStream(context);
            await transport.HandlePostRequestAsync(request, context.Response.Body, first => StatusOf(context, first), context.RequestAborted);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client closed the stream, which is how it cancels.
        }
        finally
        {
            await ended.CancelAsync();
            await run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Order and codes: basic/transports, Server Validation. Version first, because everything else depends on it.
    private (int Code, string Message, JsonObject? Data)? Refusal(IHeaderDictionary headers, JsonRpcRequest request)
    {
        var meta = (request.Params as JsonObject)?["_meta"] as JsonObject;
        var claimed = meta?[MetaKeys.ProtocolVersion]?.ToString();
        var header = headers["MCP-Protocol-Version"].ToString();
        if (header.Length == 0)
        {
            return (-32020, "The MCP-Protocol-Version header is missing; it repeats _meta's protocolVersion.", null);
        }

        if (claimed is null || meta?[MetaKeys.ClientCapabilities] is not JsonObject)
        {
            return (-32602, $"params._meta must hold '{MetaKeys.ProtocolVersion}' and the object '{MetaKeys.ClientCapabilities}'.", null);
        }

        if (claimed != header)
        {
            return (-32020, $"MCP-Protocol-Version says '{header}' but _meta says '{claimed}'.", null);
        }

        if (claimed != Revision)
        {
            var data = new JsonObject { ["supported"] = new JsonArray(Revision), ["requested"] = claimed };
            return (-32022, $"Protocol version '{claimed}' is not served here.", data);
        }

        return HeaderRules.Mismatch(headers, request, fixture.Tools) is { } mismatch ? (-32020, mismatch, null) : null;
    }

    private static ValueTask StatusOf(HttpContext context, JsonRpcMessage? first)
    {
        if (first is JsonRpcError error && !context.Response.HasStarted)
        {
            context.Response.StatusCode = (McpErrorCode)error.Error.Code switch
            {
                McpErrorCode.MethodNotFound => StatusCodes.Status404NotFound,
                McpErrorCode.MissingRequiredClientCapability or McpErrorCode.UnsupportedProtocolVersion => StatusCodes.Status400BadRequest,
                _ => context.Response.StatusCode,
            };
        }

        return ValueTask.CompletedTask;
    }
}
