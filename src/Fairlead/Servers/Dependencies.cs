using Fairlead.Configuration;
using Fairlead.Routing;

namespace Fairlead.Servers;

/// <summary>The order that <c>dependsOn</c> asks for.</summary>
internal static class Dependencies
{
    /// <summary>Waits until every server that <paramref name="config"/> names takes calls.</summary>
    /// <param name="config">The server that wants to start.</param>
    /// <param name="fleet">Where the others are.</param>
    /// <param name="waiting">Told what is waited for, each time that changes.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null when all are up; else why waiting is of no use.</returns>
    public static async Task<string?> WaitAsync(ServerConfig config, Fleet fleet, Func<ServerState, string, Task> waiting, CancellationToken cancellationToken)
    {
        foreach (var name in config.DependsOn)
        {
            string? told = null;
            while (true)
            {
                if (!fleet.TryGet(name, out var cell))
                {
                    return $"it depends on '{name}', which is not part of the fleet; deploy that first or remove it from \"dependsOn\"";
                }

                var changed = cell.Changed;
                var snapshot = cell.Current;
                if (snapshot.IsCallable)
                {
                    break;
                }

                if (snapshot.State == ServerState.Idle)
                {
                    cell.Wake();
                }

                // A server whose turn will come is still starting; one that waits for a server out of order does not make its own callers wait.
                var reason = $"it waits for '{name}', which is {snapshot.State}";
                if (reason != told)
                {
                    told = reason;
                    await waiting(snapshot.IsWorthWaiting ? ServerState.Initializing : ServerState.Unhealthy, reason).ConfigureAwait(false);
                }

                await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        return null;
    }

    /// <summary>Sorts servers into groups: each depends only on servers of earlier groups, or of none of these. A circle ends up in the last group.</summary>
    public static IReadOnlyList<IReadOnlyList<T>> Levels<T>(IReadOnlyCollection<T> servers, Func<T, string> name, Func<T, IEnumerable<string>> dependsOn)
    {
        var levels = new List<IReadOnlyList<T>>();
        var left = servers.ToDictionary(name, StringComparer.Ordinal);
        while (left.Count != 0)
        {
            var free = left.Values.Where(server => !dependsOn(server).Any(left.ContainsKey)).ToList();
            free = free.Count == 0 ? [.. left.Values] : free;
            levels.Add(free);
            foreach (var server in free)
            {
                left.Remove(name(server));
            }
        }

        return levels;
    }

    /// <summary>Finds a way round in what servers depend on.</summary>
    /// <param name="name">Where to begin.</param>
    /// <param name="dependsOn">What a server depends on; empty for unknown ones.</param>
    /// <returns>The servers on the way round, the first again at the end; null when there is none.</returns>
    public static IReadOnlyList<string>? FindCircle(string name, Func<string, IEnumerable<string>> dependsOn)
    {
        var done = new HashSet<string>(StringComparer.Ordinal);
        return Walk(name, []);

        IReadOnlyList<string>? Walk(string at, List<string> way)
        {
            var before = way.IndexOf(at);
            if (before >= 0)
            {
                return [.. way[before..], at];
            }

            if (!done.Add(at))
            {
                return null;
            }

            way.Add(at);
            foreach (var next in dependsOn(at))
            {
                if (Walk(next, way) is { } circle)
                {
                    return circle;
                }
            }

            way.RemoveAt(way.Count - 1);
            return null;
        }
    }
}
