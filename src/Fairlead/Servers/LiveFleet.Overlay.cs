using Fairlead.Configuration;
using Fairlead.Routing;

namespace Fairlead.Servers;

/// <content>What people do to servers by hand, over what is declared.</content>
internal sealed partial class LiveFleet
{
    /// <summary>Whether a server is disabled by its configuration, whatever was done by hand.</summary>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    public async Task<bool> IsDeclaredDisabledAsync(string id, CancellationToken cancellationToken) =>
        _declared.TryGetValue((await _fleet.FindAsync(id, cancellationToken).ConfigureAwait(false)).Id, out var config) && config.Disabled;

    /// <summary>Does something to a server by hand. The change is in force when this returns; calls in flight on an instance that it ends may end within the drain grace.</summary>
    /// <param name="id">Which.</param>
    /// <param name="change">From what was done before to what is done from here on. May throw, which changes nothing.</param>
    /// <param name="ifVersions">Only when it is in one of these versions; null = in any.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="first">What is done to the server before it is kept, and only when the change may be made.</param>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    /// <exception cref="PreconditionFailed">It is in another version.</exception>
    public async Task ChangeByHandAsync(string id, Func<ServerOverlay, ServerSnapshot, ServerOverlay> change, IReadOnlyList<string>? ifVersions, CancellationToken cancellationToken, Func<ServerActor, Task>? first = null)
    {
        using (await EnterAsync(cancellationToken).ConfigureAwait(false))
        {
            var server = await _fleet.FindAsync(id, cancellationToken).ConfigureAwait(false);
            var now = await server.ReadAsync(cancellationToken).ConfigureAwait(false);
            _versions.Require(_declared[server.Id], ifVersions);
            var before = _file.OverlayOf(server.Id);
            var after = change(before, now);
            if (first is not null)
            {
                await first(server).ConfigureAwait(false);
            }

            if (after != before)
            {
                _file.Keep(server.Id, after);
                _versions.ChangedByHand(server.Id);
            }

            // What serves gets it at once; a change that is under way gets it when it is in force.
            await ApplyByHandAsync(server.Id, _origins.TryGetValue(now.Config, out var serves) ? serves : _declared[server.Id], cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>In a turn: brings a server in line with what was done to it by hand.</summary>
    /// <param name="id">Which.</param>
    /// <param name="serves">What it serves from, as declared.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    private async Task ApplyByHandAsync(string id, ServerConfig serves, CancellationToken cancellationToken)
    {
        await _fleet.UpdateAsync(id, WithOverlay(serves), cancellationToken, isByHand: true).ConfigureAwait(false);
        await _resources.Catalogue.RefreshAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A declared configuration with what was done by hand, for the server's actor: an object that is used for nothing else.</summary>
    private ServerConfig WithOverlay(ServerConfig declared)
    {
        var applied = _file.OverlayOf(declared.Name).ApplyTo(declared);
        _origins.AddOrUpdate(applied, declared);
        return applied;
    }
}
