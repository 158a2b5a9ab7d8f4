using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.Diagnostics;
using Fairlead.Rollouts;
using Fairlead.Routing;
using Microsoft.Extensions.Logging;

namespace Fairlead.Servers;

/// <summary>Changes the fleet while it serves: who owns each server, what was done to it by hand, and what a changed configuration means (product A8, decision 14).</summary>
/// <remarks>
/// Owns the configurations as they were declared, without what was done by hand; actors get both together. One change at a time is decided, so that decisions reach
/// the actors in their order; nothing that takes long (a start, a drain) is waited for meanwhile, so that a server that hangs never stands in the way of its own correction.
/// </remarks>
#pragma warning disable CA1001 // Its semaphore never makes a wait handle, so there is nothing to dispose of; disposed, it would fail whoever leaves his turn during the shutdown.
internal sealed partial class LiveFleet
#pragma warning restore CA1001 // As above.
{
    private readonly FleetActor _fleet;
    private readonly FleetResources _resources;
    private readonly Func<string, Task> _remove;
    private readonly FleetFile _file;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly ConcurrentDictionary<string, ServerConfig> _declared = new(StringComparer.Ordinal);

    // Of what was given to the actors: what it was declared as.
    private readonly ConditionalWeakTable<ServerConfig, ServerConfig> _origins = [];
    private readonly ConfigurationVersions _versions = new();
    private IReadOnlyList<string> _allowedCommands;

    /// <summary>Reads what an earlier run has kept; deploys nothing yet.</summary>
    /// <param name="fleet">Which servers there are.</param>
    /// <param name="resources">What all servers share.</param>
    /// <param name="remove">Undeploys a server; completes when its processes are gone.</param>
    public LiveFleet(FleetActor fleet, FleetResources resources, Func<string, Task> remove)
    {
        _fleet = fleet;
        _resources = resources;
        _remove = remove;
        _logger = resources.Loggers.CreateLogger("Fairlead.Servers");
        _file = new FleetFile(resources.State, _logger);
        _allowedCommands = [.. resources.Options.AllowedCommands];
    }

    /// <summary>Deploys the servers of the configuration, all or none, then those that were deployed over the API in an earlier run.</summary>
    /// <exception cref="InvalidConfiguration">A server of the configuration breaks a rule; none is deployed.</exception>
    public async Task BeginAsync(CancellationToken cancellationToken)
    {
        using var turn = await EnterAsync(cancellationToken).ConfigureAwait(false);
        await DeployAsync([.. _resources.Options.Servers.Select(static server => server.Copy())], ServerOwner.File, cancellationToken).ConfigureAwait(false);
        foreach (var (id, entry) in _file.Entries)
        {
            try
            {
                var (config, _) = Read(entry);
                await DeployAsync([config], ServerOwner.Api, cancellationToken).ConfigureAwait(false);
            }
            catch (McpException exception) when (exception is not RuntimeShutdown)
            {
                LogNotRestored(_logger, id, exception.Message);
            }
        }
    }

    /// <summary>Deploys a server for the program that uses the manager.</summary>
    public async Task<string> DeployAsync(ServerConfig config, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> ids;
        Task shown;
        using (await EnterAsync(cancellationToken).ConfigureAwait(false))
        {
            (ids, shown) = await BeginDeployAsync([config], ServerOwner.Code, cancellationToken).ConfigureAwait(false);
        }

        // After the turn: many that are deployed at the same time are shown together.
        await shown.ConfigureAwait(false);
        return ids[0];
    }

    /// <summary>Deploys a server that is kept over restarts.</summary>
    /// <param name="entry">One server in the words of the configuration, with its name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Its id, and what looks odd in the entry.</returns>
    public async Task<(string Id, IReadOnlyList<ConfigurationError> Warnings)> DeployEntryAsync(string entry, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> ids;
        Task shown;
        ServerEntryResult result;
        using (await EnterAsync(cancellationToken).ConfigureAwait(false))
        {
            (var config, result) = Read(entry);
            CheckCommand(config);
            (ids, shown) = await BeginDeployAsync([config], ServerOwner.Api, cancellationToken).ConfigureAwait(false);
            _file.Keep(ids[0], entry, HoldsSecrets(entry, result));
        }

        await shown.ConfigureAwait(false);
        LogDeployed(_logger, ids[0]);
        return (ids[0], result.Warnings);
    }

    /// <summary>Changes a server for the program that uses the manager.</summary>
    public async Task UpdateAsync(string id, ServerConfig config, CancellationToken cancellationToken)
    {
        Update update;
        using (await EnterAsync(cancellationToken).ConfigureAwait(false))
        {
            update = await BeginUpdateAsync((await _fleet.FindAsync(id, cancellationToken).ConfigureAwait(false)).Id, config, cancellationToken).ConfigureAwait(false);
        }

        await update.Begun.ConfigureAwait(false);
    }

    /// <summary>Replaces the instances of a server that serves, by fresh ones of the same configuration or by those of a changed one. Completes when the fresh ones take part in serving.</summary>
    /// <param name="id">Which.</param>
    /// <param name="config">The changed configuration; null = as it is.</param>
    /// <param name="rules">How; null = as the configuration says.</param>
    /// <param name="ifVersions">Only when it is in one of these versions; null = in any.</param>
    /// <param name="cancellationToken">Ends the wait, not the rollout.</param>
    /// <exception cref="DeploymentFailed">It does not serve, or the fresh ones could not be started.</exception>
    /// <exception cref="PreconditionFailed">It is in another version.</exception>
    public async Task StartRolloutAsync(string id, ServerConfig? config, RolloutOptions? rules, IReadOnlyList<string>? ifVersions, CancellationToken cancellationToken)
    {
        Update update;
        using (await EnterAsync(cancellationToken).ConfigureAwait(false))
        {
            var server = await _fleet.FindAsync(id, cancellationToken).ConfigureAwait(false);
            _versions.Require(_declared[server.Id], ifVersions);
            config ??= SameAs(_declared[server.Id]);
            update = await BeginUpdateAsync(server.Id, config, cancellationToken, rules ?? config.Rollout).ConfigureAwait(false);
        }

        await update.Begun.ConfigureAwait(false);
    }

    /// <summary>Changes a server that was deployed over the API.</summary>
    /// <param name="id">Which.</param>
    /// <param name="entry">The whole entry; its name may be left out.</param>
    /// <param name="rules">How it is rolled out, whether it must be or not; null = as the entry says, where other instances are needed.</param>
    /// <param name="ifVersions">Only when it is in one of these versions; null = in any.</param>
    /// <param name="cancellationToken">Ends the wait, not the update.</param>
    /// <exception cref="OwnedElsewhere">It was not deployed over the API.</exception>
    /// <exception cref="PreconditionFailed">It is in another version.</exception>
    public async Task<IReadOnlyList<ConfigurationError>> UpdateEntryAsync(string id, string entry, RolloutOptions? rules, IReadOnlyList<string>? ifVersions, CancellationToken cancellationToken)
    {
        Update update;
        ServerEntryResult result;
        string name;
        using (await EnterAsync(cancellationToken).ConfigureAwait(false))
        {
            name = (await RequireOwnAsync(id, ifVersions, cancellationToken).ConfigureAwait(false)).Id;
            (var config, result) = Read(entry, name);
            CheckCommand(config);
            update = await BeginUpdateAsync(name, config, cancellationToken, rules).ConfigureAwait(false);
        }

        await update.Begun.ConfigureAwait(false);
        var keeping = KeepWhenInForceAsync(name, entry, HoldsSecrets(entry, result), update);
        if (update.Change.InForce.IsCompleted)
        {
            await keeping.ConfigureAwait(false);
        }
        else
        {
            _ = _resources.Work.Run(() => keeping);
        }

        return result.Warnings;
    }

    /// <summary>A restart must not bring back what could not be started, nor what was undone.</summary>
    private async Task KeepWhenInForceAsync(string id, string entry, bool isSecret, Update update)
    {
        if (await update.Change.InForce.ConfigureAwait(false) is not null)
        {
            return;
        }

        string? before;
        using (await EnterAsync(CancellationToken.None).ConfigureAwait(false))
        {
            before = _file.Entries.GetValueOrDefault(id);
            if (IsWanted(id, update.Config))
            {
                _file.Keep(id, entry, isSecret);
            }
        }

        if (!update.Change.Settled.IsCompleted)
        {
            _ = _resources.Work.Run(async () =>
            {
                if (await update.Change.Settled.ConfigureAwait(false) is not null && before is not null)
                {
                    using var turn = await EnterAsync(CancellationToken.None).ConfigureAwait(false);
                    if (_file.Entries.TryGetValue(id, out var kept) && (kept == entry || StartsTheSame(kept, id, update.Config)))
                    {
                        _file.Keep(id, before, HoldsSecrets(before, ConfigurationLoader.LoadServer(before, id, _resources.Options)));
                    }
                }
            });
        }
    }

    /// <summary>Removes a server that was deployed over the API. Completes when its processes are gone.</summary>
    /// <inheritdoc cref="UpdateEntryAsync"/>
    public async Task UndeployEntryAsync(string id, IReadOnlyList<string>? ifVersions, CancellationToken cancellationToken)
    {
        Task removal;
        using (await EnterAsync(cancellationToken).ConfigureAwait(false))
        {
            removal = Remove((await RequireOwnAsync(id, ifVersions, cancellationToken).ConfigureAwait(false)).Id);
        }

        await removal.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes a server for the program that uses the manager, whoever owns it.</summary>
    public async Task UndeployAsync(string id, CancellationToken cancellationToken)
    {
        Task removal;
        using (await EnterAsync(cancellationToken).ConfigureAwait(false))
        {
            removal = Remove((await _fleet.FindAsync(id, cancellationToken).ConfigureAwait(false)).Id);
        }

        await removal.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Brings the servers of the configuration in line with a changed one; servers that others own are not touched.</summary>
    /// <param name="next">The changed configuration.</param>
    /// <param name="cancellationToken">Ends the wait, not the changes.</param>
    /// <exception cref="InvalidConfiguration">A server breaks a rule; nothing is changed.</exception>
    public async Task<ReloadDifferences> ReloadAsync(FairleadOptions next, CancellationToken cancellationToken)
    {
        Reload reload;
        using (await EnterAsync(cancellationToken).ConfigureAwait(false))
        {
            reload = new Reload(this, next);
            await reload.BeginAsync(cancellationToken).ConfigureAwait(false);
        }

        return await reload.EndAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The versions of all servers, by id. Any thread, without a turn: one that is read before something else of a server is never newer than that.</summary>
    public IReadOnlyDictionary<string, string> ReadVersions() => _declared.ToDictionary(static pair => pair.Key, pair => _versions.Of(pair.Value), StringComparer.Ordinal);

    private async Task<IDisposable> EnterAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        return new Turn(_turn);
    }

    /// <summary>In a turn. The configurations are brought into their final form.</summary>
    private async Task<IReadOnlyList<string>> DeployAsync(IReadOnlyList<ServerConfig> configs, ServerOwner owner, CancellationToken cancellationToken)
    {
        var (ids, shown) = await BeginDeployAsync(configs, owner, cancellationToken).ConfigureAwait(false);
        await shown.ConfigureAwait(false);
        return ids;
    }

    /// <summary>In a turn, as <see cref="DeployAsync(IReadOnlyList{ServerConfig}, ServerOwner, CancellationToken)"/>; does not wait until everybody can see the servers.</summary>
    private async Task<(IReadOnlyList<string> Ids, Task Shown)> BeginDeployAsync(IReadOnlyList<ServerConfig> configs, ServerOwner owner, CancellationToken cancellationToken)
    {
        foreach (var config in configs)
        {
            config.Owner = owner;
            _fleet.Check(config);
        }

        var deployed = await _fleet.DeployAsync([.. configs.Select(WithOverlay)], cancellationToken).ConfigureAwait(false);
        foreach (var config in configs)
        {
            _declared[config.Name] = config;
        }

        return deployed;
    }

    /// <summary>In a turn.</summary>
    private async Task<Update> BeginUpdateAsync(string id, ServerConfig config, CancellationToken cancellationToken, RolloutOptions? rules = null)
    {
        config.Name = config.Name.Length == 0 ? id : config.Name;
        config.Owner = _declared.GetValueOrDefault(id)?.Owner ?? ServerOwner.Code;
        _fleet.Check(config);
        var change = await _fleet.UpdateAsync(id, WithOverlay(config), cancellationToken, rules).ConfigureAwait(false);
        _declared[id] = config;
        if (!change.Settled.IsCompleted)
        {
            _ = _resources.Work.Run(() => FollowAsync(id, config, change));
        }

        return new Update(config, change, EndUpdateAsync(id, config, change));
    }

    private async Task EndUpdateAsync(string id, ServerConfig config, ServerChange change)
    {
        if (await change.Begun.ConfigureAwait(false) is not { } reason)
        {
            await _resources.Catalogue.RefreshAsync(CancellationToken.None).ConfigureAwait(false);
            return;
        }

        using (await EnterAsync(CancellationToken.None).ConfigureAwait(false))
        {
            if (change.IsOvertaken && IsWanted(id, config) && _resources.Fleet.TryGet(id, out var cell) && !cell.Current.IsCallable)
            {
                // What ran before was lost meanwhile: there is nothing to go on with, so the changed one is started in its place.
                await _fleet.UpdateAsync(id, WithOverlay(config), CancellationToken.None).ConfigureAwait(false);
                await _resources.Catalogue.RefreshAsync(CancellationToken.None).ConfigureAwait(false);
                return;
            }

            await DeclareWhatRunsAsync(id, config).ConfigureAwait(false);
        }

        throw new DeploymentFailed($"'{id}' could not be updated: {reason}. What ran before still runs; correct the configuration and update again.") { ServerId = id };
    }

    /// <summary>What was done by hand while a change was under way stays, whether the change does or not. A change that is undone is no longer what is declared.</summary>
    private async Task FollowAsync(string id, ServerConfig config, ServerChange change)
    {
        try
        {
            if (await change.InForce.ConfigureAwait(false) is null)
            {
                using var turn = await EnterAsync(CancellationToken.None).ConfigureAwait(false);
                var server = await _fleet.FindAsync(id, CancellationToken.None).ConfigureAwait(false);
                if (IsWanted(id, config) && !ReferenceEquals(server.Cell.Current.Config.ByHand, _file.OverlayOf(id)))
                {
                    await ApplyByHandAsync(id, config, CancellationToken.None).ConfigureAwait(false);
                }
            }

            // One that never began tells whoever began it.
            if (await change.Begun.ConfigureAwait(false) is null && await change.Settled.ConfigureAwait(false) is not null)
            {
                using var turn = await EnterAsync(CancellationToken.None).ConfigureAwait(false);
                if (await DeclareWhatRunsAsync(id, config).ConfigureAwait(false) is { } runs)
                {
                    await ApplyByHandAsync(id, runs, CancellationToken.None).ConfigureAwait(false);
                }
            }
        }
        catch (Exception exception) when (exception is RuntimeShutdown or ServerNotFound)
        {
            // The fleet ends, or the server has left it: there is nothing to bring in line.
        }
    }

    /// <summary>In a turn: what runs is what is declared, unless something else was declared meanwhile.</summary>
    /// <param name="id">Which.</param>
    /// <param name="config">What was declared and does not run.</param>
    /// <returns>What is declared now; null when nothing was changed.</returns>
    private async Task<ServerConfig?> DeclareWhatRunsAsync(string id, ServerConfig config)
    {
        // What was declared since and starts the same is undone with it.
        if (!_declared.TryGetValue(id, out var wanted) || LaunchComparison.Differ(wanted, config))
        {
            return null;
        }

        // Asked for, not looked up: what undoes the change may not have ended its turn yet.
        var server = await _fleet.FindAsync(id, CancellationToken.None).ConfigureAwait(false);
        var now = await server.ReadAsync(CancellationToken.None).ConfigureAwait(false);
        return now.Deployment != DeploymentState.Updating && _origins.TryGetValue(now.Config, out var runs) ? _declared[id] = runs : null;
    }

    private bool IsWanted(string id, ServerConfig config) => _declared.TryGetValue(id, out var wanted) && ReferenceEquals(wanted, config);

    /// <summary>In a turn.</summary>
    private Task Remove(string id)
    {
        _declared.TryRemove(id, out _);
        _versions.Forget(id);
        _file.Forget(id);
        return _remove(id);
    }

    private ServerConfig SameAs(ServerConfig declared)
    {
        var copy = declared.Copy();
        _versions.Keep(copy, declared);
        return copy;
    }

    /// <summary>In a turn.</summary>
    private async Task<ServerActor> RequireOwnAsync(string id, IReadOnlyList<string>? ifVersions, CancellationToken cancellationToken)
    {
        var server = await _fleet.FindAsync(id, cancellationToken).ConfigureAwait(false);
        _versions.Require(_declared[server.Id], ifVersions);
        return server.Cell.Current.Config.Owner switch
        {
            ServerOwner.Api => server,
            ServerOwner.File => throw new OwnedElsewhere(
                _resources.Options.File is { } file
                    ? $"'{server.Id}' belongs to the configuration file {file} (servers.{server.Id}). Change it there; fairlead reload takes it over. By hand it can be restarted, stopped, scaled, disabled and put into maintenance."
                    : $"'{server.Id}' belongs to the configuration that Fairlead was started with (servers.{server.Id}), which is in no file. Write one that has it, or change its default by hand.") { ServerId = server.Id },
            _ => throw new OwnedElsewhere($"'{server.Id}' was deployed by the program that Fairlead runs in, and only that program changes or removes it.") { ServerId = server.Id },
        };
    }

    /// <param name="entry">What was written.</param>
    /// <param name="name">The name of an entry that has none.</param>
    private (ServerConfig Config, ServerEntryResult Result) Read(string entry, string? name = null)
    {
        var result = ConfigurationLoader.LoadServer(entry, name, _resources.Options);
        _resources.Redactor.Add(result.Redactor);
        return result is { Errors.Count: 0, Config: { } config }
            ? (config, result)
            : throw new InvalidConfiguration(string.Join('\n', result.Errors)) { ServerId = result.Config?.Name };
    }

    private void CheckCommand(ServerConfig config)
    {
        _fleet.Check(config); // A built-in server has no program, which shows only then.
        CommandAllowList.Check(config, _declared.Values.Where(static other => other.Owner == ServerOwner.File), _allowedCommands);
    }

    private bool StartsTheSame(string entry, string id, ServerConfig config)
    {
        if (ConfigurationLoader.LoadServer(entry, id, _resources.Options) is not { Errors.Count: 0, Config: { } kept })
        {
            return false;
        }

        _fleet.Check(kept);
        return !LaunchComparison.Differ(kept, config);
    }

    /// <summary>Whether a secret stands openly in an entry: its text, apart from what variables bring in.</summary>
    private static bool HoldsSecrets(string entry, ServerEntryResult result)
    {
        using var document = JsonDocument.Parse(entry, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        return result.Redactor.Finds(entry) || Holds(document.RootElement);

        bool Holds(JsonElement element) => element.ValueKind switch
        {
            JsonValueKind.Object => element.EnumerateObject().Any(member => Holds(member.Value)),
            JsonValueKind.Array => element.EnumerateArray().Any(Holds),
            JsonValueKind.String => result.Redactor.Finds(element.GetString()),
            _ => result.Redactor.Finds(element.GetRawText()),
        };
    }

    [LoggerMessage(EventIds.FleetEntryNotRestored, LogLevel.Warning, "Server {Server}, which was deployed over the API, did not come back: {Reason}")]
    private static partial void LogNotRestored(ILogger logger, string server, string reason);

    [LoggerMessage(EventIds.FleetEntryDeployed, LogLevel.Information, "Server {Server} was deployed over the API; it comes back after a restart.")]
    private static partial void LogDeployed(ILogger logger, string server);

    /// <summary>An update under way.</summary>
    /// <param name="Config">What is declared by it.</param>
    /// <param name="Change">What becomes of it.</param>
    /// <param name="Begun">Completes when it takes part in serving, or fails with <see cref="DeploymentFailed"/>; need not be waited for in the turn.</param>
    private sealed record Update(ServerConfig Config, ServerChange Change, Task Begun);

    private sealed class Turn(SemaphoreSlim turn) : IDisposable
    {
        public void Dispose() => turn.Release();
    }
}
