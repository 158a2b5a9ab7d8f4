using System.Globalization;
using System.Text.Json;
using Fairlead.AspNetCore.Auth;
using Fairlead.AspNetCore.Dashboard;
using Fairlead.AspNetCore.Mcp;
using Fairlead.Configuration;
using Fairlead.Routing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Fairlead.AspNetCore.Admin;

/// <summary>The management API over HTTP (product B5): JSON in camelCase with the words of the configuration, errors as problem+json (RFC 9457).</summary>
/// <remarks>docs/rest.md describes it for its users.</remarks>
internal sealed class RestApi
{
    /// <summary>How the API writes and reads JSON.</summary>
    public static readonly JsonSerializerOptions Json = ApiJson.Options;

    private readonly McpManager _manager;
    private readonly McpFront _front;
    private readonly Presence _presence;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly ConfigurationReload? _reload;
    private readonly AdminToken _token;
    private readonly MetricsPage _metrics;
    private readonly DashboardSessions _dashboards;

    /// <summary>Serves <paramref name="manager"/>; a shutdown stops the application.</summary>
    public RestApi(McpManager manager, McpFront front, Presence presence, IHostApplicationLifetime lifetime, IServiceProvider services)
    {
        _reload = services.GetService<ConfigurationReload>();
        _token = services.GetRequiredService<AdminToken>();
        _metrics = services.GetRequiredService<MetricsPage>();
        _dashboards = services.GetRequiredService<DashboardSessions>();
        _presence = presence;
        _manager = manager;
        _front = front;
        _lifetime = lifetime;
    }

    /// <summary>Maps the routes, and answers for every other verb (405) and every other path (404).</summary>
    public void Map(GuardedRoutes routes)
    {
        var rest = new RestRoutes(routes, _front.Logger);
        var tools = new ToolCalls(_manager, _front);
        rest.Get("/health", RouteAccess.Open, HealthAsync, atOwnPorts: true);
        rest.Get("/ready", RouteAccess.Open, ReadyAsync);
        new HealthApi(_manager).Map(rest, ReadyAsync);
        _metrics.Map(rest);
        rest.Get("/api/v1/servers", RouteAccess.Open, ListAsync, ["state", "tag", .. Paging.Parameters]);
        rest.Get("/api/v1/servers/{id}", RouteAccess.Open, GetAsync);
        rest.Get("/api/v1/servers/{id}/instances", RouteAccess.Open, InstancesAsync, Paging.Parameters);
        rest.Get("/api/v1/servers/{id}/tools", RouteAccess.Open, tools.ListAsync, ["cursor"]);
        rest.Post("/api/v1/servers/{id}/tools/{tool}/call", RouteAccess.Open, tools.CallAsync);
        rest.Get("/api/v1/openapi.json", RouteAccess.Open, DescribeAsync);
        rest.Get("/api/v1/presence", RouteAccess.Open, _presence.AttendAsync);
        rest.Get("/api/v1/metrics", RouteAccess.Open, MetricsAsync);
        rest.Get("/api/v1/servers/{id}/logs", RouteAccess.Admin, LogsAsync, ["lines"]);
        rest.Post("/api/v1/shutdown", RouteAccess.Admin, ShutdownAsync);
        new FleetRoutes(_manager, new DeployKeys(_manager.State, _front.TimeProvider), _reload).Map(rest);
        new ConfigurationRoutes(_manager, _reload).Map(rest);
        new RolloutRoutes(_manager).Map(rest);
        new FaultRoutes(_manager).Map(rest);
        new AuditRoutes(_manager).Map(rest);
        new EventRoutes(_manager, _front, _token, _lifetime.ApplicationStopping).Map(rest);
        new DashboardRoutes(_dashboards, _manager.Options.Limits.RequestBodyBytesMax).Map(rest, routes);
        rest.Rest();
    }

    /// <summary>The id in the path.</summary>
    public static string Id(HttpContext context) => Segment(context, "id");

    /// <summary>A value in the path. The web server leaves an escaped slash as it is, and names of tools may have one.</summary>
    public static string Segment(HttpContext context, string name) => ((string)context.Request.RouteValues[name]!).Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);

    /// <summary>The words of a query parameter, by commas or given several times.</summary>
    public static string[] Words(HttpContext context, string name) =>
        [.. context.Request.Query[name].SelectMany(static value => (value ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];

    /// <summary>Writes a value as JSON.</summary>
    public static Task WriteAsync<T>(HttpContext context, int status, T value)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(value, Json, context.RequestAborted);
    }

    /// <summary>The server of the path.</summary>
    /// <exception cref="ServerNotFound">There is none.</exception>
    public static ServerCell Require(Fleet fleet, HttpContext context)
    {
        var id = Id(context);
        return fleet.TryGet(id, out var cell) || fleet.TryGet(ServerName.ToSlug(id), out cell)
            ? cell
            : throw ServerNotFound.For(id, fleet.Current.InOrder.Select(static cell => cell.Name));
    }

    /// <summary>The OpenAPI document. It is kept by hand, because routes are plain request delegates; tests hold it against the routes and against what they answer.</summary>
    private static async Task DescribeAsync(HttpContext context)
    {
        var document = typeof(RestApi).Assembly.GetManifestResourceStream("openapi.json")!;
        await using (document.ConfigureAwait(false))
        {
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = document.Length;
            if (!HttpMethods.IsHead(context.Request.Method))
            {
                await document.CopyToAsync(context.Response.Body, context.RequestAborted).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Written member by member: it is what is asked of a process that starts, and a serializer that looks at types would be the dearest part of that answer.</summary>
    private async Task HealthAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        using var json = new Utf8JsonWriter(context.Response.BodyWriter, new JsonWriterOptions { Encoder = Json.Encoder });
        json.WriteStartObject();
        json.WriteString("status", "serving");
        json.WriteStartObject("servers");
        foreach (var cell in HealthOf(context))
        {
            var server = cell.Current;
            json.WriteStartObject(cell.Name);
            json.WriteString("state", server.State.ToString());
            if (server.Reason is { } reason)
            {
                json.WriteString("reason", reason);
            }

            json.WriteString("since", server.Since);
            if (server.NextRetry is { } retry)
            {
                json.WriteString("nextRetry", retry);
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
        await json.FlushAsync(context.RequestAborted).ConfigureAwait(false);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>All servers, or the one whose own port it is.</summary>
    private IEnumerable<ServerCell> HealthOf(HttpContext context) => _front.Ports.TryGet(context.Connection, out var server)
        ? _manager.Fleet.Current.InOrder.Where(cell => cell.Name == server)
        : _manager.Fleet.Current.InOrder;

    /// <summary>Ready: the fronts are open and the first lists have been waited for (decision 12).</summary>
    private Task ReadyAsync(HttpContext context)
    {
        var ready = _manager.Fleet.FirstListWait.IsCompleted && !_manager.Fleet.IsShuttingDown;
        return WriteAsync(context, ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable, new { ready });
    }

    private async Task ListAsync(HttpContext context)
    {
        var (states, tags) = (StatesOf(context), Words(context, "tag"));
        var all = await _manager.ListServersAsync(context.RequestAborted).ConfigureAwait(false);
        if (states.Length != 0 || tags.Length != 0)
        {
            all = [.. all.Where(server => (states.Length == 0 || states.Contains(server.State)) && (tags.Length == 0 || server.Tags.Intersect(tags).Any()))];
        }

        var (servers, nextCursor) = Paging.Of(context, "servers", all, static server => server.Id);
        await WriteAsync(context, StatusCodes.Status200OK, new { servers, nextCursor }).ConfigureAwait(false);
    }

    private static ServerState[] StatesOf(HttpContext context) => [.. Words(context, "state").Select(static word =>
        Enum.TryParse<ServerState>(word, ignoreCase: true, out var state) && !char.IsAsciiDigit(word[0]) && word[0] != '-'
            ? state
            : throw new BadRequest($"state = '{word}' is no state of a server. There are: {string.Join(", ", Enum.GetNames<ServerState>())}; several by commas."))];

    private async Task GetAsync(HttpContext context)
    {
        var name = Require(_manager.Fleet, context).Name;
        var servers = await _manager.ListServersAsync(context.RequestAborted).ConfigureAwait(false);
        var server = servers.FirstOrDefault(server => server.Id == name) ?? throw ServerNotFound.For(name, servers.Select(static server => server.Id));
        if (server.ConfigurationVersion is { } version)
        {
            // It is the version of what PUT replaces, for If-Match. The answer holds what changes by itself, so no cache may take it for a validator of the whole.
            context.Response.Headers.ETag = $"\"{version}\"";
            context.Response.Headers.CacheControl = "no-store";
        }

        await WriteAsync(context, StatusCodes.Status200OK, server).ConfigureAwait(false);
    }

    private async Task InstancesAsync(HttpContext context)
    {
        var all = await _manager.ListInstancesAsync(Require(_manager.Fleet, context).Name, context.RequestAborted).ConfigureAwait(false);

        // Those that are not there have no id: their place tells one from another.
        var (page, nextCursor) = Paging.Of(context, "instances", [.. all.Index()], static one => string.Create(CultureInfo.InvariantCulture, $"{(one.Item.Id is null ? "place" : "id")} {one.Item.Id ?? one.Index}"));
        await WriteAsync(context, StatusCodes.Status200OK, new { instances = page.Select(static one => one.Item), nextCursor }).ConfigureAwait(false);
    }

    private async Task MetricsAsync(HttpContext context) =>
        await WriteAsync(context, StatusCodes.Status200OK, await _manager.GetMetricsAsync(cancellationToken: context.RequestAborted).ConfigureAwait(false)).ConfigureAwait(false);

    private async Task LogsAsync(HttpContext context)
    {
        var server = Require(_manager.Fleet, context).Name;
        int? count = null;
        if (context.Request.Query["lines"].ToString() is { Length: > 0 } text)
        {
            count = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
                ? number
                : throw new BadRequest($"lines = '{text}' is no number of lines; give one from 1, or leave it out for all.");
        }

        var lines = await ServerLog.TailAsync(_manager.Options.StateFolder, server, context.RequestAborted).ConfigureAwait(false);
        await WriteAsync(context, StatusCodes.Status200OK, new { server, lines = count < lines.Length ? lines[^count.Value..] : lines }).ConfigureAwait(false);
    }

    private Task ShutdownAsync(HttpContext context)
    {
        // After the answer is out: the stop would otherwise race with it.
        context.Response.OnCompleted(() =>
        {
            _lifetime.StopApplication();
            return Task.CompletedTask;
        });
        return WriteAsync(context, StatusCodes.Status202Accepted, new { stopping = true });
    }
}
