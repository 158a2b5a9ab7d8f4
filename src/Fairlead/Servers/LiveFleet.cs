using System.Collections.Concurrent;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.Diagnostics;
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
        using var turn = await EnterAsync(cancellationToken).ConfigureAwait(false);
        return (await DeployAsync([config], ServerOwner.Code, cancellationToken).ConfigureAwait(false))[0];
    }

    /// <summary>Deploys a server that is kept over restarts.</summary>
    /// <param name="entry">One server in the words of the configuration, with its name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Its id, and what looks odd in the entry.</returns>
    public async Task<(string Id, IReadOnlyList<ConfigurationError> Warnings)> DeployEntryAsync(string entry, CancellationToken cancellationToken)
    {
        using var turn = await EnterAsync(cancellationToken).ConfigureAwait(false);
        var (config, result) = Read(entry);
        CheckCommand(config);
        var id = (await DeployAsync([config], ServerOwner.Api, cancellationToken).ConfigureAwait(false))[0];
        _file.Keep(id, entry, HoldsSecrets(entry, result));
        LogDeployed(_logger, id);
        return (id, result.Warnings);
    }

    /// <summary>Changes a server for the program that uses the manager.</summary>
    public async Task UpdateAsync(string id, ServerConfig config, CancellationToken cancellationToken)
    {
        Task update;
        using (await EnterAsync(cancellationToken).ConfigureAwait(false))
        {
            update = await BeginUpdateAsync((await _fleet.FindAsync(id, cancellationToken).ConfigureAwait(false)).Id, config, cancellationToken).ConfigureAwait(false);
        }

        await update.ConfigureAwait(false);
    }

    /// <summary>Changes a server that was deployed over the API.</summary>
    /// <param name="id">Which.</param>
    /// <param name="entry">The whole entry; its name may be left out.</param>
    /// <param name="cancellationToken">Ends the wait, not the update.</param>
    /// <exception cref="OwnedElsewhere">It was not deployed over the API.</exception>
    public async Task<IReadOnlyList<ConfigurationError>> UpdateEntryAsync(string id, string entry, CancellationToken cancellationToken)
    {
        Task update;
        ServerEntryResult result;
        string name;
        using (await EnterAsync(cancellationToken).ConfigureAwait(false))
        {
            var server = await RequireOwnAsync(id, cancellationToken).ConfigureAwait(false);
            name = server.Id;
            (var config, result) = Read(entry, name);
            CheckCommand(config);
            update = await BeginUpdateAsync(name, config, cancellationToken).ConfigureAwait(false);
        }

        await update.ConfigureAwait(false);
        using (await EnterAsync(cancellationToken).ConfigureAwait(false))
        {
            // Kept once it is proven: a restart must not bring back what could not be started.
            _file.Keep(name, entry, HoldsSecrets(entry, result));
        }

        return result.Warnings;
    }

    /// <summary>Removes a server that was deployed over the API. Completes when its processes are gone.</summary>
    /// <exception cref="OwnedElsewhere">It was not deployed over the API.</exception>
    public async Task UndeployEntryAsync(string id, CancellationToken cancellationToken)
    {
        Task removal;
        using (await EnterAsync(cancellationToken).ConfigureAwait(false))
        {
            removal = Remove((await RequireOwnAsync(id, cancellationToken).ConfigureAwait(false)).Id);
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

    /// <summary>Whether a server is disabled by its configuration, whatever was done by hand.</summary>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    public async Task<bool> IsDeclaredDisabledAsync(string id, CancellationToken cancellationToken) =>
        _declared.TryGetValue((await _fleet.FindAsync(id, cancellationToken).ConfigureAwait(false)).Id, out var config) && config.Disabled;

    /// <summary>Does something to a server by hand. The change is in force when this returns; calls in flight on an instance that it ends may end within the drain grace.</summary>
    /// <param name="id">Which.</param>
    /// <param name="change">From what was done before to what is done from here on. May throw, which changes nothing.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    public async Task ChangeByHandAsync(string id, Func<ServerOverlay, ServerSnapshot, ServerOverlay> change, CancellationToken cancellationToken)
    {
        Task update;
        using (await EnterAsync(cancellationToken).ConfigureAwait(false))
        {
            var server = await _fleet.FindAsync(id, cancellationToken).ConfigureAwait(false);
            var overlay = change(_file.OverlayOf(server.Id), server.Cell.Current);
            _file.Keep(server.Id, overlay);
            update = await BeginUpdateAsync(server.Id, _declared[server.Id].Copy(), cancellationToken).ConfigureAwait(false);
        }

        await update.ConfigureAwait(false);
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

    private async Task<IDisposable> EnterAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        return new Turn(_turn);
    }

    /// <summary>In a turn. The configurations are brought into their final form.</summary>
    private async Task<IReadOnlyList<string>> DeployAsync(IReadOnlyList<ServerConfig> configs, ServerOwner owner, CancellationToken cancellationToken)
    {
        foreach (var config in configs)
        {
            config.Owner = owner;
            _fleet.Check(config);
        }

        var ids = await _fleet.DeployAsync([.. configs.Select(config => _file.OverlayOf(config.Name).ApplyTo(config))], cancellationToken).ConfigureAwait(false);
        foreach (var config in configs)
        {
            _declared[config.Name] = config;
        }

        return ids;
    }

    /// <summary>In a turn.</summary>
    /// <returns>The rest of the update, which need not be waited for in the turn.</returns>
    private async Task<Task> BeginUpdateAsync(string id, ServerConfig config, CancellationToken cancellationToken)
    {
        var before = _declared.GetValueOrDefault(id);
        config.Name = config.Name.Length == 0 ? id : config.Name;
        config.Owner = before?.Owner ?? ServerOwner.Code;
        _fleet.Check(config);
        var update = await _fleet.UpdateAsync(id, _file.OverlayOf(id).ApplyTo(config), cancellationToken).ConfigureAwait(false);
        _declared[id] = config;
        return EndUpdateAsync(id, before, config, update);
    }

    private async Task EndUpdateAsync(string id, ServerConfig? before, ServerConfig config, Task update)
    {
        try
        {
            await update.ConfigureAwait(false);
        }
        catch (DeploymentFailed) when (_resources.Fleet.TryGet(id, out var cell) && !cell.Current.IsCallable && IsWanted(id, config))
        {
            // What ran before was lost meanwhile: there is nothing to go on with, so the changed one is started in its place.
            Task again;
            using (await EnterAsync(CancellationToken.None).ConfigureAwait(false))
            {
                again = await _fleet.UpdateAsync(id, _file.OverlayOf(id).ApplyTo(config), CancellationToken.None).ConfigureAwait(false);
            }

            await again.ConfigureAwait(false);
        }
        catch (DeploymentFailed) when (before is not null && IsWanted(id, config))
        {
            _declared.TryUpdate(id, before, config);
            throw;
        }
    }

    private bool IsWanted(string id, ServerConfig config) => _declared.TryGetValue(id, out var wanted) && ReferenceEquals(wanted, config);

    /// <summary>In a turn.</summary>
    private Task Remove(string id)
    {
        _declared.TryRemove(id, out _);
        _file.Forget(id);
        return _remove(id);
    }

    private async Task<ServerActor> RequireOwnAsync(string id, CancellationToken cancellationToken)
    {
        var server = await _fleet.FindAsync(id, cancellationToken).ConfigureAwait(false);
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

    private sealed class Turn(SemaphoreSlim turn) : IDisposable
    {
        public void Dispose() => turn.Release();
    }

    /// <summary>One reload: what differs, and the changes under way.</summary>
    private sealed class Reload(LiveFleet live, FairleadOptions next)
    {
        private readonly List<string> _added = [];
        private readonly List<string> _removed = [];
        private readonly List<string> _unchanged = [];
        private readonly List<ReloadFailure> _failed = [];
        private readonly List<(ServerConfig Config, Task Update)> _changing = [];
        private readonly List<Task> _removals = [];

        /// <summary>1. Check everything. 2. Add, so that changed servers can depend on the added. 3. Change. 4. Remove. 5. Order.</summary>
        public async Task BeginAsync(CancellationToken cancellationToken)
        {
            ServerConfig[] wanted = [.. next.Servers.Select(static server => server.Copy())];
            Check(wanted);
            live._resources.Options.Variables = next.Variables;
            live._resources.Reloaded(next);
            live._allowedCommands = [.. next.AllowedCommands];
            var ofFile = live._declared.Values.Where(static config => config.Owner == ServerOwner.File).ToDictionary(static config => config.Name, StringComparer.Ordinal);
            await AddAsync([.. wanted.Where(config => !ofFile.ContainsKey(config.Name))], cancellationToken).ConfigureAwait(false);
            foreach (var config in wanted.Where(config => ofFile.ContainsKey(config.Name)))
            {
                await ChangeAsync(config, ofFile[config.Name]).ConfigureAwait(false);
            }

            _removed.AddRange(ofFile.Keys.Except(wanted.Select(static config => config.Name)));
            _removals.AddRange(_removed.Select(live.Remove));
            await live._fleet.OrderAsync([.. wanted.Select(static config => config.Name)], cancellationToken).ConfigureAwait(false);
        }

        /// <summary>Waits for what is under way.</summary>
        public async Task<ReloadDifferences> EndAsync()
        {
            var changed = new List<string>();
            foreach (var (config, update) in _changing)
            {
                try
                {
                    await update.ConfigureAwait(false);
                    changed.Add(config.Name);
                }
                catch (McpException exception)
                {
                    _failed.Add(new ReloadFailure(config.Name, exception.Message));
                }
            }

            await Task.WhenAll(_removals).ConfigureAwait(false);
            return new ReloadDifferences
            {
                Added = _added,
                Removed = _removed,
                Changed = changed,
                Unchanged = _unchanged,
                Failed = _failed,
                NeedRestart = [.. OptionComparison.Differences(live._resources.Options, next).Where(static key => key != "allowedCommands" && !key.StartsWith("faultInjection.", StringComparison.Ordinal))],
            };
        }

        private void Check(ServerConfig[] wanted)
        {
            var names = new HashSet<string>(StringComparer.Ordinal);
            foreach (var config in wanted)
            {
                config.Owner = ServerOwner.File;
                live._fleet.Check(config);
                if (!names.Add(config.Name))
                {
                    throw new InvalidConfiguration($"There are two servers called '{config.Name}'. Give one another name.") { ServerId = config.Name };
                }
            }
        }

        private async Task AddAsync(ServerConfig[] added, CancellationToken cancellationToken)
        {
            var taken = added.Where(config => live._declared.ContainsKey(config.Name)).ToArray();
            _failed.AddRange(taken.Select(config => new ReloadFailure(
                config.Name,
                $"a server of this name was deployed {(live._declared[config.Name].Owner == ServerOwner.Api ? $"over the API; fairlead undeploy {config.Name} makes way for it" : "by the program that Fairlead runs in")}")));
            try
            {
                _added.AddRange(await live.DeployAsync([.. added.Except(taken)], ServerOwner.File, cancellationToken).ConfigureAwait(false));
            }
            catch (McpException exception) when (exception is not RuntimeShutdown)
            {
                _failed.AddRange(added.Except(taken).Select(config => new ReloadFailure(config.Name, exception.Message)));
            }
        }

        private async Task ChangeAsync(ServerConfig config, ServerConfig before)
        {
            if (OptionComparison.AreEqual(before, config))
            {
                _unchanged.Add(config.Name);
                return;
            }

            try
            {
                _changing.Add((config, await live.BeginUpdateAsync(config.Name, config, CancellationToken.None).ConfigureAwait(false)));
            }
            catch (McpException exception) when (exception is not RuntimeShutdown)
            {
                _failed.Add(new ReloadFailure(config.Name, exception.Message));
            }
        }
    }
}
