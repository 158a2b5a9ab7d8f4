using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.AspNetCore.Auth;
using Fairlead.Configuration;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Admin;

/// <summary>Changes the fleet over the API (product A8). Every route needs the admin token and answers with the server as it then is.</summary>
/// <param name="manager">The fleet.</param>
/// <param name="keys">Deployments that were made under a key.</param>
/// <param name="reload">Loads the configuration again; null when Fairlead was not started from one.</param>
internal sealed class FleetRoutes(McpManager manager, DeployKeys keys, ConfigurationReload? reload)
{
    private const string EntryShape = "Send one server in the words of the configuration, such as {\"name\":\"git\",\"command\":\"uvx\",\"args\":[\"mcp-server-git\"]}.";
    private const string ScaleShape = "Send {\"replicas\":N}.";
    private const string MaintenanceShape = "Send {\"on\":true,\"reason\":\"why\"} or {\"on\":false}.";

    /// <summary>Maps the routes.</summary>
    public void Map(RestRoutes rest)
    {
        rest.Post("/api/v1/servers", RouteAccess.Admin, DeployAsync);
        rest.Put("/api/v1/servers/{id}", RouteAccess.Admin, UpdateAsync, ifMatch: true);
        rest.Delete("/api/v1/servers/{id}", RouteAccess.Admin, UndeployAsync, ifMatch: true);
        Change("restart", false, context => manager.RestartServerAsync(RestApi.Id(context), context.RequestAborted));
        Change("stop", false, context => manager.ShutdownServerAsync(RestApi.Id(context), context.RequestAborted));
        Change("start", false, context => manager.StartServerAsync(RestApi.Id(context), context.RequestAborted));
        Change("enable", true, context => manager.EnableServerAsync(RestApi.Id(context), IfMatch.Of(context), context.RequestAborted));
        Change("disable", true, context => manager.DisableServerAsync(RestApi.Id(context), IfMatch.Of(context), context.RequestAborted));
        Change("scale", true, ScaleAsync);
        Change("maintenance", true, MaintainAsync);
        Change("tools/{tool}/enable", true, context => manager.EnableToolAsync(RestApi.Id(context), Tool(context), IfMatch.Of(context), context.RequestAborted));
        Change("tools/{tool}/disable", true, context => manager.DisableToolAsync(RestApi.Id(context), Tool(context), IfMatch.Of(context), context.RequestAborted));
        rest.Get("/api/v1/configuration/status", RouteAccess.Admin, StatusAsync);
        rest.Post("/api/v1/configuration/reload", RouteAccess.Admin, ReloadAsync);

        void Change(string verb, bool ifMatch, Func<HttpContext, Task> change) => rest.Post(
            $"/api/v1/servers/{{id}}/{verb}",
            RouteAccess.Admin,
            async context =>
            {
                await change(context).ConfigureAwait(false);
                await AnswerAsync(context, StatusCodes.Status200OK, RestApi.Id(context)).ConfigureAwait(false);
            },
            ifMatch);
    }

    private static string Tool(HttpContext context) => RestApi.Segment(context, "tool");

    private async Task DeployAsync(HttpContext context)
    {
        var entry = await JsonBody.TextAsync(context, manager.Options.Limits.RequestBodyBytesMax, EntryShape).ConfigureAwait(false);
        var key = DeployKeys.Of(context.Request);
        var answer = key is null ? await DeployAsync(entry, context.RequestAborted).ConfigureAwait(false) : await DeployOnceAsync(key, entry).ConfigureAwait(false);
        context.Response.StatusCode = StatusCodes.Status201Created;
        context.Response.Headers.Location = answer.Location;
        context.Response.ContentType = "application/json; charset=utf-8";
        await context.Response.WriteAsync(answer.Body, context.RequestAborted).ConfigureAwait(false);
    }

    private async Task<DeployAnswer> DeployAsync(string entry, CancellationToken cancellationToken)
    {
        var (id, warnings) = await manager.Live.DeployEntryAsync(entry, cancellationToken).ConfigureAwait(false);
        return new DeployAnswer($"/api/v1/servers/{id}", (await DescribeAsync(id, warnings, cancellationToken).ConfigureAwait(false)).ToJsonString(RestApi.Json));
    }

    /// <summary>Deploys once under a key. Goes on when the client has gone: it will ask again.</summary>
    private async Task<DeployAnswer> DeployOnceAsync(string key, string entry)
    {
        if (keys.Begin(key, entry) is { } first)
        {
            return first;
        }

        DeployAnswer? answer = null;
        try
        {
            return answer = await DeployAsync(entry, CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            keys.End(key, entry, answer);
        }
    }

    private async Task UpdateAsync(HttpContext context)
    {
        var id = RestApi.Id(context);
        var entry = await JsonBody.TextAsync(context, manager.Options.Limits.RequestBodyBytesMax, EntryShape).ConfigureAwait(false);
        var warnings = await manager.Live.UpdateEntryAsync(id, entry, null, IfMatch.Of(context), context.RequestAborted).ConfigureAwait(false);
        await AnswerAsync(context, StatusCodes.Status200OK, id, warnings).ConfigureAwait(false);
    }

    private async Task UndeployAsync(HttpContext context)
    {
        await manager.Live.UndeployEntryAsync(RestApi.Id(context), IfMatch.Of(context), context.RequestAborted).ConfigureAwait(false);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private async Task ScaleAsync(HttpContext context)
    {
        var body = await JsonBody.ObjectAsync(context, manager.Options.Limits.RequestBodyBytesMax, ScaleShape, "replicas").ConfigureAwait(false);
        if (!body.TryGetProperty("replicas", out var value) || value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out var replicas))
        {
            throw new BadRequest($"replicas is no whole number. {ScaleShape}");
        }

        await manager.ScaleServerAsync(RestApi.Id(context), replicas, IfMatch.Of(context), context.RequestAborted).ConfigureAwait(false);
    }

    private async Task MaintainAsync(HttpContext context)
    {
        var body = await JsonBody.ObjectAsync(context, manager.Options.Limits.RequestBodyBytesMax, MaintenanceShape, "on", "reason").ConfigureAwait(false);
        if (!body.TryGetProperty("on", out var on) || on.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            throw new BadRequest($"on is neither true nor false. {MaintenanceShape}");
        }

        if (body.TryGetProperty("reason", out var reason) && reason.ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
        {
            throw new BadRequest($"reason is no string. {MaintenanceShape}");
        }

        await manager.SetMaintenanceAsync(
            RestApi.Id(context), on.GetBoolean(), reason.ValueKind == JsonValueKind.String ? reason.GetString() : null, IfMatch.Of(context), context.RequestAborted).ConfigureAwait(false);
    }

    private Task StatusAsync(HttpContext context) => RestApi.WriteAsync(context, StatusCodes.Status200OK, Reload().Status);

    private async Task ReloadAsync(HttpContext context)
    {
        var status = await Reload().ReloadAsync("api", context.RequestAborted).ConfigureAwait(false);
        if (!status.Valid)
        {
            throw new InvalidConfiguration($"The configuration has {status.Errors.Count} {(status.Errors.Count == 1 ? "error" : "errors")}; nothing was changed.\n{string.Join('\n', status.Errors)}");
        }

        await RestApi.WriteAsync(context, StatusCodes.Status200OK, status).ConfigureAwait(false);
    }

    private ConfigurationReload Reload() => reload ?? throw new BadRequest(
        "This Fairlead was not started from a configuration that it can load again; the program that it runs in changes its servers.", StatusCodes.Status404NotFound, "NotFound");

    /// <summary>Answers with the server as it is, and with what looked odd in its entry.</summary>
    private async Task AnswerAsync(HttpContext context, int status, string id, IReadOnlyList<ConfigurationError>? warnings = null) =>
        await RestApi.WriteAsync(context, status, await DescribeAsync(id, warnings, context.RequestAborted).ConfigureAwait(false)).ConfigureAwait(false);

    private async Task<JsonObject> DescribeAsync(string id, IReadOnlyList<ConfigurationError>? warnings, CancellationToken cancellationToken)
    {
        var servers = await manager.ListServersAsync(cancellationToken).ConfigureAwait(false);
        var slug = ServerName.ToSlug(id);
        var server = servers.FirstOrDefault(server => server.Id == id || server.Id == slug) ?? throw ServerNotFound.For(id, servers.Select(static server => server.Id));
        var answer = JsonSerializer.SerializeToNode(server, RestApi.Json)!.AsObject();
        if (warnings is { Count: > 0 })
        {
            answer["warnings"] = new JsonArray([.. warnings.Select(static warning => JsonValue.Create(warning.ToString()))]);
        }

        return answer;
    }
}
