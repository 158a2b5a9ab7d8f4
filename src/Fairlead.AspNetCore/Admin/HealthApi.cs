using Fairlead.AspNetCore.Auth;
using Fairlead.Configuration;
using Fairlead.Health;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Admin;

/// <summary>The part of the API that tells how servers are, and the probes of the gateway itself for whoever runs it (Kubernetes and the like).</summary>
internal sealed class HealthApi(McpManager manager)
{
    private const string History = "history";

    private static readonly (string Word, HealthDepth Depth)[] s_depths = [.. Enum.GetValues<HealthDepth>().Select(static depth => (OptionWords.Word(depth), depth))];

    /// <summary>Maps its routes.</summary>
    /// <param name="rest">Where to.</param>
    /// <param name="ready">What answers whether the gateway is ready.</param>
    public void Map(RestRoutes rest, RequestDelegate ready)
    {
        rest.Get("/health/live", RouteAccess.Open, static context => RestApi.WriteAsync(context, StatusCodes.Status200OK, new { live = true }));
        rest.Get("/health/ready", RouteAccess.Open, ready);
        rest.Get("/health/startup", RouteAccess.Open, StartupAsync);
        rest.Get("/api/v1/health", RouteAccess.Open, ListAsync, Paging.Parameters);
        rest.Get("/api/v1/servers/{id}/health", RouteAccess.Open, GetAsync, ["depth"]);
    }

    /// <summary>Started: what the first lists wait for is over. Stays so, also while stopping.</summary>
    private Task StartupAsync(HttpContext context)
    {
        var started = manager.Fleet.FirstListWait.IsCompleted;
        return RestApi.WriteAsync(context, StatusOf(started), new { started });
    }

    private Task ListAsync(HttpContext context)
    {
        var (cells, nextCursor) = Paging.Of(context, "health", manager.Fleet.Current.InOrder, static cell => cell.Name);
        return RestApi.WriteAsync(context, StatusCodes.Status200OK, new { servers = cells.Select(static cell => HealthView.Of(ServerHealth.From(cell), withChecks: false)), nextCursor });
    }

    private async Task GetAsync(HttpContext context)
    {
        var cell = RestApi.Require(manager.Fleet, context);
        var word = context.Request.Query["depth"].ToString();
        var isKnown = s_depths.Any(known => known.Word == word);
        if (word.Length != 0 && word != History && !isKnown)
        {
            throw new BadRequest($"depth = '{word}' is unknown; use {string.Join(", ", s_depths.Select(static known => known.Word))} or {History}, or leave it out for ready.");
        }

        var depth = isKnown ? s_depths.First(known => known.Word == word).Depth : HealthDepth.Ready;
        var health = await manager.GetServerHealthAsync(cell.Name, depth, context.RequestAborted).ConfigureAwait(false);
        await RestApi.WriteAsync(context, StatusOf(health.IsHealthy), HealthView.Of(health, word == History)).ConfigureAwait(false);
    }

    private static int StatusOf(bool isGood) => isGood ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
}
