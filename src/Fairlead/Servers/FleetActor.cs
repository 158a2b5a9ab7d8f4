using System.Collections.Frozen;
using Fairlead.Actors;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Rollouts;
using Fairlead.Routing;
using Microsoft.Extensions.Logging;

namespace Fairlead.Servers;

/// <summary>Owner of the fleet: which servers there are. Adding and removing replaces the published map; nothing here waits for a server.</summary>
/// <remarks>A reply comes after its effect can be seen in <see cref="Fleet.Current"/>. What takes long (stopping) is handed back as a task.</remarks>
internal sealed class FleetActor : Actor
{
    private readonly FleetResources _resources;
    private readonly List<ServerActor> _inOrder = [];
    private readonly Dictionary<string, ServerActor> _byName = new(StringComparer.Ordinal);
    private volatile ServerActor[] _published = [];
    private bool _isPublished = true;

    /// <summary>Owns no server yet.</summary>
    public FleetActor(FleetResources resources)
        : base("fleet", resources.Time, resources.Loggers.CreateLogger("Fairlead.Servers")) => _resources = resources;

    /// <summary>The servers of the moment, in order. Any thread.</summary>
    public IReadOnlyList<ServerActor> Servers => _published;

    /// <summary>Commands that wait in the fleet's and its servers' mailboxes.</summary>
    public int QueueDepthOfAll => QueueDepth + _published.Sum(static server => server.QueueDepth);

    /// <summary>Adds servers, all or none, and begins to start them, those of higher priority first.</summary>
    /// <param name="configs">Copies that nobody changes any more; brought into their final form here.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Their ids, in the order given, once they are taken; and when everybody can see them.</returns>
    /// <exception cref="InvalidConfiguration">A rule is broken; every broken one is named.</exception>
    /// <exception cref="AlreadyExists">A name is taken.</exception>
    public async Task<(IReadOnlyList<string> Ids, Task Shown)> DeployAsync(IReadOnlyList<ServerConfig> configs, CancellationToken cancellationToken)
    {
        foreach (var config in configs)
        {
            Check(config);
        }

        // Read before anything is published, so that a first list can be answered from an earlier run.
        var known = configs.Select(_resources.Catalogue.LoadKnown).ToArray();
        var added = await AskAsync(() => new ValueTask<IReadOnlyList<ServerActor>>(Add(configs, known)), cancellationToken).ConfigureAwait(false);

        return ([.. configs.Select(static config => config.Name)], ShowAsync(added, cancellationToken));
    }

    /// <summary>Removes a server, then stops it.</summary>
    /// <param name="id">Which.</param>
    /// <param name="grace">How long its calls in flight may take.</param>
    /// <param name="cancellationToken">Ends the wait, not the removal.</param>
    /// <returns>The server, removed and stopped.</returns>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    public async Task<ServerActor> UndeployAsync(string id, TimeSpan grace, CancellationToken cancellationToken)
    {
        var server = await AskAsync(
            () =>
            {
                var found = Require(id);
                _byName.Remove(found.Id);
                _inOrder.Remove(found);
                Publish();
                return new ValueTask<ServerActor>(found);
            },
            cancellationToken).ConfigureAwait(false);
        await _resources.Catalogue.RemoveServerAsync(server.Cell, cancellationToken).ConfigureAwait(false);

        // From here on to the end: a removed server must not live on because its remover lost patience.
        var ending = EndAsync(server, "it was undeployed", grace);
        await ending.WaitAsync(cancellationToken).ConfigureAwait(false);
        return server;
    }

    /// <summary>Changes a server's configuration.</summary>
    /// <param name="id">Which.</param>
    /// <param name="config">An object that is used for nothing else.</param>
    /// <param name="cancellationToken">Ends the wait, not the change.</param>
    /// <param name="rules">How it is rolled out; null = as the configuration says, where other instances are needed.</param>
    /// <param name="isByHand">Whether it is what serves, with something that was done by hand.</param>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    /// <exception cref="InvalidConfiguration">A rule is broken, or the name is not the server's.</exception>
    /// <exception cref="DeploymentFailed">There are rules, and the server does not serve.</exception>
    public async Task<ServerChange> UpdateAsync(string id, ServerConfig config, CancellationToken cancellationToken, RolloutOptions? rules = null, bool isByHand = false)
    {
        config.Name = config.Name.Length == 0 ? id : config.Name;
        Check(config);
        var server = await AskAsync(
            () =>
            {
                var found = Require(id);
                if (found.Id != config.Name)
                {
                    throw new InvalidConfiguration($"name = '{config.Name}': the name of '{found.Id}' cannot be changed by an update. Deploy the new one and undeploy the old one.") { ServerId = found.Id };
                }

                CheckDependencies(config, [config]);
                _resources.Redactor.Add(ServerSecrets.Of(config));
                return new ValueTask<ServerActor>(found);
            },
            cancellationToken).ConfigureAwait(false);
        return await server.UpdateAsync(config, cancellationToken, rules, isByHand).ConfigureAwait(false);
    }

    /// <summary>Stops a server that stays in the fleet. Completes when its processes are gone.</summary>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    public async Task StopServerAsync(string id, TimeSpan grace, CancellationToken cancellationToken)
    {
        var server = await FindAsync(id, cancellationToken).ConfigureAwait(false);
        var stopping = server.StopAsync("it was stopped by hand", grace, cancellationToken);
        await server.ReadAsync(cancellationToken).ConfigureAwait(false);
        await _resources.Catalogue.RefreshAsync(cancellationToken).ConfigureAwait(false); // While calls in flight end, not after them.
        await stopping.ConfigureAwait(false);
    }

    /// <summary>Starts a server again with a full restart budget, without waiting for it.</summary>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    public async Task RestartServerAsync(string id, CancellationToken cancellationToken)
    {
        var server = await FindAsync(id, cancellationToken).ConfigureAwait(false);
        await server.RestartAsync(cancellationToken).ConfigureAwait(false);
        await _resources.Catalogue.RefreshAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Starts a server that was stopped or given up, without waiting for it. One that serves or starts, and one that is not meant to run, stays as it is.</summary>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    public async Task StartServerAsync(string id, CancellationToken cancellationToken)
    {
        var server = await FindAsync(id, cancellationToken).ConfigureAwait(false);
        var snapshot = await server.ReadAsync(cancellationToken).ConfigureAwait(false);
        if (!snapshot.IsCallable && !snapshot.IsWorthWaiting)
        {
            await server.RestartAsync(cancellationToken).ConfigureAwait(false);
            await _resources.Catalogue.RefreshAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Puts the servers named here first, in this order; the others follow in theirs.</summary>
    public async Task OrderAsync(IReadOnlyList<string> ids, CancellationToken cancellationToken)
    {
        var ranks = ids.Index().ToDictionary(static pair => pair.Item, static pair => pair.Index, StringComparer.Ordinal);
        await AskAsync(
            () =>
            {
                ServerActor[] sorted = [.. _inOrder.OrderBy(server => ranks.GetValueOrDefault(server.Id, int.MaxValue))];
                if (!sorted.SequenceEqual(_inOrder))
                {
                    _inOrder.Clear();
                    _inOrder.AddRange(sorted);
                    Publish();
                }

                return new ValueTask<bool>(true);
            },
            cancellationToken).ConfigureAwait(false);
        await _resources.Catalogue.RefreshAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The server of this id, after everything that was asked before.</summary>
    /// <exception cref="ServerNotFound">There is none.</exception>
    public Task<ServerActor> FindAsync(string id, CancellationToken cancellationToken) =>
        AskAsync(() => new ValueTask<ServerActor>(Require(id)), cancellationToken);

    /// <summary>What is known of all servers, in order.</summary>
    public Task<IReadOnlyList<ServerInfo>> ListAsync(CancellationToken cancellationToken) => AskAsync(
        () => new ValueTask<IReadOnlyList<ServerInfo>>([.. _inOrder.Select(static server => ServerInfo.From(server.Cell, server.OwnInstanceCount, server.WarmInstanceCount, server.ReadRollouts()))]),
        cancellationToken);

    /// <summary>Stops all servers: those that others depend on after those others, the rest at the same time. Takes no more commands afterwards.</summary>
    /// <param name="grace">How long calls in flight may take, over all servers.</param>
    public async Task ShutdownAsync(TimeSpan grace)
    {
        var servers = await AskAsync(
            () =>
            {
                Close();
                return new ValueTask<ServerActor[]>([.. _inOrder]);
            },
            CancellationToken.None).ConfigureAwait(false);
        var since = _resources.Time.GetTimestamp();
        await Task.WhenAll(servers.Select(server => server.Cell.Current.Shared is { } connection ? Drain.WaitAsync(connection, grace, _resources.Time) : Task.CompletedTask)).ConfigureAwait(false);
        var levels = Dependencies.Levels(servers, static server => server.Id, static server => server.Cell.Current.Config.DependsOn);
        foreach (var level in levels.Reverse())
        {
            var left = grace - _resources.Time.GetElapsedTime(since);
            await Task.WhenAll(level.Select(server => EndAsync(server, "the manager was shut down", left > TimeSpan.Zero ? left : TimeSpan.Zero))).ConfigureAwait(false);
        }
    }

    /// <summary>Brings a configuration into its final form; once more changes nothing. Any thread.</summary>
    /// <exception cref="InvalidConfiguration">A rule is broken; every broken one is named.</exception>
    public void Check(ServerConfig config)
    {
        if (config is { Transport: null, Command: null, Url: null } && _resources.InProcess.Knows(config))
        {
            config.Transport = ServerTransport.InProcess;
        }

        foreach (var variable in _resources.InProcess.FindFactory(config)?.Variables ?? [])
        {
            if (!config.Environment.ContainsKey(variable) && _resources.FindVariable(variable) is { Length: > 0 } value)
            {
                config.Environment[variable] = value;
            }
        }

        var errors = ServerConfigRules.Normalise(config);
        if (errors.Count != 0)
        {
            throw new InvalidConfiguration(string.Join(Environment.NewLine, errors)) { ServerId = config.Name };
        }
    }

    private static async Task EndAsync(ServerActor server, string reason, TimeSpan grace)
    {
        try
        {
            await server.StopAsync(reason, grace, CancellationToken.None).ConfigureAwait(false);
        }
        catch (RuntimeShutdown)
        {
            // It ended by itself, after a bug; its instances went with it.
        }

        await server.EndAsync().ConfigureAwait(false);
    }

    private List<ServerActor> Add(IReadOnlyList<ServerConfig> configs, ServerCatalog[] known)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var config in configs)
        {
            if (_byName.ContainsKey(config.Name) || !names.Add(config.Name))
            {
                throw new AlreadyExists($"There is a server '{config.Name}' already. Undeploy or update that one, or choose another name.") { ServerId = config.Name };
            }
        }

        foreach (var config in configs)
        {
            CheckDependencies(config, configs);
        }

        var added = new List<ServerActor>(configs.Count);
        for (var i = 0; i < configs.Count; i++)
        {
            _resources.Redactor.Add(ServerSecrets.Of(configs[i]));
            var server = new ServerActor(configs[i], _resources, known[i]);
            added.Add(server);
            _inOrder.Add(server);
            _byName.Add(server.Id, server);
        }

        _isPublished = false;
        return added;
    }

    private async Task ShowAsync(IReadOnlyList<ServerActor> added, CancellationToken cancellationToken)
    {
        // A turn of its own, so that servers that are added at the same time are published together: a thousand do not build the map a thousand times.
        await AskAsync(() => PublishAddedAsync(added), CancellationToken.None).ConfigureAwait(false);
        await _resources.Catalogue.RefreshAsync(cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<bool> PublishAddedAsync(IReadOnlyList<ServerActor> added)
    {
        if (!_isPublished)
        {
            Publish();
        }

        foreach (var server in added.OrderByDescending(static server => server.Cell.Current.Config.Priority))
        {
            // One that was undeployed meanwhile is not started any more.
            if (server.Cell.Current.State == ServerState.Initializing && _byName.GetValueOrDefault(server.Id) == server)
            {
                await server.StartAsync(CancellationToken.None).ConfigureAwait(false);
            }
        }

        return true;
    }

    private void CheckDependencies(ServerConfig config, IReadOnlyList<ServerConfig> others)
    {
        foreach (var name in config.DependsOn)
        {
            if (Known(name) is null)
            {
                throw new InvalidConfiguration($"dependsOn of '{config.Name}' names '{name}', which is not part of the fleet. Deploy that server first, or correct the name.") { ServerId = config.Name };
            }
        }

        if (Dependencies.FindCircle(config.Name, name => Known(name)?.DependsOn ?? []) is { } circle)
        {
            throw new InvalidConfiguration($"dependsOn goes round in a circle: {string.Join(" -> ", circle)}. Remove one of these steps.") { ServerId = config.Name };
        }

        ServerConfig? Known(string name) => others.FirstOrDefault(other => other.Name == name) ?? _byName.GetValueOrDefault(name)?.Cell.Current.Config;
    }

    private ServerActor Require(string id) => _byName.GetValueOrDefault(id) ?? _byName.GetValueOrDefault(ServerName.ToSlug(id)) ?? throw ServerNotFound.For(id, _byName.Keys);

    private void Publish()
    {
        _isPublished = true;
        _published = [.. _inOrder];
        var cells = _inOrder.ConvertAll(static server => server.Cell).ToArray();
        var before = _resources.Fleet.Current;
        var now = new FleetSnapshot(before.Version + 1, cells, cells.ToFrozenDictionary(static cell => cell.Name, StringComparer.Ordinal));
        _resources.Fleet.Publish(now);
        _resources.Events.TellOf(before, now);
    }
}
