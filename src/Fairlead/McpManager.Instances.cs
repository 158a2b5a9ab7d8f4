namespace Fairlead;

/// <content>The instances of servers (product D7, D8).</content>
public sealed partial class McpManager
{
    /// <summary>What is known of each instance of a server at this moment: those that share its calls first, then those of single clients, warm ones, and those that start, are watched or leave.</summary>
    /// <param name="id">Which server's.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Empty when none runs and none is about to.</returns>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    public Task<IReadOnlyList<InstanceInfo>> ListInstancesAsync(string id, CancellationToken cancellationToken = default) =>
        CommandAsync(async () => (await _fleet.FindAsync(id, cancellationToken).ConfigureAwait(false)).ReadInstances(), cancellationToken);
}
