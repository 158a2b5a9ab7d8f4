using Fairlead.Audit;
using Fairlead.Configuration;
using Fairlead.Exchanges.Tasks;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>Sends an exchange on its road: limits, instance, permit, slot, frame (steps 3 to 6 of docs/architecture.md). No lock and no allocation when the server is ready.</summary>
internal sealed class CallDispatcher : IDisposable
{
    private readonly Fleet _fleet;
    private readonly DeadlineSweep _sweep;
    private readonly long _idleTicksDefault;
    private readonly long _hardTicks;
    private readonly TimeSpan _turnWaitMax;
    private readonly CallRecovery _recovery;

    private readonly AuditLog? _audit;

    /// <summary>Reads servers from <paramref name="fleet"/> and limits from <paramref name="limits"/>.</summary>
    public CallDispatcher(Fleet fleet, DeadlineSweep sweep, LimitsOptions limits, AuditLog? audit = null)
    {
        _audit = audit;
        _fleet = fleet;
        _sweep = sweep;
        _idleTicksDefault = sweep.Ticks(limits.RequestTimeout);
        _hardTicks = sweep.Ticks(limits.RequestTimeoutMax);
        _turnWaitMax = limits.RequestTimeoutMax;
        _recovery = new CallRecovery(this, fleet, sweep);
    }

    /// <summary>Sends the call to its server's instance for <paramref name="caller"/>, waiting while the server starts or wakes (decision 12).</summary>
    /// <param name="exchange">Filled with request, client and cell. When this returns it is on its way or has failed; it is never neither.</param>
    /// <param name="caller">Whose call it is.</param>
    /// <param name="cancellationToken">The client went away while the call waited for the server.</param>
    public ValueTask SendAsync(Exchange exchange, Caller caller, CancellationToken cancellationToken)
    {
        exchange.Caller = caller;
        exchange.Recovery = _recovery;
        if (_audit is { MustRefuse: true, RecordsCalls: true })
        {
            exchange.Fail(ForwardError.AuditFull, null);
            return default;
        }

        exchange.HardDeadline = _hardTicks == 0 ? long.MaxValue : _sweep.Now + _hardTicks;
        return TryAdmit(exchange, isRepeated: false) ? SendAdmittedAsync(exchange, caller, cancellationToken) : default;
    }

    /// <summary>Sends a call once more that has failed.</summary>
    internal ValueTask ResendAsync(Exchange exchange)
    {
        if (exchange.IsGivenUp)
        {
            exchange.Fail(ForwardError.ClientCancelled, null);
            return default;
        }

        return TryAdmit(exchange, isRepeated: true) ? SendAdmittedAsync(exchange, exchange.Caller!, CancellationToken.None) : default;
    }

    /// <summary>Sends a call to another server than the one that failed. The exchange says where to; its rates and circuits count.</summary>
    internal void SendElsewhere(Exchange exchange)
    {
        // Beside the thread that told of the failure: it may be another server's reader, which must not wait.
        ThreadPool.UnsafeQueueUserWorkItem(
            static state => _ = state.Dispatcher.SendAsync(state.Exchange, state.Exchange.Caller!, CancellationToken.None).AsTask(), (Dispatcher: this, Exchange: exchange), preferLocal: false);
    }

    /// <inheritdoc/>
    public void Dispose() => _recovery.Dispose();

    private bool TryAdmit(Exchange exchange, bool isRepeated)
    {
        if (exchange.Trace is { } trace)
        {
            CallSpans.BeginGuard(trace, exchange.Cell!);
        }

        return exchange.TryAdmit(
            exchange.Cell!, exchange.Caller!.Owner, exchange.RequestEnvelope.KnownMethod == McpMethod.ToolsCall ? exchange.Route?.Tool : null, isRepeated, _sweep.Now);
    }

    private ValueTask SendAdmittedAsync(Exchange exchange, Caller caller, CancellationToken cancellationToken)
    {
        var cell = exchange.Cell!;
        var snapshot = cell.Current;
        if (_fleet.IsShuttingDown)
        {
            exchange.Fail(ForwardError.ShuttingDown, null);
            return default;
        }

        if (!snapshot.IsCallable)
        {
            return SendSlowlyAsync(exchange, caller, cancellationToken);
        }

        // Asked for every call, also of servers that never asked anything: which sessions have used the shared instance decides later (decision 8.3).
        var own = cell.InstanceFor is { } instanceFor ? instanceFor(caller, cancellationToken) : default;
        if (own.IsCompletedSuccessfully)
        {
            return SendInTurn(exchange, caller, snapshot, own.Result ?? cell.Choose(snapshot, caller), cancellationToken);
        }

        return SendToOwnAsync(exchange, caller, snapshot, own, cancellationToken);
    }

    private async ValueTask SendToOwnAsync(
        Exchange exchange, Caller caller, ServerSnapshot snapshot, ValueTask<UpstreamConnection?> own, CancellationToken cancellationToken)
    {
        var timeout = TimeSpan.FromMilliseconds(snapshot.Config.TimeoutMs);
        try
        {
            var connection = await own.AsTask().WaitAsync(timeout, _sweep.TimeProvider, cancellationToken).ConfigureAwait(false);
            await SendInTurn(exchange, caller, snapshot, connection ?? exchange.Cell!.Choose(snapshot, caller), cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            exchange.Fail(ForwardError.StartTimedOut, $"its instance for this client is not ready after {timeout.TotalSeconds:0.#} s");
        }
        catch (OperationCanceledException)
        {
            exchange.Fail(ForwardError.ClientCancelled, null);
        }
        catch (ConnectionFailed exception)
        {
            exchange.Fail(ForwardError.ServerUnavailable, exception.Message);
        }
    }

    private async ValueTask SendSlowlyAsync(Exchange exchange, Caller caller, CancellationToken cancellationToken)
    {
        var cell = exchange.Cell!;
        var timeout = TimeSpan.FromMilliseconds(cell.Current.Config.TimeoutMs);
        using var deadline = new CancellationTokenSource(timeout, _sweep.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            var snapshot = await cell.WaitAsync(either.Token).ConfigureAwait(false);
            if (!snapshot.IsCallable)
            {
                exchange.Fail(CallFailures.Of(snapshot.State), Describe(snapshot));
                return;
            }

            var own = cell.InstanceFor is { } instanceFor ? await instanceFor(caller, either.Token).ConfigureAwait(false) : null;
            await SendInTurn(exchange, caller, snapshot, own ?? cell.Choose(snapshot, caller), cancellationToken).ConfigureAwait(false);
        }
        catch (ConnectionFailed exception)
        {
            exchange.Fail(ForwardError.ServerUnavailable, exception.Message);
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            var byClient = cancellationToken.IsCancellationRequested;
            exchange.Fail(
                byClient ? ForwardError.ClientCancelled : ForwardError.StartTimedOut,
                byClient ? null : $"it is still {cell.Current.State} after {timeout.TotalSeconds:0.#} s");
        }
    }

    private ValueTask SendInTurn(Exchange exchange, Caller caller, ServerSnapshot snapshot, UpstreamConnection connection, CancellationToken cancellationToken)
    {
        if (snapshot.Config.Interactive == InteractiveMode.Serial && caller.Owner is { } owner && connection is MultiplexedConnection { Identity.IsModern: false })
        {
            return AwaitTurnAsync(exchange, caller, snapshot, connection, exchange.Cell!.TurnOf(owner), cancellationToken);
        }

        return SendLoudEnough(exchange, caller, snapshot, connection);
    }

    /// <summary>One call of an owner after the other (decision 8.4), so that a question can only be about the one that is open. The turn ends with the exchange.</summary>
    private async ValueTask AwaitTurnAsync(
        Exchange exchange, Caller caller, ServerSnapshot snapshot, UpstreamConnection connection, SemaphoreSlim turn, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(_hardTicks == 0 ? Timeout.InfiniteTimeSpan : _turnWaitMax, _sweep.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            await turn.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            var byClient = cancellationToken.IsCancellationRequested;
            exchange.Fail(
                byClient ? ForwardError.ClientCancelled : ForwardError.TooManyCalls,
                byClient ? null : "another call of this client has not ended, and \"interactive\": \"serial\" lets one run at a time");
            return;
        }

        exchange.Turn = turn;
        await SendLoudEnough(exchange, caller, snapshot, connection).ConfigureAwait(false);
    }

    /// <summary>Sends the call when the server logs at least what it asks for.</summary>
    private ValueTask SendLoudEnough(Exchange exchange, Caller caller, ServerSnapshot snapshot, UpstreamConnection connection)
    {
        if (connection.Verbosity.IsQuieterThan(LogLevelOf(exchange)))
        {
            return SendLouderAsync(exchange, caller, snapshot, connection);
        }

        Send(exchange, caller, snapshot, connection);
        return default;
    }

    private async ValueTask SendLouderAsync(Exchange exchange, Caller caller, ServerSnapshot snapshot, UpstreamConnection connection)
    {
        await connection.Verbosity.RaiseAsync(LogLevelOf(exchange), byRequest: exchange.Client is null).ConfigureAwait(false);
        Send(exchange, caller, snapshot, connection);
    }

    /// <summary>The level that a call wants its server to log at: its session's, or its own.</summary>
    private static int LogLevelOf(Exchange exchange)
    {
        if (exchange.Client is { } client)
        {
            return client.LogLevel;
        }

        var level = exchange.RequestEnvelope.MetaLogLevel;
        return level.Exists ? LogSeverity.Of(level.Of(exchange.Request.Span)) : LogSeverity.None;
    }

    private void Send(Exchange exchange, Caller caller, ServerSnapshot snapshot, UpstreamConnection connection)
    {
        var now = _sweep.Now;
        var idle = snapshot.IdleTicks(_sweep, _idleTicksDefault);
        exchange.Owner = caller.Owner ?? exchange;
        exchange.IdleTicks = idle;
        exchange.IdleDeadline = idle == 0 ? long.MaxValue : now + idle;
        exchange.WantsProgress = exchange.RequestEnvelope.ProgressToken.Exists;
        if (connection.Tasks != TaskForm.None)
        {
            TaskTraffic.Admit(exchange, connection);
        }

        if (snapshot.Trial is { IsShadow: true } shadow)
        {
            ShadowCalls.Copy(shadow, exchange.Cell!, exchange, now);
        }

        exchange.SendTo(connection, exchange.Cell!, isShared: snapshot.IsShared(connection), now);
    }

    private static string Describe(ServerSnapshot snapshot)
    {
        var retry = snapshot.NextRetry is { } at ? $"; the next try is at {at:HH:mm:ss}" : "";
        return snapshot.Reason is null ? $"it is {snapshot.State}{retry}" : $"it is {snapshot.State}: {snapshot.Reason}{retry}";
    }
}
