using Fairlead.Configuration;
using Fairlead.Diagnostics;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>Carries on calls that failed: once more after a while, where that can do no harm (product D2, decision 15), then with the fallbacks of the server.</summary>
/// <remarks>
/// A call that is carried on is the same object, opened again: its client waits on, its deadlines go on, and what cancelled it meanwhile is seen before it is sent. Nothing of it has reached its
/// client yet. The one timer runs only while calls wait. Any thread.
/// </remarks>
internal sealed class CallRecovery : IDisposable
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(25);

    private readonly Lock _lock = new();
    private readonly PriorityQueue<Exchange, long> _waiting = new();
    private readonly CallDispatcher _dispatcher;
    private readonly Fleet _fleet;
    private readonly DeadlineSweep _sweep;
    private ITimer? _timer;
    private bool _disposed;

    /// <summary>Carries on through <paramref name="dispatcher"/>.</summary>
    public CallRecovery(CallDispatcher dispatcher, Fleet fleet, DeadlineSweep sweep)
    {
        _dispatcher = dispatcher;
        _fleet = fleet;
        _sweep = sweep;
    }

    /// <summary>Decides about a call that has just failed. Must not block.</summary>
    /// <returns>True when it goes on; the reference of its slot is then kept here.</returns>
    public bool TryBegin(Exchange exchange, ForwardError error)
    {
        return TryRetry(exchange, error) || (!_fleet.IsShuttingDown && CallFallback.TryBegin(exchange, error, _fleet, _dispatcher));
    }

    private bool TryRetry(Exchange exchange, ForwardError error)
    {
        var retry = exchange.Cell!.Current.Config.Retry;
        if (!ForwardErrors.IsServerFailure(error) || exchange.Tries >= retry.Attempts || _fleet.IsShuttingDown || exchange.IsGivenUp || exchange.HasDelivered
            || !(exchange.IsQueued || MayRepeat(exchange)))
        {
            return false;
        }

        var due = _sweep.Now + _sweep.Ticks(DelayOf(retry, exchange.Tries));
        if (due >= exchange.HardDeadline)
        {
            return false;
        }

        exchange.Tries++;
        lock (_lock)
        {
            if (_disposed)
            {
                return false;
            }

            exchange.Cell.Counters.NoteRetry();
            _waiting.Enqueue(exchange, due);
            _timer ??= _sweep.TimeProvider.CreateTimer(static state => ((CallRecovery)state!).Look(), this, s_look, s_look);
        }

        return true;
    }

    /// <summary>How long to wait after so many tries.</summary>
    public static TimeSpan DelayOf(RetryOptions retry, int tries) => Backoff.Delay(
        TimeSpan.FromMilliseconds(retry.DelayMs), retry.Factor, TimeSpan.FromMilliseconds(retry.DelayMaxMs), tries - 1, retry.JitterPercent / 100.0);

    /// <summary>A server that was lost is started again soon: worth waiting for, as long as a retry may wait at all.</summary>
    public static async Task WaitForRestartAsync(ServerCell cell, TimeProvider time, CancellationToken cancellationToken)
    {
        using var longest = new CancellationTokenSource(TimeSpan.FromMilliseconds(cell.Current.Config.Retry.DelayMaxMs), time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(longest.Token, cancellationToken);
        while (!limit.IsCancellationRequested)
        {
            var changed = cell.Changed;
            if (cell.Current is not { State: ServerState.Unhealthy, NextRetry: not null })
            {
                return;
            }

            await changed.WaitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Fails what waits.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _timer?.Dispose();
            _timer = null;
        }

        while (TakeDue(long.MaxValue) is { } exchange)
        {
            exchange.Fail(ForwardError.ShuttingDown, null);
        }
    }

    /// <summary>Reading changes nothing; of tools, those that say so of themselves. One that lies harms its own server alone.</summary>
    public static bool MayRepeat(Exchange exchange) => exchange.RequestEnvelope.KnownMethod switch
    {
        McpMethod.ResourcesRead or McpMethod.PromptsGet or McpMethod.CompletionComplete or McpMethod.TasksGet => true,
        McpMethod.ToolsCall => exchange is { TaskAtServer: null, Route.Entry.MayRepeat: true },
        _ => false,
    };

    private void Look()
    {
        while (TakeDue(_sweep.Now) is { } exchange)
        {
            // Ends with the exchange: sent again, or failed.
            _ = ResendAsync(exchange);
        }
    }

    private Exchange? TakeDue(long now)
    {
        lock (_lock)
        {
            if (_waiting.TryPeek(out var exchange, out var due) && due <= now)
            {
                return _waiting.Dequeue();
            }

            if (_waiting.Count == 0)
            {
                _timer?.Dispose();
                _timer = null;
            }

            return null;
        }
    }

    private async Task ResendAsync(Exchange exchange)
    {
        try
        {
            if (!exchange.IsGivenUp)
            {
                await WaitForRestartAsync(exchange.Cell!, _sweep.TimeProvider, CancellationToken.None).ConfigureAwait(false);
            }

            await _dispatcher.ResendAsync(exchange).ConfigureAwait(false);
        }
        catch (Exception bug)
        {
            // The edge of the request: its client must not wait for ever because of a bug of ours.
            exchange.Fail(ForwardError.SendFailed, "an unexpected error in Fairlead itself: " + bug.Message);
        }
    }
}
