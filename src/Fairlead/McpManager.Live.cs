using Fairlead.Configuration;
using Fairlead.Routing;

namespace Fairlead;

/// <content>What people do to servers by hand while they serve (product A8). It lies over the configuration, survives updates and reloads, and with a state folder restarts.</content>
public sealed partial class McpManager
{
    private const string MaintenanceReason = "it was taken out of service by hand";

    /// <summary>Starts a server that was stopped or given up, with a full restart budget. Does not wait for the start. One that serves or starts stays as it is, and one
    /// that is disabled, in maintenance or without a credential stays so.</summary>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    public Task StartServerAsync(string id, CancellationToken cancellationToken = default) => ChangeAsync(
        "start", id, null,
        async () =>
        {
            await _fleet.StartServerAsync(id, cancellationToken).ConfigureAwait(false);
            return true;
        },
        cancellationToken);

    /// <summary>Switches a server off: its entries leave all lists, calls are answered with the state. Calls in flight may end within the drain grace, then its processes end.</summary>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    public Task DisableServerAsync(string id, CancellationToken cancellationToken = default) => DisableServerAsync(id, null, cancellationToken);

    /// <inheritdoc cref="DisableServerAsync(string, CancellationToken)"/>
    /// <exception cref="PreconditionFailed">It is in none of these versions.</exception>
    internal Task DisableServerAsync(string id, IReadOnlyList<string>? ifVersions, CancellationToken cancellationToken) =>
        ByHandAsync("disable", id, null, static (overlay, snapshot) => overlay with { Disabled = true }, ifVersions, cancellationToken);

    /// <summary>Switches a server on, also one that its configuration disables. Does not wait for its start.</summary>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    public Task EnableServerAsync(string id, CancellationToken cancellationToken = default) => EnableServerAsync(id, null, cancellationToken);

    /// <inheritdoc cref="EnableServerAsync(string, CancellationToken)"/>
    /// <exception cref="PreconditionFailed">It is in none of these versions.</exception>
    internal Task EnableServerAsync(string id, IReadOnlyList<string>? ifVersions, CancellationToken cancellationToken) => ChangeAsync(
        "enable", id, null,
        async () =>
        {
            var isDisabled = await _live.IsDeclaredDisabledAsync(id, cancellationToken).ConfigureAwait(false);
            await _live.ChangeByHandAsync(id, (overlay, snapshot) => overlay with { Disabled = isDisabled ? false : null }, ifVersions, cancellationToken).ConfigureAwait(false);
            return true;
        },
        cancellationToken);

    /// <summary>Takes a server out of service, or back into it: its lists stay, calls are answered with the reason. Calls in flight may end within the drain grace, then its
    /// processes end. Does not wait for the start after it.</summary>
    /// <param name="id">Which.</param>
    /// <param name="on">Whether it is in maintenance from here on.</param>
    /// <param name="reason">What callers are told, in words that follow the state; null = that it was done by hand.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    public Task SetMaintenanceAsync(string id, bool on, string? reason = null, CancellationToken cancellationToken = default) => SetMaintenanceAsync(id, on, reason, null, cancellationToken);

    /// <inheritdoc cref="SetMaintenanceAsync(string, bool, string?, CancellationToken)"/>
    /// <exception cref="PreconditionFailed">It is in none of these versions.</exception>
    internal Task SetMaintenanceAsync(string id, bool on, string? reason, IReadOnlyList<string>? ifVersions, CancellationToken cancellationToken) => ByHandAsync(
        on ? "maintenance on" : "maintenance off", id, null,
        (overlay, _) => overlay with { Maintenance = !on ? null : string.IsNullOrWhiteSpace(reason) ? MaintenanceReason : reason.Trim() },
        ifVersions,
        cancellationToken);

    /// <summary>Switches one tool of a server off: it leaves the lists and cannot be called.</summary>
    /// <param name="id">The server.</param>
    /// <param name="tool">The tool's own name at the server.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    /// <exception cref="ToolNotFound">The server is known to have other tools, and not this one.</exception>
    public Task DisableToolAsync(string id, string tool, CancellationToken cancellationToken = default) => DisableToolAsync(id, tool, null, cancellationToken);

    /// <inheritdoc cref="DisableToolAsync(string, string, CancellationToken)"/>
    /// <exception cref="PreconditionFailed">It is in none of these versions.</exception>
    internal Task DisableToolAsync(string id, string tool, IReadOnlyList<string>? ifVersions, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(tool);
        return ByHandAsync(
            "disable", id, tool,
            (overlay, snapshot) =>
            {
                RequireTool(snapshot, tool);
                return overlay.DisabledTools.Contains(tool) ? overlay : overlay with { DisabledTools = [.. overlay.DisabledTools, tool] };
            },
            ifVersions,
            cancellationToken);
    }

    /// <summary>Takes back <see cref="DisableToolAsync(string, string, CancellationToken)"/>. A tool that the configuration hides stays hidden.</summary>
    /// <param name="id">The server.</param>
    /// <param name="tool">The tool's own name at the server.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ServerNotFound">There is none of this id.</exception>
    /// <exception cref="ToolNotFound">It was not disabled, and the server is known to have other tools only.</exception>
    /// <exception cref="InvalidConfiguration">The configuration of the server hides it.</exception>
    public Task EnableToolAsync(string id, string tool, CancellationToken cancellationToken = default) => EnableToolAsync(id, tool, null, cancellationToken);

    /// <inheritdoc cref="EnableToolAsync(string, string, CancellationToken)"/>
    /// <exception cref="PreconditionFailed">It is in none of these versions.</exception>
    internal Task EnableToolAsync(string id, string tool, IReadOnlyList<string>? ifVersions, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(tool);
        return ByHandAsync(
            "enable", id, tool,
            (overlay, snapshot) =>
            {
                if (overlay.DisabledTools.Contains(tool))
                {
                    return overlay with { DisabledTools = [.. overlay.DisabledTools.Where(name => name != tool)] };
                }

                RequireTool(snapshot, tool);
                return new Catalog.ExposeRules(snapshot.Config.Expose).Shows(tool)
                    ? overlay
                    : throw new InvalidConfiguration($"'{tool}' of '{snapshot.Config.Name}' is hidden by expose in its configuration. Change expose.tools or expose.hide there.") { ServerId = snapshot.Config.Name };
            },
            ifVersions,
            cancellationToken);
    }

    /// <summary>Brings the servers of the configuration in line with a changed one: adds, changes and removes them one by one, each that serves by starting the changed one
    /// beside it. Servers that were deployed by other means are not touched; keys of the gateway as a whole are not changed, and named in the result.</summary>
    /// <param name="options">The changed configuration, checked by <see cref="ConfigurationLoader"/>. Copied.</param>
    /// <param name="cancellationToken">Ends the wait, not the changes.</param>
    /// <exception cref="InvalidConfiguration">A server breaks a rule; nothing is changed.</exception>
    public Task<ReloadDifferences> ReloadAsync(FairleadOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return ChangeAsync("reload", null, null, () => _live.ReloadAsync(options, cancellationToken), cancellationToken);
    }

    private static void RequireTool(ServerSnapshot snapshot, string tool)
    {
        string[] names = [.. snapshot.Catalog.Tools.Select(static entry => entry.Name)];
        if (!snapshot.Catalog.IsUnknown && !names.Contains(tool))
        {
            throw new ToolNotFound(
                $"'{snapshot.Config.Name}' has no tool '{tool}'. {(OptionWords.Nearest(tool, names) is { } near ? $"Did you mean '{near}'?" : $"It has: {string.Join(", ", names.Take(20))}.")}") { ServerId = snapshot.Config.Name };
        }
    }

    /// <summary>A command that changes something, which the audit log tells.</summary>
    private Task<T> ChangeAsync<T>(string what, string? id, string? target, Func<Task<T>> change, CancellationToken cancellationToken) =>
        CommandAsync(() => _changes.RunAsync(what, id, target, change), cancellationToken);

    private Task<bool> ByHandAsync(
        string what, string id, string? tool, Func<ServerOverlay, ServerSnapshot, ServerOverlay> change, IReadOnlyList<string>? ifVersions, CancellationToken cancellationToken) => ChangeAsync(
        what, id, tool,
        async () =>
        {
            await _live.ChangeByHandAsync(id, change, ifVersions, cancellationToken).ConfigureAwait(false);
            return true;
        },
        cancellationToken);

    private async Task<bool> ScaleByHandAsync(string id, int replicas, IReadOnlyList<string>? ifVersions, CancellationToken cancellationToken)
    {
        await _live.ChangeByHandAsync(
            id,
            (overlay, snapshot) => snapshot.Config.Replicas.Count == replicas ? overlay : overlay with { Replicas = replicas },
            ifVersions,
            cancellationToken,
            server => server.ScaleAsync(replicas, "by hand", cancellationToken)).ConfigureAwait(false);
        return true;
    }
}
