using Fairlead.AspNetCore.Admin;
using Fairlead.AspNetCore.Auth;
using Fairlead.AspNetCore.Mcp;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Fairlead.AspNetCore;

/// <summary>Puts Fairlead into an ASP.NET Core application.</summary>
public static class FairleadEndpoints
{
    /// <summary>Registers the fronts of <paramref name="manager"/>, which the caller starts and stops.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="manager">The fleet to serve.</param>
    /// <param name="adminToken">The secret that administration needs as Bearer token; null switches administration over HTTP off.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddFairlead(this IServiceCollection services, McpManager manager, string? adminToken = null)
    {
        services.AddSingleton(manager);
        return services.AddFronts(adminToken);
    }

    /// <summary>Registers the fronts of the manager that is registered.</summary>
    internal static IServiceCollection AddFronts(this IServiceCollection services, string? adminToken)
    {
        services.AddSingleton(provider =>
        {
            var manager = provider.GetRequiredService<McpManager>();
            var front = new McpFront(manager.Fleet, manager.Sweep, manager.Options, manager.State, provider.GetRequiredService<ILogger<McpFront>>(), manager.Audit);

            // While the servers can still be told: a call that waits for its client would keep the drain waiting, and its server would wait for ever for an answer.
            provider.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.Register(front.Parked.Dispose);
            return front;
        });
        services.AddSingleton(static provider => new DashboardSessions(provider.GetRequiredService<McpManager>().Sweep.TimeProvider));
        services.AddSingleton(provider => new AdminToken(adminToken, provider.GetRequiredService<DashboardSessions>()));
        services.AddSingleton<Presence>();
        services.AddSingleton<MetricsPage>();
        services.AddSingleton<RestApi>();
        return services;
    }

    /// <summary>Maps <c>/mcp</c>, <c>/mcp/{server}</c>, <c>/mcp/p/{profile}</c>, HTTP+SSE beside each (<c>/sse</c> with <c>/message</c>), <c>/health</c>, <c>/ready</c>, <c>/metrics</c>, <c>/api/v1</c> and <c>/dashboard/</c>. Every route checks Host and Origin; administration also needs the token.</summary>
    /// <param name="endpoints">Where to map.</param>
    /// <returns><paramref name="endpoints"/>.</returns>
    public static IEndpointRouteBuilder MapFairlead(this IEndpointRouteBuilder endpoints)
    {
        var front = endpoints.ServiceProvider.GetRequiredService<McpFront>();
        var mcp = new McpEndpoint(front);
        var routes = new GuardedRoutes(endpoints, front.Hosts, endpoints.ServiceProvider.GetRequiredService<AdminToken>(), front.Ports, new ChangeAudit(front.Audit, front.TimeProvider));
        routes.Map(null, "/mcp", RouteAccess.Open, mcp.HandleAsync, atOwnPorts: true);
        routes.Map(null, $"/mcp/{{{McpEndpoint.ServerRouteValue}}}", RouteAccess.Open, mcp.HandleAsync, atOwnPorts: true);
        var sse = new SseFront(front);
        routes.Map(null, "/sse", RouteAccess.Open, sse.StreamAsync, atOwnPorts: true);
        routes.Map(null, "/message", RouteAccess.Open, sse.MessageAsync, atOwnPorts: true);
        routes.Map(null, $"/mcp/{{{McpEndpoint.ServerRouteValue}}}/sse", RouteAccess.Open, sse.StreamAsync, atOwnPorts: true);
        routes.Map(null, $"/mcp/{{{McpEndpoint.ServerRouteValue}}}/message", RouteAccess.Open, sse.MessageAsync, atOwnPorts: true);
        routes.Map(null, $"/mcp/p/{{{McpEndpoint.ProfileRouteValue}}}", RouteAccess.Open, mcp.HandleAsync);
        routes.Map(null, $"/mcp/p/{{{McpEndpoint.ProfileRouteValue}}}/sse", RouteAccess.Open, sse.StreamAsync);
        routes.Map(null, $"/mcp/p/{{{McpEndpoint.ProfileRouteValue}}}/message", RouteAccess.Open, sse.MessageAsync);
        endpoints.ServiceProvider.GetRequiredService<RestApi>().Map(routes);
        return endpoints;
    }
}
