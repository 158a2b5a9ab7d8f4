using Fairlead.Configuration;
using Fairlead.Routing;

namespace Fairlead.Health;

/// <summary>Answers questions about a server's health that are asked between its periodic checks. Changes nothing: what it finds is not counted.</summary>
internal static class HealthProbe
{
    private static readonly string s_protocol = OptionWords.Word(HealthCheckKind.Protocol);

    /// <summary>Asks the server in its protocol, within the health check's time-out. One that takes no calls is not asked.</summary>
    public static async Task<ServerHealth> AskAsync(ServerCell cell, TimeProvider time, CancellationToken cancellationToken)
    {
        var health = ServerHealth.From(cell);
        return health.IsHealthy ? await AskAsync(cell, health, time, cancellationToken).ConfigureAwait(false) : health;
    }

    /// <summary>Looks to a depth. Only the deep look asks the server, also one that is Unhealthy by its checks.</summary>
    public static async Task<ServerHealth> LookAsync(ServerCell cell, HealthDepth depth, TimeProvider time, CancellationToken cancellationToken)
    {
        var health = ServerHealth.From(cell);
        var snapshot = cell.Current;
        var stands = snapshot.Shared is { Lost.IsCompleted: false };
        switch (depth)
        {
            case HealthDepth.Live:
                return health with { IsHealthy = stands || snapshot.IsWorthWaiting };
            case HealthDepth.Started:
                return health with { IsHealthy = stands };
            case HealthDepth.Ready:
                return health with { IsHealthy = stands && snapshot.IsCallable };
        }

        if (!stands)
        {
            return health with { IsHealthy = false };
        }

        var asked = await AskAsync(cell, health, time, cancellationToken).ConfigureAwait(false);
        return asked.IsHealthy && await FindFlawAsync(cell, cancellationToken).ConfigureAwait(false) is { } flaw ? asked with { IsHealthy = false, Reason = flaw }
            : asked with { IsHealthy = asked.IsHealthy && snapshot.IsCallable };
    }

    private static async Task<ServerHealth> AskAsync(ServerCell cell, ServerHealth health, TimeProvider time, CancellationToken cancellationToken)
    {
        if (cell.Current.Shared is not { } connection)
        {
            return health with { IsHealthy = false };
        }

        var started = time.GetTimestamp();
        var finding = await ProtocolCheck.AskAsync(connection, LimitOf(cell), cancellationToken).ConfigureAwait(false);
        return finding.IsGood
            ? health with { IsHealthy = true, ResponseTime = finding.Reason is null ? time.GetElapsedTime(started) : null }
            : health with { IsHealthy = false, Reason = finding.Reason };
    }

    /// <summary>What speaks against a server that has answered in its protocol; null when nothing does.</summary>
    private static async Task<string?> FindFlawAsync(ServerCell cell, CancellationToken cancellationToken)
    {
        if (cell.Current.Shared is { } connection
            && await ProtocolCheck.ListToolsAsync(connection, LimitOf(cell), cancellationToken).ConfigureAwait(false) is { IsGood: false } list)
        {
            return list.Reason;
        }

        foreach (var check in cell.Health.Checks.Where(static check => check.Kind != s_protocol))
        {
            if (await check.RunAsync(cancellationToken).ConfigureAwait(false) is { IsGood: false } finding)
            {
                return finding.Reason;
            }
        }

        return null;
    }

    private static TimeSpan LimitOf(ServerCell cell) => TimeSpan.FromMilliseconds(cell.Current.Config.HealthCheck.TimeoutMs);
}
