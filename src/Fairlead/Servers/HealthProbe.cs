using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Servers;

/// <summary>Asks a server whether it lives.</summary>
internal static class HealthProbe
{
    /// <summary>Sends a ping (server/discover to modern servers, which have no ping) and waits at most the health check's time-out. Any answer counts, an error too: it came.</summary>
    public static async Task<ServerHealth> AskAsync(ServerSnapshot snapshot, TimeProvider time, CancellationToken cancellationToken)
    {
        var health = new ServerHealth
        {
            Id = snapshot.Config.Name,
            IsHealthy = false,
            State = snapshot.State,
            Reason = snapshot.Reason,
            Since = snapshot.Since,
            LastFailure = snapshot.LastFailure,
            NextRetry = snapshot.NextRetry,
        };
        if (!snapshot.IsCallable)
        {
            return health;
        }

        var started = time.GetTimestamp();
        var connection = snapshot.Shared!;
        var modern = connection.Identity.IsModern;
        var answer = await ControlRequest.SendAsync(
            connection, modern ? McpMethod.ServerDiscover : McpMethod.Ping, default, modern, TimeSpan.FromMilliseconds(snapshot.Config.HealthCheck.TimeoutMs), cancellationToken).ConfigureAwait(false);
        return answer.Error == ForwardError.None
            ? health with { IsHealthy = true, ResponseTime = time.GetElapsedTime(started) }
            : health with { Reason = answer.Describe() };
    }
}
