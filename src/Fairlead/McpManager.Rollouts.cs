using Fairlead.Configuration;

namespace Fairlead;

/// <content>Rollouts (product A9).</content>
public sealed partial class McpManager
{
    /// <summary>Replaces the instances of a server that serves, by the rules of its configuration or others: by fresh ones of the same configuration, as after its program was updated, or by those of a changed
    /// one. Completes when the fresh ones take part in serving; they are watched from then on, and undone when they break a rule.</summary>
    /// <param name="id">Which.</param>
    /// <param name="rules">How; null = the <c>rollout</c> of the configuration.</param>
    /// <param name="config">The changed configuration, copied; its name must be the same or empty. Null = as it is.</param>
    /// <param name="cancellationToken">Ends the wait, not the rollout.</param>
    /// <returns>The rollout as it then is.</returns>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    /// <exception cref="InvalidConfiguration">A rule of configurations is broken, or the name differs.</exception>
    /// <exception cref="DeploymentFailed">The server does not serve, or the fresh instances could not be started; what ran before still runs.</exception>
    public Task<RolloutInfo> StartRolloutAsync(string id, RolloutOptions? rules = null, ServerConfig? config = null, CancellationToken cancellationToken = default)
    {
        var copy = config?.Copy();
        var how = rules is null ? null : OptionsShape.Copy(rules);
        return ChangeAsync(
            "rollout start", id, null,
            async () =>
            {
                await _live.StartRolloutAsync(id, copy, how, null, cancellationToken).ConfigureAwait(false);
                return (await _fleet.FindAsync(id, cancellationToken).ConfigureAwait(false)).ReadRollouts()[0];
            },
            cancellationToken);
    }

    /// <summary>The last rollouts of a server since Fairlead was started, at most 20, the latest first.</summary>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    public Task<IReadOnlyList<RolloutInfo>> GetRolloutsAsync(string id, CancellationToken cancellationToken = default) => CommandAsync<IReadOnlyList<RolloutInfo>>(
        async () => (await _fleet.FindAsync(id, cancellationToken).ConfigureAwait(false)).ReadRollouts(), cancellationToken);

    /// <summary>Ends the watch of a rollout that runs: a canary or a shadow takes over, a change that has taken over stays.</summary>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    /// <exception cref="DeploymentFailed">None runs, or it is not watched yet.</exception>
    public Task PromoteRolloutAsync(string id, CancellationToken cancellationToken = default) => OrderRolloutAsync("rollout promote", id, undo: null, cancellationToken);

    /// <summary>Undoes a rollout that runs: what ran before serves.</summary>
    /// <param name="id">Which server's.</param>
    /// <param name="reason">Why, in words; null = that it was done by hand.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    /// <exception cref="DeploymentFailed">None runs, or it cannot be undone at this moment.</exception>
    public Task AbortRolloutAsync(string id, string? reason = null, CancellationToken cancellationToken = default) =>
        OrderRolloutAsync("rollout abort", id, string.IsNullOrWhiteSpace(reason) ? "it was aborted by hand" : reason.Trim(), cancellationToken);

    private Task<bool> OrderRolloutAsync(string what, string id, string? undo, CancellationToken cancellationToken) => ChangeAsync(
        what, id, null,
        async () =>
        {
            await (await _fleet.FindAsync(id, cancellationToken).ConfigureAwait(false)).OrderRolloutAsync(undo, cancellationToken).ConfigureAwait(false);
            return true;
        },
        cancellationToken);
}
