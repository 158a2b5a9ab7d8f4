using System.Runtime.CompilerServices;
using Fairlead.Actors;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Diagnostics;
using Fairlead.Routing;
using Fairlead.Sessions;
using Fairlead.Upstreams;
using Fairlead.Upstreams.Http;
using Fairlead.Wire;
using Microsoft.Extensions.Logging;

namespace Fairlead.Servers;

/// <summary>The instances of one server that do not serve everybody: of a server that asks, one for each owner (on a pipe) or for each set of what owners can be asked for and of their extensions (over HTTP), and of one that is isolated by hand (decision 8.3, 8.5).</summary>
/// <remarks>
/// Called by the request path on any thread; when no instance of its own is due, a call costs a look at the snapshot and one at a weak table.
/// Owners are held weakly. An instance ends when its owner is released or collected, when nobody used it for <c>instanceIdle</c>, or with its server.
/// Always holds: at most <c>instancesPerServerMax</c> instances; a key has at most one.
/// </remarks>
internal sealed partial class OwnInstances
{
    private static readonly ClientInput s_all = ClientInputs.Of(Handshake.SharedCapabilities, ProtocolVersion.V20260728);

    private readonly FleetResources _resources;
    private readonly Func<ServerCell> _cell;
    private readonly ServerStart _start;
    private readonly BackgroundWork _work;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly List<OwnInstance> _all = [];
    private readonly ConditionalWeakTable<object, OwnInstance> _byKey = [];

    // Sessions that have used the shared instance: they may have left state there and stay with it.
    private readonly ConditionalWeakTable<object, object> _usedShared = [];

    // The only one that has used it; null when there were several, or none.
    private volatile WeakReference<object>? _soleUser;
    private volatile bool _isShared;

    // Of instances over HTTP, and on pipes of those that cannot ask: they mix nobody up.
    private readonly InstancePools _pools;
    private ITimer? _idleTimer;
    private bool _ended;

    /// <summary>Starts with none.</summary>
    /// <param name="resources">What all servers share.</param>
    /// <param name="cell">The server; asked for when the first instance starts.</param>
    /// <param name="start">How instances of this server are started.</param>
    /// <param name="work">Keeps the starts and stops.</param>
    /// <param name="logger">The server's log.</param>
    public OwnInstances(FleetResources resources, Func<ServerCell> cell, ServerStart start, BackgroundWork work, ILogger logger)
    {
        _resources = resources;
        _cell = cell;
        _start = start;
        _work = work;
        _logger = logger;
        Warm = new WarmPool(resources, start);
        _pools = new InstancePools(2 * resources.Options.Limits.InstancesPerServerMax);
    }

    /// <summary>Processes that are ready for owners to come.</summary>
    public WarmPool Warm { get; }

    /// <summary>How many exist at the moment, starting ones included.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _all.Count;
            }
        }
    }

    /// <summary>How each of them stands.</summary>
    public IReadOnlyList<InstancePlace> Places
    {
        get
        {
            lock (_lock)
            {
                return [.. _all.Select(static instance => new InstancePlace(instance.Connection, instance.Failure))];
            }
        }
    }

    /// <summary>The connection that a call of <paramref name="caller"/> must use.</summary>
    /// <param name="snapshot">The server at this moment; callable.</param>
    /// <param name="caller">Who calls.</param>
    /// <param name="cancellationToken">Ends the wait for a start; the start goes on.</param>
    /// <returns>The caller's own instance; null = the shared one.</returns>
    /// <exception cref="ConnectionFailed">Isolation was asked for by hand and the instance could not be started.</exception>
    public ValueTask<UpstreamConnection?> ForAsync(ServerSnapshot snapshot, Caller caller, CancellationToken cancellationToken)
    {
        var key = KeyOf(snapshot, caller);
        if (key is null)
        {
            return default;
        }

        if (Find(key, snapshot, caller) is not { } instance)
        {
            return default;
        }

        return instance.Connection is { } ready ? new ValueTask<UpstreamConnection?>(ready) : AwaitAsync(instance, snapshot, cancellationToken);
    }

    /// <summary>The instance that <see cref="ForAsync"/> would give, and what it lacks of what the shared one has (null when nothing, or when that is not known). Null when it is the shared one, or not there yet: nothing is started.</summary>
    public (UpstreamConnection Connection, LessOffered? Less)? Existing(ServerSnapshot snapshot, Caller caller)
    {
        if (_all.Count == 0 || KeyOf(snapshot, caller, looksOnly: true) is not { } key)
        {
            return null;
        }

        lock (_lock)
        {
            return _byKey.TryGetValue(key, out var instance) && instance.Connection is { } connection ? (connection, instance.Lists?.Less) : null;
        }
    }

    /// <summary>Ends the instance of an owner who has gone. Calls of its that are open may end within the drain grace.</summary>
    public void Release(object owner)
    {
        lock (_lock)
        {
            if (_byKey.TryGetValue(owner, out var instance))
            {
                End_NeedsLock(instance, _resources.Options.Limits.DrainGrace);
            }
        }
    }

    /// <summary>Ends all of them.</summary>
    /// <param name="grace">How long open calls may take.</param>
    /// <param name="forGood">Whether no new one may be made afterwards.</param>
    /// <returns>Completes when their processes are gone.</returns>
    public Task EndAllAsync(TimeSpan grace, bool forGood)
    {
        lock (_lock)
        {
            _ended |= forGood;
            return Task.WhenAll(_all.ToArray().Select(instance => End_NeedsLock(instance, grace)));
        }
    }

    private object? KeyOf(ServerSnapshot snapshot, Caller caller, bool looksOnly = false) => snapshot.Config.Isolation switch
    {
        ServerIsolation.Shared => null,
        ServerIsolation.Session => caller.InstanceKey,
        ServerIsolation.Principal => caller.Principal ?? caller.InstanceKey,
        _ => snapshot.Shared switch
        {
            MultiplexedConnection { Identity.IsModern: false } => AutoKey(snapshot, caller, looksOnly),
            HttpConnection { Identity.IsModern: false } => PoolKey(snapshot, caller, looksOnly),
            _ => null,
        },
    };

    /// <summary>Over HTTP the stream tells whose call a question belongs to, and what may be asked and the extensions are all that is fixed for a session at the server: one for each set of them (protocol.md 5).</summary>
    private object? PoolKey(ServerSnapshot snapshot, Caller caller, bool looksOnly)
    {
        var usedShared = StaysWithShared(snapshot, caller);
        if (!snapshot.IsAsking)
        {
            if (!usedShared && !looksOnly && caller.Owner is not null)
            {
                NoteSharedUse(caller.Owner);
            }

            return null;
        }

        var input = ClientInputs.Of(caller.Capabilities, ProtocolVersion.V20260728);
        if ((usedShared && (caller.IsSession || input == ClientInput.None)) || ((s_all & ~input) == 0 && ClientExtensions.AreShared(caller.Extensions)))
        {
            return null;
        }

        return _pools.KeyOf(input, caller, looksOnly);
    }

    private object? AutoKey(ServerSnapshot snapshot, Caller caller, bool looksOnly)
    {
        if (!snapshot.IsAsking)
        {
            if (!looksOnly)
            {
                NoteSharedUse(caller.Owner);
            }

            return null;
        }

        var usedShared = StaysWithShared(snapshot, caller);
        if (caller.IsSession && usedShared)
        {
            return null;
        }

        // Nobody else is there: a process more would tell it nothing new.
        if (usedShared && _soleUser is { } sole && sole.TryGetTarget(out var alone) && ReferenceEquals(alone, caller.Owner))
        {
            return null;
        }

        // A client without a session may declare other things from request to request. Where nothing can be asked, it goes where it has been; else what it has serves it as long as that is enough.
        var input = ClientInputs.Of(caller.Capabilities, ProtocolVersion.V20260728);
        if (input == ClientInput.None && HasUsedShared(caller))
        {
            return null;
        }

        if (!caller.IsSession && !snapshot.Config.Stateless && caller.Owner is { } known && KeyOfOwner(known, input, caller.Extensions) is { } has)
        {
            return has;
        }

        // An instance that declares nothing askable cannot ask: owners that cannot be asked may share it.
        if (input == ClientInput.None)
        {
            return _pools.KeyOf(input, caller, looksOnly);
        }

        // Whoever can be asked and does not say who it is uses the shared instance, where it is asked while it is alone.
        if (caller.InstanceKey is null && !looksOnly)
        {
            NoteSharedUse(null);
        }

        return caller.InstanceKey;
    }

    /// <summary>Whether the owner has used the shared instance, and may have left something there.</summary>
    private bool StaysWithShared(ServerSnapshot snapshot, Caller caller) => !snapshot.Config.Stateless && HasUsedShared(caller);

    private bool HasUsedShared(Caller caller) => caller.Owner is { } user && _usedShared.TryGetValue(user, out _);

    private void NoteSharedUse(object? owner)
    {
        if (owner is null)
        {
            _isShared = true;
            _soleUser = null;
        }
        else if (!_usedShared.TryGetValue(owner, out _))
        {
            lock (_lock)
            {
                _usedShared.AddOrUpdate(owner, owner);
                _soleUser = _isShared ? null : new WeakReference<object>(owner);
                _isShared = true;
            }
        }
    }

    /// <summary>The key of an instance that works for this owner and declares at least this much; null when there is none.</summary>
    private object? KeyOfOwner(object owner, ClientInput input, byte[] extensions)
    {
        lock (_lock)
        {
            foreach (var instance in _all)
            {
                if ((instance.Declares & input) == input && (extensions.Length == 0 || instance.Extensions.AsSpan().SequenceEqual(extensions)) && instance.Owner is { } reference && reference.TryGetTarget(out var other) && ReferenceEquals(other, owner)
                    && instance.Key.TryGetTarget(out var key))
                {
                    return key;
                }
            }
        }

        return null;
    }

    private OwnInstance? Find(object key, ServerSnapshot snapshot, Caller caller)
    {
        var now = _resources.Time.GetTimestamp();
        lock (_lock)
        {
            if (_byKey.TryGetValue(key, out var known) && !IsSpent_NeedsLock(known, isReplaced: true))
            {
                known.LastUsed = known.Failure is null ? now : known.LastUsed;
                return known;
            }

            var max = _resources.Options.Limits.InstancesPerServerMax;
            if (_ended || _all.Count >= max)
            {
                _pools.Forget(key);
                LogFull(_logger, snapshot.Config.Name, max);
                return null;
            }

            // An instance that several owners of one principal share is told what the shared one is told; who is asked is then decided by the question.
            var isOwners = ReferenceEquals(key, caller.InstanceKey);
            var capabilities = isOwners || snapshot.Config.Isolation == ServerIsolation.Auto
                ? ToldCapabilities.Of(caller)
                : Handshake.SharedCapabilities.ToArray();
            var instance = new OwnInstance(key, isOwners ? caller.Owner : null, ClientInputs.Of(capabilities.Span, ProtocolVersion.V20260728), ClientExtensions.Of(capabilities.Span), now);
            _all.Add(instance);
            _byKey.AddOrUpdate(key, instance);
            var starting = new TaskCompletionSource<UpstreamConnection?>(TaskCreationOptions.RunContinuationsAsynchronously);
            instance.Starting = starting.Task;
            var asks = isOwners ? new WeakReference<Caller>(caller) : null;
            _work.Run(() => StartAsync(instance, snapshot, capabilities, asks, starting));
            ArmIdleTimer_NeedsLock();
            return instance;
        }
    }

    private async Task StartAsync(
        OwnInstance instance, ServerSnapshot snapshot, ReadOnlyMemory<byte> capabilities, WeakReference<Caller>? owner, TaskCompletionSource<UpstreamConnection?> starting)
    {
        using var lists = new OwnLists(_resources, _cell(), _work);

        void Wire(UpstreamConnection connection)
        {
            // Weak, as the key is: the instance must not keep alive whom it ends with.
            connection.AskOwner = question => owner is not null && owner.TryGetTarget(out var caller) && caller.Ask?.Invoke(question) == true;
            connection.NotificationReceived = lists.Notified;
            connection.Refused = why => (_cell().Current.Shared as HttpConnection)?.Unreachable?.Invoke(why);
        }

        var server = snapshot.Config.Name;
        StartResult result;
        try
        {
            result = await _start.RunAsync(snapshot.Config, capabilities, Wire, instance.Cancel.Token, Warm).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            result = new StartResult(StartOutcome.Failed, null, "it was stopped while it started");
        }

        if (result.Connection is not { } connection)
        {
            lock (_lock)
            {
                instance.Failure = result.Reason;
                instance.LastUsed = _resources.Time.GetTimestamp();
            }

            LogFailed(_logger, server, result.Reason ?? "");
            starting.TrySetResult(null);
            return;
        }

        LogStarted(_logger, server, System.Text.Encoding.UTF8.GetString(capabilities.Span));
        starting.TrySetResult(connection);
        instance.Lists = lists;
        await lists.ReadAsync(connection).ConfigureAwait(false);
        var reason = await connection.Lost.ConfigureAwait(false);
        lock (_lock)
        {
            if (_all.Contains(instance))
            {
                LogLost(_logger, server, reason);
                End_NeedsLock(instance, TimeSpan.Zero);
            }
        }
    }

    private static async ValueTask<UpstreamConnection?> AwaitAsync(OwnInstance instance, ServerSnapshot snapshot, CancellationToken cancellationToken)
    {
        if (await instance.Starting.WaitAsync(cancellationToken).ConfigureAwait(false) is { } connection)
        {
            return connection;
        }

        // On the shared instance a question meets nobody but its only caller: falling back is safe where isolation was not demanded.
        return snapshot.Config.Isolation == ServerIsolation.Auto ? null : throw new ConnectionFailed(
            $"An instance of '{snapshot.Config.Name}' for this client could not be started: {instance.Failure}. Mend that, or set \"isolation\": \"shared\".") { ServerId = snapshot.Config.Name };
    }

    /// <summary>Whether an instance is of no use any more; a failed start is not repeated before the shortest restart delay has passed.</summary>
    /// <param name="instance">One of them; ended when it is of no use.</param>
    /// <param name="isReplaced">Whether another one follows under its key.</param>
    private bool IsSpent_NeedsLock(OwnInstance instance, bool isReplaced = false)
    {
        var spent = instance.Connection is { Lost.IsCompleted: true }
            || (instance.Failure is not null && _resources.Time.GetElapsedTime(instance.LastUsed) >= _resources.Options.Limits.RestartBase);
        if (spent)
        {
            End_NeedsLock(instance, TimeSpan.Zero, isReplaced);
        }

        return spent;
    }

    private Task End_NeedsLock(OwnInstance instance, TimeSpan grace, bool isReplaced = false)
    {
        if (!_all.Remove(instance))
        {
            return Task.CompletedTask;
        }

        if (instance.Key.TryGetTarget(out var key) && _byKey.TryGetValue(key, out var current) && current == instance)
        {
            _byKey.Remove(key);
            if (!isReplaced)
            {
                _pools.Forget(key);
            }
        }

        if (_all.Count == 0)
        {
            _idleTimer?.Dispose();
            _idleTimer = null;
        }

        return _work.Run(async () =>
        {
            if (!instance.Starting.IsCompleted)
            {
                await instance.Cancel.CancelAsync().ConfigureAwait(false);
            }

            if (await instance.Starting.ConfigureAwait(false) is { } connection)
            {
                await Drain.WaitAsync(connection, grace, _resources.Time).ConfigureAwait(false);
                await connection.DisposeAsync().ConfigureAwait(false);
            }

            instance.Cancel.Dispose();
        });
    }

    private void ArmIdleTimer_NeedsLock()
    {
        if (_idleTimer is null)
        {
            var period = _resources.Options.Limits.InstanceIdle / 5;
            _idleTimer = _resources.Time.CreateTimer(static state => ((OwnInstances)state!).EndIdle(), this, period, period);
        }
    }

    private void EndIdle()
    {
        lock (_lock)
        {
            foreach (var instance in _all.ToArray())
            {
                var isIdle = instance.Connection is { } connection && connection.Pending.CountOpen() == 0
                    && _resources.Time.GetElapsedTime(instance.LastUsed) >= _resources.Options.Limits.InstanceIdle;
                if (isIdle || !instance.Key.TryGetTarget(out _))
                {
                    End_NeedsLock(instance, TimeSpan.Zero);
                }
                else
                {
                    IsSpent_NeedsLock(instance);
                }
            }
        }
    }

    [LoggerMessage(EventIds.ServerInstancesFull, LogLevel.Warning,
        "Server {Server} has {Max} instances, as many as instancesPerServerMax allows; this client uses the shared one, where questions may be declined.")]
    private static partial void LogFull(ILogger logger, string server, int max);

    [LoggerMessage(EventIds.ServerInstanceStarted, LogLevel.Information, "Server {Server}: an instance for one client is ready; it declares {Capabilities}.")]
    private static partial void LogStarted(ILogger logger, string server, string capabilities);

    [LoggerMessage(EventIds.ServerInstanceFailed, LogLevel.Warning, "Server {Server}: an instance for one client could not be started: {Reason}")]
    private static partial void LogFailed(ILogger logger, string server, string reason);

    [LoggerMessage(EventIds.ServerInstanceLost, LogLevel.Warning, "Server {Server}: the instance of one client was lost: {Reason}. The client's next call starts another.")]
    private static partial void LogLost(ILogger logger, string server, string reason);
}
