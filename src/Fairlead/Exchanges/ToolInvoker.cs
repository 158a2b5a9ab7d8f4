using System.Runtime.CompilerServices;
using Fairlead.Audit;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Upstreams.InProcess;

namespace Fairlead.Exchanges;

/// <summary>Runs tool calls of callers inside this process, from the published snapshots: no mailbox, no lock, and no framing for <see cref="ITool"/>s (B2, decision 11).</summary>
/// <remarks>A call of a tool object allocates its result and nothing else, whether the tool ends at once or later. Guards, deadlines and counters are those of calls from clients.</remarks>
internal sealed class ToolInvoker
{
    private readonly Fleet _fleet;
    private readonly DeadlineSweep _sweep;
    private readonly TimeProvider _time;
    private readonly LocalClient _client;
    private readonly LocalCalls _calls;
    private readonly long _hardTicks;
    private readonly AuditLog? _audit;

    /// <summary>Reads servers from <paramref name="fleet"/>.</summary>
    public ToolInvoker(Fleet fleet, DeadlineSweep sweep, FairleadOptions options, LocalClient client, AuditLog? audit)
    {
        _audit = audit;
        _fleet = fleet;
        _sweep = sweep;
        _time = sweep.TimeProvider;
        _client = client;
        _calls = new LocalCalls(sweep, options, client, audit);
        _hardTicks = sweep.Ticks(options.Limits.RequestTimeoutMax);
    }

    /// <summary>Calls a tool.</summary>
    /// <param name="server">Id of the server.</param>
    /// <param name="tool">The tool's name on <c>/mcp/&lt;server&gt;</c>.</param>
    /// <param name="arguments">A JSON object that has been checked, or empty for none. Read until the call has ended.</param>
    /// <param name="progress">Told what the server says of its progress, in its order and before the result; null = nobody wants to know.</param>
    /// <param name="cancellationToken">Gives the call up; the server is told.</param>
    /// <returns>The result, also one with <c>isError</c>. To be awaited once, as every value task.</returns>
    public ValueTask<ToolResult> CallAsync(string server, string tool, ReadOnlyMemory<byte> arguments, IProgress<ToolProgress>? progress, CancellationToken cancellationToken)
    {
        var isKnown = _fleet.TryGet(server, out var cell) || _fleet.TryGet(ServerName.ToSlug(server), out cell);
        if (_fleet.IsShuttingDown)
        {
            throw isKnown ? _calls.Refuse(cell!, tool, ForwardError.ShuttingDown) : RuntimeShutdown.Now();
        }

        if (!isKnown)
        {
            throw ServerNotFound.For(server, _fleet.Current.InOrder.Select(static cell => cell.Name));
        }

        if (_audit is { MustRefuse: true, RecordsCalls: true })
        {
            throw _calls.Refuse(cell!, tool, ForwardError.AuditFull);
        }

        var snapshot = cell!.Current;

        // Faults lie on connections, and a changed server that is tried has tools of its own: as long as there are any of these, the call goes over a connection.
        return snapshot is { IsCallable: true, Tools: { } tools, Trial: null, Shared.Faults: null } && tools.Find(tool) is { } direct && IsPlain(snapshot.Config)
            ? CallDirect(cell, snapshot, direct, arguments, cancellationToken)
            : CallUpstreamAsync(cell, tool, arguments, progress, cancellationToken);
    }

    private static bool IsPlain(ServerConfig config) =>
        config is { Expose: { Tools.Count: 0, Hide.Count: 0, Rename.Count: 0 }, Fallback.Order.Count: 0 };

    private ValueTask<ToolResult> CallDirect(ServerCell cell, ServerSnapshot snapshot, ITool tool, ReadOnlyMemory<byte> arguments, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<ToolResult>(cancellationToken);
        }

        var now = _sweep.Now;
        var caller = _client.Caller;
        var call = DirectCall.Rent(cell, tool, snapshot.Tools!.LocalContext, arguments, cancellationToken);
        call.Owner = caller.Owner;
        call.IdleTicks = snapshot.IdleTicks(_sweep, 0);
        call.IdleDeadline = call.IdleTicks == 0 ? long.MaxValue : now + call.IdleTicks;
        call.HardDeadline = _hardTicks == 0 ? long.MaxValue : now + _hardTicks;
        if (call.TryAdmit(cell, caller.Owner, cell.Guards.ToolOf(tool.Name), isRepeated: false, now))
        {
            var connection = cell.Choose(snapshot, caller);
            call.SendTo(connection, cell, snapshot.IsShared(connection), now);
        }

        if (call.IsComplete)
        {
            return End(call, cell, tool.Name, arguments, now, cancellationToken);
        }

        call.WatchCaller();
        return AwaitDirectAsync(call, cell, tool.Name, arguments, now, cancellationToken);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ToolResult> AwaitDirectAsync(DirectCall call, ServerCell cell, string tool, ReadOnlyMemory<byte> arguments, long started, CancellationToken cancellationToken)
    {
        while (!call.IsComplete)
        {
            await call.WaitAsync().ConfigureAwait(false);
        }

        return await End(call, cell, tool, arguments, started, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Counts a call that is complete and gives it up.</summary>
    private ValueTask<ToolResult> End(DirectCall call, ServerCell cell, string tool, ReadOnlyMemory<byte> arguments, long started, CancellationToken cancellationToken)
    {
        var error = call.Error;
        _calls.Record(cell, tool, call, started, arguments.Span);
        if (error == ForwardError.None)
        {
            var output = call.Output;
            call.Finish();
            return new ValueTask<ToolResult>(new ToolResult(output.ResultUtf8, output.IsError));
        }

        var failure = error == ForwardError.ClientCancelled ? null : CallFailures.From(error, cell.Name, call.ErrorDetail, call.RetryAfterMs, call.IsQueued);
        call.Finish();
        return failure is null ? ValueTask.FromCanceled<ToolResult>(cancellationToken)
            : MayTryAgain(failure, cell, tool, tries: 1) ? CallRepeatedlyAsync(cell, tool, arguments, null, failure, cancellationToken)
            : ValueTask.FromException<ToolResult>(failure);
    }

    /// <summary>Calls a tool; when its server cannot answer, with what the configuration says that stands in for it.</summary>
    private ValueTask<ToolResult> CallUpstreamAsync(
        ServerCell cell, string tool, ReadOnlyMemory<byte> arguments, IProgress<ToolProgress>? progress, CancellationToken cancellationToken) =>
        cell.Current.Config.Fallback.Order.Count == 0 || !cell.Offered.TryRouteTool(tool, out var route) || route.Entry is not { } entry
            ? CallRepeatedlyAsync(cell, tool, arguments, progress, null, cancellationToken)
            : CallOrFallBackAsync(cell, tool, entry, arguments, progress, cancellationToken);

    private async ValueTask<ToolResult> CallOrFallBackAsync(
        ServerCell cell, string tool, CatalogEntry entry, ReadOnlyMemory<byte> arguments, IProgress<ToolProgress>? progress, CancellationToken cancellationToken)
    {
        try
        {
            var result = await CallRepeatedlyAsync(cell, tool, arguments, progress, null, cancellationToken).ConfigureAwait(false);
            CallFallback.Keep(cell, entry, arguments.Span, result);
            return result;
        }
        catch (McpException failure) when (CallFallback.Helps(failure) && !cancellationToken.IsCancellationRequested)
        {
            var other = await CallFallback.FindAsync(cell, entry, arguments, _fleet, (server, name) => CallRepeatedlyAsync(server, name, arguments, progress, null, cancellationToken)).ConfigureAwait(false);
            if (other is null)
            {
                throw;
            }

            return other;
        }
    }

    /// <summary>Calls a tool, once more where that can do no harm and the failure may have passed.</summary>
    /// <param name="cell">The server.</param>
    /// <param name="tool">The tool.</param>
    /// <param name="arguments">Empty for none.</param>
    /// <param name="progress">Told of its progress; null = nobody is.</param>
    /// <param name="failure">How the first try has failed, after which another may follow; null when there was none yet.</param>
    /// <param name="cancellationToken">Gives the call up.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ToolResult> CallRepeatedlyAsync(
        ServerCell cell, string tool, ReadOnlyMemory<byte> arguments, IProgress<ToolProgress>? progress, McpException? failure, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            if (failure is null)
            {
                try
                {
                    return await _calls.CallAsync(cell, tool, arguments, progress, cancellationToken).ConfigureAwait(false);
                }
                catch (McpException exception) when (MayTryAgain(exception, cell, tool, tries))
                {
                    // Waited for below, as after a first try that was made elsewhere.
                }
            }

            failure = null;
            cell.Counters.NoteRetry();
            await Task.Delay(CallRecovery.DelayOf(cell.Current.Config.Retry, tries), _time, cancellationToken).ConfigureAwait(false);
            await CallRecovery.WaitForRestartAsync(cell, _time, cancellationToken).ConfigureAwait(false);
        }
    }

    private static bool MayTryAgain(McpException failure, ServerCell cell, string tool, int tries) =>
        failure is ConnectionFailed or McpTimeout && tries < cell.Current.Config.Retry.Attempts && cell.Current.IsCallableOrReturns
        && (failure is ConnectionFailed { IsUnsent: true } || LocalCalls.MayRepeat(cell, tool));
}
