using Fairlead.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Fairlead.AspNetCore;

/// <summary>Tells the health checks of an application how its servers are (docs/guides/developer.md, Health checks). They ask no server: what Fairlead's own checks found is told.</summary>
public static class FairleadHealthChecks
{
    /// <summary>Adds a check of the whole fleet, or of one server. The application has the fleet by one of the <c>AddFairlead</c> of its services.</summary>
    /// <remarks>
    /// The fleet is Healthy when every server is Healthy or Idle, Degraded when some are not, and Unhealthy when none of them is of any use or Fairlead is stopping. Servers that somebody switched
    /// off (Disabled, Stopped, Maintenance) do not count. One server is Healthy when it is Healthy or Idle, Degraded while it is Degraded or Initializing, and Unhealthy in any other
    /// state, also when there is none of this name. The data of the result has an entry for each server, with <c>state</c> and <c>reason</c>.
    /// </remarks>
    /// <param name="builder">The application's checks.</param>
    /// <param name="server">The server's name; null = the fleet.</param>
    /// <param name="name">The name of the check; null = <c>fairlead</c>, or <c>fairlead:SERVER</c>.</param>
    /// <param name="failureStatus">What is said instead of Unhealthy; null = Unhealthy.</param>
    /// <param name="tags">By which checks are chosen; null = none.</param>
    public static IHealthChecksBuilder AddFairlead(
        this IHealthChecksBuilder builder, string? server = null, string? name = null, HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new HealthCheckRegistration(
            name ?? (server is null ? "fairlead" : $"fairlead:{server}"),
            provider => new FleetHealthCheck(provider.GetRequiredService<McpManager>(), server), failureStatus, tags));
    }

    /// <summary>Reads the states that the fleet publishes; asks nobody and waits for nothing.</summary>
    private sealed class FleetHealthCheck(McpManager manager, string? server) : IHealthCheck
    {
        private const int NamedMax = 5;

        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            var cells = manager.Fleet.Current.InOrder.Where(cell => server is null || cell.Name == server).Select(static cell => (cell.Name, Snapshot: cell.Current)).ToList();
            var data = cells.ToDictionary(
                static cell => cell.Name,
                object (cell) => new Dictionary<string, string?>(StringComparer.Ordinal)
                {
                    ["state"] = cell.Snapshot.State.ToString(), ["reason"] = manager.Redactor.Redact(cell.Snapshot.Reason),
                },
                StringComparer.Ordinal);
            var counted = server is null ? cells.Where(static cell => !IsOff(cell.Snapshot.State)).ToList() : cells;
            var found = counted.Select(static cell => Of(cell.Snapshot.State)).ToList();
            var status = manager.Fleet.IsShuttingDown || (server is not null && found.Count == 0) ? HealthStatus.Unhealthy
                : found.Count == 0 || found.TrueForAll(static one => one == HealthStatus.Healthy) ? HealthStatus.Healthy
                : found.TrueForAll(static one => one == HealthStatus.Unhealthy) ? HealthStatus.Unhealthy
                : HealthStatus.Degraded;
            var flawed = counted.Where(static cell => Of(cell.Snapshot.State) != HealthStatus.Healthy).Select(static cell => cell.Snapshot).ToList();
            return Task.FromResult(new HealthCheckResult(
                status == HealthStatus.Unhealthy ? context.Registration.FailureStatus : status, manager.Redactor.Redact(Describe(counted.Count, flawed)), data: data));
        }

        private static bool IsOff(ServerState state) => state is ServerState.Disabled or ServerState.Stopped or ServerState.Maintenance;

        private static HealthStatus Of(ServerState state) => state switch
        {
            ServerState.Healthy or ServerState.Idle => HealthStatus.Healthy,
            ServerState.Degraded or ServerState.Initializing => HealthStatus.Degraded,
            _ => HealthStatus.Unhealthy,
        };

        private string Describe(int count, List<ServerSnapshot> flawed)
        {
            if (manager.Fleet.IsShuttingDown)
            {
                return "Fairlead is stopping.";
            }

            if (server is not null && count == 0)
            {
                return $"There is no server '{server}'.";
            }

            var names = string.Join("; ", flawed.Take(NamedMax).Select(static one => $"{one.Config.Name} is {one.State}{(one.Reason is null ? "" : $": {one.Reason}")}"));
            return flawed.Count == 0
                ? $"{count} {(count == 1 ? "server is" : "servers are")} well."
                : $"{flawed.Count} of {count} {(count == 1 ? "server" : "servers")}: {names}{(flawed.Count > NamedMax ? "; ..." : "")}";
        }
    }
}
