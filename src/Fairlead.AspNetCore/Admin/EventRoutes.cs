using System.Globalization;
using System.Text;
using System.Text.Json;
using Fairlead.AspNetCore.Auth;
using Fairlead.AspNetCore.Mcp;
using Fairlead.Health;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Admin;

/// <summary>What happens, as an event stream (product B5): one JSON object an event, with an id to come back with.</summary>
/// <param name="manager">Whose fleet.</param>
/// <param name="front">Its clock and limits.</param>
/// <param name="token">Lines of stderr are for administrators.</param>
/// <param name="stopping">Ends all streams.</param>
internal sealed class EventRoutes(McpManager manager, McpFront front, AdminToken token, CancellationToken stopping)
{
    private const string Shape = "An id looks like 1f2e3d4c-17; leave it out to be told only of what happens from now on.";

    /// <summary>Maps the route.</summary>
    public void Map(RestRoutes rest) => rest.Get("/api/v1/events", RouteAccess.Open, WatchAsync, ["types", "servers", "after"]);

    private async Task WatchAsync(HttpContext context)
    {
        var filter = new FleetEventFilter { Types = RestApi.Words(context, "types"), Servers = RestApi.Words(context, "servers") };
        if (filter.Wants(FleetEventType.Log) && !token.Accepts(context.Request.Headers.Authorization.ToString()))
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            throw new BadRequest("Lines of stderr (type log) need the admin token as Bearer token; it is in the file admin.token of the state folder.", StatusCodes.Status401Unauthorized, nameof(Unauthenticated));
        }

        var (after, gap) = Position(context);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        var events = manager.WatchEventsAsync(filter, after, ended.Token).GetAsyncEnumerator(ended.Token);
        await using (events.ConfigureAwait(false))
        {
            // Begun before the headers are sent: whoever has them misses nothing.
            var next = events.MoveNextAsync().AsTask();
            try
            {
                if (!HttpMethods.IsHead(context.Request.Method))
                {
                    next = await SendAsync(context, events, next, gap, ended.Token).ConfigureAwait(false);
                }
            }
            finally
            {
                // An enumerator must not be disposed of while it moves.
                await ended.CancelAsync().ConfigureAwait(false);
                await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <returns>The move that nobody has waited for.</returns>
    private async Task<Task<bool>> SendAsync(HttpContext context, IAsyncEnumerator<FleetEvent> events, Task<bool> next, FleetEvent? gap, CancellationToken ended)
    {
        try
        {
            var stream = await SseResponse.StartAsync(context, front).ConfigureAwait(false);
            var isThere = gap is null || await stream.WriteAsync(Bytes(gap), Id(gap)).ConfigureAwait(false);
            while (isThere)
            {
                if (!next.IsCompleted)
                {
                    await KeepAlive.UntilAsync(next, stream.WriteKeepAliveAsync, front.TimeProvider, ended).ConfigureAwait(false);
                }

                // A client that is gone has cancelled it.
                await next.ConfigureAwait(false);
                isThere = await stream.WriteAsync(Bytes(events.Current), Id(events.Current)).ConfigureAwait(false);
                next = events.MoveNextAsync().AsTask();
            }
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The client has gone, or Fairlead stops: either way the stream ends here.
        }

        return next;
    }

    private static byte[] Bytes(FleetEvent one)
    {
        if (one.Check is not { } check)
        {
            return JsonSerializer.SerializeToUtf8Bytes(one, RestApi.Json);
        }

        // A check is shown as everywhere in the API: its time in milliseconds.
        var told = JsonSerializer.SerializeToNode(one with { Check = null }, RestApi.Json)!.AsObject();
        told["check"] = JsonSerializer.SerializeToNode(HealthCheckView.Of(check), RestApi.Json);
        return JsonSerializer.SerializeToUtf8Bytes(told, RestApi.Json);
    }

    private byte[] Id(FleetEvent one) => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{manager.Events.Run}-{one.Number}"));

    /// <summary>Where the client left off, and what it must be told when that was in another run.</summary>
    private (long? After, FleetEvent? Gap) Position(HttpContext context)
    {
        var id = context.Request.Query["after"].ToString();
        id = id.Length == 0 ? context.Request.Headers["Last-Event-ID"].ToString() : id;
        if (id.Length == 0)
        {
            return (null, null);
        }

        var dash = id.IndexOf('-', StringComparison.Ordinal);
        if (dash < 1 || !long.TryParse(id.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            throw new BadRequest($"after = '{id}' is no id of an event. {Shape}");
        }

        return id.AsSpan(0, dash).SequenceEqual(manager.Events.Run)
            ? (number, null)
            : (0, new FleetEvent { Type = FleetEventType.Gap, At = front.TimeProvider.GetUtcNow(), Reason = "Fairlead was started again meanwhile" });
    }
}
