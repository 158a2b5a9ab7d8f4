using Fairlead.Guards;
using Fairlead.Processes;
using Fairlead.Routing;
using Fairlead.Upstreams;

namespace Fairlead.Servers;

/// <summary>A place for an instance, and how it is filled at one moment.</summary>
/// <param name="Connection">Ready; null while it starts, or is lost.</param>
/// <param name="Failure">Why it takes no calls; null while it does, or starts for the first time.</param>
/// <param name="Restarts">How often it was filled anew after a failure.</param>
/// <param name="NextRetry">When that is tried again; null when it is not planned.</param>
internal readonly record struct InstancePlace(UpstreamConnection? Connection, string? Failure, int Restarts = 0, DateTimeOffset? NextRetry = null);

/// <summary>Tells of all instances of a server what each is there for.</summary>
/// <remarks>The sweep knows every connection that is open; whose it is, those know who keep them. Read one after the other: an instance that changes hands meanwhile is told as it was before or after.</remarks>
internal static class InstanceReading
{
    /// <summary>What is known at this moment. Any thread.</summary>
    /// <param name="snapshot">The server.</param>
    /// <param name="open">All its connections.</param>
    /// <param name="others">The places beside the first one that share its calls.</param>
    /// <param name="own">The places of single owners.</param>
    /// <param name="warm">Those that wait for owners.</param>
    /// <returns>Those that share the calls first, the first one at their head; in each role the oldest first.</returns>
    public static IReadOnlyList<InstanceInfo> Read(
        ServerSnapshot snapshot, IEnumerable<UpstreamConnection> open, IReadOnlyList<InstancePlace> others, IReadOnlyList<InstancePlace> own, IReadOnlyCollection<UpstreamConnection> warm)
    {
        var instances = new List<InstanceInfo>();
        var told = new HashSet<UpstreamConnection>();
        if (snapshot.Shared is { } first)
        {
            told.Add(first);
            instances.Add(Of(first, InstanceRole.Shared, snapshot.State, snapshot.Reason, snapshot.Restarts));
        }
        else if (snapshot is { State: ServerState.Unhealthy, NextRetry: not null })
        {
            instances.Add(new InstanceInfo { Role = InstanceRole.Shared, State = snapshot.State, Reason = snapshot.Reason, Restarts = snapshot.Restarts, NextRetry = snapshot.NextRetry });
        }

        Add(InstanceRole.Shared, others);
        Add(InstanceRole.Own, own);
        foreach (var connection in open.Where(connection => !connection.Lost.IsCompleted && told.Add(connection)).OrderBy(static connection => connection.Number))
        {
            instances.Add(
                warm.Contains(connection) ? Of(connection, InstanceRole.Warm, ServerState.Idle, "it waits for a client that needs an instance of its own")
                : connection.Pending.IsClosed ? Of(connection, InstanceRole.Leaving, ServerState.Stopped, "it ends when its calls have ended")
                : connection.Guard is InstanceGuard { Trial: not null } || snapshot.Trial?.Connection == connection ? Of(connection, InstanceRole.Trial, ServerState.Healthy, "it is watched by a rollout")
                : Of(connection, InstanceRole.Starting, ServerState.Initializing, "it is starting"));
        }

        return [.. instances.OrderBy(static instance => instance.Role)];

        void Add(InstanceRole role, IReadOnlyList<InstancePlace> places)
        {
            foreach (var place in places)
            {
                if (place.Connection is { } connection)
                {
                    if (told.Add(connection))
                    {
                        instances.Add(Of(connection, role, place.Failure is null ? ServerState.Healthy : ServerState.Unhealthy, place.Failure, place.Restarts));
                    }
                }
                else if (place.Failure is not null)
                {
                    instances.Add(new InstanceInfo { Role = role, State = ServerState.Unhealthy, Reason = place.Failure, Restarts = place.Restarts, NextRetry = place.NextRetry });
                }
            }
        }
    }

    private static InstanceInfo Of(UpstreamConnection connection, InstanceRole role, ServerState state, string? reason, int restarts = 0)
    {
        var (guard, processId) = (connection.Guard as InstanceGuard, connection.Child?.Id);
        return new InstanceInfo
        {
            Id = connection.Number,
            Role = role,
            State = state,
            Reason = reason,
            ProcessId = processId,
            MemoryBytes = processId is { } id ? ProcessMemory.Of(id) : null,
            StartedAt = connection.StartedAt,
            Restarts = restarts,
            CallsInFlight = guard?.InFlight ?? 0,
            Circuit = guard?.Breaker.State ?? CircuitState.Closed,
        };
    }
}
