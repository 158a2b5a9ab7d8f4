using Fairlead.AspNetCore.Admin;
using Fairlead.AspNetCore.Mcp;
using Fairlead.Threads;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Fairlead.AspNetCore.Auth;

/// <summary>Who may use a route (decision 2).</summary>
internal enum RouteAccess
{
    /// <summary>Any local client: MCP itself, states, tool lists and calls.</summary>
    Open,

    /// <summary>Whoever holds the admin token: what changes something, or shows configuration or logs.</summary>
    Admin,
}

/// <summary>Says of a mapped route that it was mapped through <see cref="GuardedRoutes"/>, and for whom. The route inventory test demands it of every route.</summary>
/// <param name="Access">Who may use it.</param>
internal sealed record RouteGuard(RouteAccess Access);

/// <summary>The only way that routes are mapped: every one checks Host and Origin first, and the token where it needs one.</summary>
internal sealed class GuardedRoutes
{
    private static readonly string[] s_mcpPaths = ["/mcp", "/sse", "/message"];

    private readonly IEndpointRouteBuilder _endpoints;
    private readonly HostOriginPolicy _hosts;
    private readonly AdminToken _token;
    private readonly PortTable _ports;

    /// <summary>Maps on <paramref name="endpoints"/>.</summary>
    public GuardedRoutes(IEndpointRouteBuilder endpoints, HostOriginPolicy hosts, AdminToken token, PortTable ports, ChangeAudit audit)
    {
        _endpoints = endpoints;
        _hosts = hosts;
        _token = token;
        _ports = ports;
        Audit = audit;
    }

    /// <summary>Where uses of the routes are recorded.</summary>
    public ChangeAudit Audit { get; }

    /// <summary>Maps a route.</summary>
    /// <param name="verb">The HTTP method; null = all of them.</param>
    /// <param name="pattern">The path.</param>
    /// <param name="access">Who may use it.</param>
    /// <param name="handler">What it does once the guards have let it through.</param>
    /// <param name="atOwnPorts">Whether the own ports of servers have it, too. What concerns all servers is on the main port alone.</param>
    /// <param name="onlyAsks">Whether it changes nothing, whatever its verb: the audit log does not tell it.</param>
    public void Map(string? verb, string pattern, RouteAccess access, RequestDelegate handler, bool atOwnPorts = false, bool onlyAsks = false)
    {
        var inner = atOwnPorts ? handler : context => _ports.TryGet(context.Connection, out var server) ? NotHereAsync(context, server) : handler(context);
        RequestDelegate guarded = access == RouteAccess.Open ? context => Open(context, inner) : context => Admin(context, inner, onlyAsks);
        guarded = IsMcp(pattern) ? LeaveAfter(guarded) : LeaveBefore(guarded);
        var route = verb is null ? _endpoints.Map(pattern, guarded) : _endpoints.MapMethods(pattern, [verb], guarded);
        route.WithMetadata(new RouteGuard(access));
    }

    /// <summary>What management does may take a while, and nobody's calls wait for it (<see cref="PoolThread"/>).</summary>
    private static RequestDelegate LeaveBefore(RequestDelegate handler) => async context =>
    {
        await PoolThread.Switch();
        await handler(context).ConfigureAwait(false);
    };

    /// <summary>A client whose requests are all answered on the spot, refusals above all, would keep the thread for as long as it sends.</summary>
    private static RequestDelegate LeaveAfter(RequestDelegate handler) => context =>
    {
        var handling = handler(context);
        return handling.IsCompletedSuccessfully && !Thread.CurrentThread.IsThreadPoolThread ? LeaveAsync() : handling;
    };

    private static async Task LeaveAsync() => await PoolThread.Switch();

    private static bool IsMcp(string path) => s_mcpPaths.Any(known => path.StartsWith(known, StringComparison.Ordinal) && (path.Length == known.Length || path[known.Length] == '/'));

    private static Task NotHereAsync(HttpContext context, string server) => Problems.WriteAsync(
        context, StatusCodes.Status404NotFound, "NotFound", $"This port serves {server} alone, at /mcp, with its /health. Everything else is on Fairlead's main port.");

    private Task Open(HttpContext context, RequestDelegate handler) =>
        _hosts.Refuse(context.Request) is { } refusal ? RefuseAsync(context, StatusCodes.Status403Forbidden, refusal) : handler(context);

    private Task Admin(HttpContext context, RequestDelegate handler, bool onlyAsks)
    {
        if (_hosts.Refuse(context.Request) is { } refusal)
        {
            Audit.Denied(context, nameof(Forbidden));
            return RefuseAsync(context, StatusCodes.Status403Forbidden, refusal);
        }

        if (_token.Accepts(context.Request.Headers.Authorization.ToString()))
        {
            return onlyAsks ? handler(context) : Audit.RunAsync(context, handler);
        }

        Audit.Denied(context, nameof(Unauthenticated));

        context.Response.Headers.WWWAuthenticate = "Bearer";
        return RefuseAsync(context, StatusCodes.Status401Unauthorized, "This needs the admin token as Bearer token; it is in the file admin.token of the state folder.");
    }

    // Each in the shape that its clients read: JSON-RPC at the MCP endpoints, problem+json elsewhere.
    private static Task RefuseAsync(HttpContext context, int status, string message) => IsMcp(context.Request.Path.Value ?? "")
        ? JsonRpcReply.ErrorAsync(context, status, -32600, message)
        : Problems.WriteAsync(context, status, status == StatusCodes.Status401Unauthorized ? nameof(Unauthenticated) : nameof(Forbidden), message);
}
