using Fairlead.Configuration;

namespace Fairlead.Servers;

/// <content>How a changed configuration is brought into the fleet.</content>
internal sealed partial class LiveFleet
{
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
                _changing.Add((config, (await live.BeginUpdateAsync(config.Name, config, CancellationToken.None).ConfigureAwait(false)).Begun));
            }
            catch (McpException exception) when (exception is not RuntimeShutdown)
            {
                _failed.Add(new ReloadFailure(config.Name, exception.Message));
            }
        }
    }
}
