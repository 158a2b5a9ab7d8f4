using Fairlead.Events;

namespace Fairlead;

/// <content>What happens, as it happens (product B5).</content>
public sealed partial class McpManager
{
    /// <summary>Told of what happens, and tells it.</summary>
    internal FleetEvents Events => _resources.Events;

    /// <summary>Tells what happens in the fleet, from here on until cancelled, in order. Several may watch; nobody holds up anybody.</summary>
    /// <param name="filter">What is wanted; null = everything but calls, health checks and lines of stderr, which must be named.</param>
    /// <param name="after">First the events that are kept with a higher <see cref="FleetEvent.Number"/>: up to 4 096, of this run. Null = none.</param>
    /// <param name="cancellationToken">Ends it: the enumeration then throws <see cref="OperationCanceledException"/>.</param>
    /// <returns>Events. Whoever reads more slowly than they come misses some, and is told by one of the type <see cref="FleetEventType.Gap"/> in their place.</returns>
    /// <exception cref="InvalidConfiguration">The filter names a type that does not exist.</exception>
    public IAsyncEnumerable<FleetEvent> WatchEventsAsync(FleetEventFilter? filter = null, long? after = null, CancellationToken cancellationToken = default)
    {
        filter ??= new FleetEventFilter();
        return filter.Unknown() is { } unknown
            ? throw new InvalidConfiguration($"There are no events of the type '{unknown}'. There are: {string.Join(", ", FleetEventType.All)}; \"server\" means all that begin with it.")
            : Events.WatchAsync(filter, after, cancellationToken);
    }
}
