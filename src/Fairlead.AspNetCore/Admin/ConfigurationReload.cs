using Fairlead.Actors;
using Fairlead.Audit;
using Fairlead.Configuration;
using Fairlead.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Fairlead.AspNetCore.Admin;

/// <summary>How the last load of the configuration went.</summary>
/// <param name="Cause">What made it be loaded: <c>start</c>, <c>file</c> (it changed), <c>SIGHUP</c> or <c>api</c>.</param>
/// <param name="At">When.</param>
/// <param name="File">The file; null = there is none.</param>
/// <param name="Errors">Everything that is wrong. Not empty = nothing was changed, and the configuration before is in force.</param>
/// <param name="Warnings">What looks odd.</param>
/// <param name="Differences">What was changed; null at the start, while changes are under way, and with errors.</param>
internal sealed record ConfigurationStatus(
    string Cause, DateTimeOffset At, string? File, IReadOnlyList<ConfigurationError> Errors, IReadOnlyList<ConfigurationError> Warnings, ReloadDifferences? Differences)
{
    /// <summary>Whether it is good.</summary>
    public bool Valid => Errors.Count == 0;
}

/// <summary>Loads the configuration again while Fairlead serves, and remembers how that went. A configuration with errors changes nothing and says why.</summary>
/// <remarks>Any thread. Loads run one at a time and their changes are decided in that order; a start that takes long delays no later reload.</remarks>
#pragma warning disable CA1001 // Its semaphore never makes a wait handle, so there is nothing to dispose of; disposed, it would fail a reload that ends during the shutdown.
internal sealed partial class ConfigurationReload
#pragma warning restore CA1001 // As above.
{
    private readonly McpManager _manager;
    private readonly Func<ConfigurationResult> _load;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly BackgroundWork _work;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private volatile ConfigurationStatus _status;
    private volatile ConfigurationResult _loaded;

    // What the last load was refused for; null after one that was not.
    private string? _refused;

    /// <summary>Begins with what Fairlead was started with.</summary>
    /// <param name="manager">Whose servers are changed.</param>
    /// <param name="first">The configuration that it was made with.</param>
    /// <param name="load">Loads it again, from the same place.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where every reload is told.</param>
    public ConfigurationReload(McpManager manager, ConfigurationResult first, Func<ConfigurationResult> load, TimeProvider time, ILogger logger)
    {
        _manager = manager;
        _load = load;
        _time = time;
        _logger = logger;
        _work = new BackgroundWork("configuration", logger);
        _loaded = first;
        _status = new ConfigurationStatus("start", time.GetUtcNow(), first.File, [], first.Warnings, null);
    }

    /// <summary>How the last load went.</summary>
    public ConfigurationStatus Status => _status;

    /// <summary>Told of each reload when its changes are in force or have failed, or when it was refused. Returns at once. Set before the first.</summary>
    public Action<ConfigurationStatus>? Ended { get; set; }

    /// <summary>What the last load without errors gave.</summary>
    public ConfigurationResult Loaded => _loaded;

    /// <summary>Reloads beside the caller.</summary>
    /// <param name="cause">As in <see cref="ConfigurationStatus"/>.</param>
    public void Request(string cause) => _work.Run(async () =>
    {
        try
        {
            await ReloadAsync(cause, CancellationToken.None).ConfigureAwait(false);
        }
        catch (RuntimeShutdown)
        {
            // Fairlead is stopping: nothing is left to be changed.
        }
    });

    /// <summary>Reloads and waits until the changes are in force or have failed. Never throws for what the configuration says.</summary>
    /// <param name="cause">As in <see cref="ConfigurationStatus"/>.</param>
    /// <param name="cancellationToken">Ends the wait, not the changes.</param>
    public async Task<ConfigurationStatus> ReloadAsync(string cause, CancellationToken cancellationToken)
    {
        ConfigurationStatus status;
        Task<ReloadDifferences> changing;
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var loaded = _load();
            _manager.Redactor.Add(loaded.Redactor);
            _status = status = new ConfigurationStatus(cause, _time.GetUtcNow(), loaded.File, loaded.Errors, loaded.Warnings, null);
            Record(status);
            if (!loaded.IsValid)
            {
                return Refused(status);
            }

            _loaded = loaded;
            OwnChanges.AreRecorded = true;
            changing = _manager.ReloadAsync(loaded.Options, CancellationToken.None);
        }
        finally
        {
            _turn.Release();
        }

        return await EndAsync(status, changing.WaitAsync(cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>A reload over the API is recorded with its request.</summary>
    private void Record(ConfigurationStatus status)
    {
        if (status.Cause != "api")
        {
            _manager.Audit?.Add(new AuditEntry
            {
                Kind = AuditKind.Change, Principal = "local", Via = status.Cause, Method = "reload", Target = status.File, Verdict = "allowed", Outcome = status.Errors.Count == 0 ? "ok" : nameof(InvalidConfiguration),
            });
        }
    }

    private async Task<ConfigurationStatus> EndAsync(ConfigurationStatus status, Task<ReloadDifferences> changing)
    {
        ConfigurationStatus ended;
        try
        {
            ended = status with { Differences = await changing.ConfigureAwait(false) };
            Volatile.Write(ref _refused, null);
            Tell(status.Cause, ended.Differences);
        }
        catch (InvalidConfiguration exception)
        {
            // A rule that only the fleet knows, such as a server type that nobody has registered.
            ended = Refused(status with { Errors = [new ConfigurationError("", null, exception.Message, "") { File = status.File }] });
        }

        // Not over a later load, whose changes may have ended before these.
        Interlocked.CompareExchange(ref _status, ended, status);
        if (ended.Valid)
        {
            Ended?.Invoke(ended);
        }

        return ended;
    }

    private ConfigurationStatus Refused(ConfigurationStatus status)
    {
        // The file's own watch reloads what somebody has just had reloaded over the API: the same errors are told once.
        var errors = string.Join('\n', status.Errors);
        if (Interlocked.Exchange(ref _refused, errors) != errors)
        {
            LogRefused(_logger, status.Cause, errors);
            _manager.Events.Tell(new FleetEvent { Type = FleetEventType.Configuration, Reason = $"it was loaded again ({status.Cause}) and has errors, so nothing was changed:\n{errors}" });
        }

        Ended?.Invoke(status);
        return status;
    }

    private void Tell(string cause, ReloadDifferences differences)
    {
        _manager.Events.Tell(new FleetEvent
        {
            Type = FleetEventType.Configuration,
            Reason = $"it was loaded again ({cause}). Added: {Names(differences.Added)}. Removed: {Names(differences.Removed)}. Changed: {Names(differences.Changed)}."
                + string.Concat(differences.Failed.Select(static failure => $" {failure.Id}: {failure.Reason}")),
        });
        LogReloaded(_logger, cause, Names(differences.Added), Names(differences.Removed), Names(differences.Changed), differences.Unchanged.Count);
        foreach (var failure in differences.Failed)
        {
            LogServerFailed(_logger, failure.Id, failure.Reason);
        }

        if (differences.NeedRestart.Count != 0)
        {
            LogNeedsRestart(_logger, string.Join(", ", differences.NeedRestart));
        }
    }

    private static string Names(IReadOnlyList<string> ids) => ids.Count == 0 ? "none" : string.Join(", ", ids);

    [LoggerMessage(EventIds.ConfigurationReloaded, LogLevel.Information, "The configuration was reloaded ({Cause}). Added: {Added}. Removed: {Removed}. Changed: {Changed}. Unchanged: {Unchanged}.")]
    private static partial void LogReloaded(ILogger logger, string cause, string added, string removed, string changed, int unchanged);

    [LoggerMessage(EventIds.ConfigurationRefused, LogLevel.Error, "The configuration was loaded again ({Cause}) and has errors. Nothing was changed; what was in force stays so.\n{Errors}")]
    private static partial void LogRefused(ILogger logger, string cause, string errors);

    [LoggerMessage(EventIds.ConfigurationServerFailed, LogLevel.Warning, "Server {Server} could not be brought in line with the configuration: {Reason}")]
    private static partial void LogServerFailed(ILogger logger, string server, string reason);

    [LoggerMessage(EventIds.ConfigurationNeedsRestart, LogLevel.Warning, "Changed in the configuration, but in force only after a restart of Fairlead: {Keys}.")]
    private static partial void LogNeedsRestart(ILogger logger, string keys);
}
