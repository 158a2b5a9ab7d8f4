using System.Text.Json;
using System.Text.Json.Serialization;
using Fairlead.AspNetCore.Auth;
using Fairlead.Catalog;
using Fairlead.Routing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace Fairlead.AspNetCore.Admin;

/// <summary>The management API over HTTP (product B5): JSON in camelCase, errors as problem+json (RFC 9457).</summary>
internal sealed class RestApi
{
    /// <summary>How the API writes and reads JSON.</summary>
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly McpManager _manager;
    private readonly IHostApplicationLifetime _lifetime;

    /// <summary>Serves <paramref name="manager"/>; a shutdown stops the application.</summary>
    public RestApi(McpManager manager, IHostApplicationLifetime lifetime)
    {
        _manager = manager;
        _lifetime = lifetime;
    }

    /// <summary>Maps the routes.</summary>
    public void Map(GuardedRoutes routes)
    {
        routes.Map("GET", "/health", RouteAccess.Open, HealthAsync);
        routes.Map("GET", "/ready", RouteAccess.Open, ReadyAsync);
        routes.Map("GET", "/api/v1/servers", RouteAccess.Open, ListAsync);
        routes.Map("GET", "/api/v1/servers/{id}", RouteAccess.Open, GetAsync);
        routes.Map("GET", "/api/v1/servers/{id}/tools", RouteAccess.Open, ToolsAsync);
        routes.Map("POST", "/api/v1/servers/{id}/tools/{tool}/call", RouteAccess.Open, CallAsync);
        routes.Map("GET", "/api/v1/metrics", RouteAccess.Open, MetricsAsync);
        routes.Map("GET", "/api/v1/servers/{id}/logs", RouteAccess.Admin, LogsAsync);
        routes.Map("POST", "/api/v1/shutdown", RouteAccess.Admin, ShutdownAsync);
    }

    private async Task HealthAsync(HttpContext context)
    {
        var servers = await _manager.ListServersAsync(context.RequestAborted).ConfigureAwait(false);
        await WriteAsync(context, 200, new
        {
            status = "serving",
            servers = servers.ToDictionary(server => server.Id, server => new { server.State, server.Reason, server.Since, server.NextRetry }),
        }).ConfigureAwait(false);
    }

    /// <summary>Ready: the fronts are open and the first lists have been waited for (decision 12).</summary>
    private Task ReadyAsync(HttpContext context)
    {
        var ready = _manager.Fleet.FirstListWait.IsCompleted && !_manager.Fleet.IsShuttingDown;
        return WriteAsync(context, ready ? 200 : 503, new { ready });
    }

    private async Task ListAsync(HttpContext context)
    {
        var servers = await _manager.ListServersAsync(context.RequestAborted).ConfigureAwait(false);
        await WriteAsync(context, 200, new { servers }).ConfigureAwait(false);
    }

    private async Task GetAsync(HttpContext context)
    {
        var id = Id(context);
        var servers = await _manager.ListServersAsync(context.RequestAborted).ConfigureAwait(false);
        var server = servers.FirstOrDefault(server => server.Id == id);
        await (server is null ? NotFoundAsync(context, id) : WriteAsync(context, 200, server)).ConfigureAwait(false);
    }

    private Task ToolsAsync(HttpContext context)
    {
        if (!_manager.Fleet.TryGet(Id(context), out var cell))
        {
            return NotFoundAsync(context, Id(context));
        }

        // The definitions are the server's own bytes: they are written as they came.
        var response = context.Response;
        response.ContentType = "application/json";
        var writer = response.BodyWriter;
        using (var json = new Utf8JsonWriter(writer, new JsonWriterOptions { SkipValidation = true }))
        {
            json.WriteStartObject();
            json.WriteStartArray("tools"u8);
            foreach (var tool in cell.Current.Catalog.Tools)
            {
                json.WriteRawValue(tool.Raw, skipInputValidation: true);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Task.CompletedTask;
    }

    private async Task CallAsync(HttpContext context)
    {
        var tool = (string)context.Request.RouteValues["tool"]!;
        if (!context.Request.HasJsonContentType())
        {
            await ProblemAsync(context, 415, "UnsupportedMediaType", "Send the arguments as application/json: {\"arguments\":{...}}.").ConfigureAwait(false);
            return;
        }

        byte[] arguments;
        try
        {
            using var document = await JsonDocument.ParseAsync(context.Request.Body, default, context.RequestAborted).ConfigureAwait(false);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new JsonException("not an object");
            }

            arguments = document.RootElement.TryGetProperty("arguments", out var value) ? System.Text.Encoding.UTF8.GetBytes(value.GetRawText()) : "{}"u8.ToArray();
        }
        catch (JsonException exception)
        {
            await ProblemAsync(context, 400, "InvalidRequest", $"The body must be a JSON object like {{\"arguments\":{{...}}}}: {exception.Message}").ConfigureAwait(false);
            return;
        }

        try
        {
            var result = await _manager.CallAsync(Id(context), tool, arguments, context.RequestAborted).ConfigureAwait(false);
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = result.Raw.Length;
            await context.Response.BodyWriter.WriteAsync(result.Raw, context.RequestAborted).ConfigureAwait(false);
        }
        catch (McpException exception)
        {
            await Problems.WriteAsync(context, exception).ConfigureAwait(false);
        }
    }

    private async Task MetricsAsync(HttpContext context) =>
        await WriteAsync(context, 200, await _manager.GetMetricsAsync(cancellationToken: context.RequestAborted).ConfigureAwait(false)).ConfigureAwait(false);

    private async Task LogsAsync(HttpContext context)
    {
        var id = Id(context);
        if (!_manager.Fleet.TryGet(id, out _))
        {
            await NotFoundAsync(context, id).ConfigureAwait(false);
            return;
        }

        var lines = await ServerLog.TailAsync(_manager.Options.StateFolder, id, context.RequestAborted).ConfigureAwait(false);
        await WriteAsync(context, 200, new { server = id, lines }).ConfigureAwait(false);
    }

    private Task ShutdownAsync(HttpContext context)
    {
        _lifetime.StopApplication();
        return WriteAsync(context, 202, new { stopping = true });
    }

    private static string Id(HttpContext context) => (string)context.Request.RouteValues["id"]!;

    private static Task NotFoundAsync(HttpContext context, string id) =>
        ProblemAsync(context, 404, "ServerNotFound", $"There is no server '{id}'. GET /api/v1/servers lists the servers.");

    private static Task ProblemAsync(HttpContext context, int status, string code, string detail) => Problems.WriteAsync(context, status, code, detail);

    private static Task WriteAsync<T>(HttpContext context, int status, T value)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(value, Json, context.RequestAborted);
    }
}
