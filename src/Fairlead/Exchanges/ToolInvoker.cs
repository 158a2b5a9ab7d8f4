using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Upstreams.InProcess;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>Runs tool calls of callers inside this process, from the published snapshots: no mailbox, no lock, and no framing for <see cref="ITool"/>s (B2, decision 11).</summary>
internal sealed class ToolInvoker
{
    private const int RoundsMax = 10;

    private readonly Fleet _fleet;
    private readonly DeadlineSweep _sweep;
    private readonly TimeProvider _time;
    private readonly LocalClient _client;
    private readonly bool _counts;
    private readonly long _hardTicks;

    /// <summary>Reads servers from <paramref name="fleet"/>.</summary>
    public ToolInvoker(Fleet fleet, DeadlineSweep sweep, FairleadOptions options, LocalClient client)
    {
        _fleet = fleet;
        _sweep = sweep;
        _time = sweep.TimeProvider;
        _client = client;
        _counts = options.EnableMetrics;
        _hardTicks = sweep.Ticks(options.Limits.RequestTimeoutMax);
    }

    /// <summary>Calls a tool.</summary>
    /// <param name="server">Id of the server.</param>
    /// <param name="tool">The tool's name on <c>/mcp/&lt;server&gt;</c>.</param>
    /// <param name="arguments">A JSON object that has been checked, or empty for none. Read until the call has ended.</param>
    /// <param name="progress">Told what the server says of its progress, in its order and before the result; null = nobody wants to know.</param>
    /// <param name="cancellationToken">Gives the call up; the server is told.</param>
    /// <returns>The result, also one with <c>isError</c>.</returns>
    public ValueTask<ToolResult> CallAsync(string server, string tool, ReadOnlyMemory<byte> arguments, IProgress<ToolProgress>? progress, CancellationToken cancellationToken)
    {
        if (_fleet.IsShuttingDown)
        {
            throw RuntimeShutdown.Now();
        }

        if (!_fleet.TryGet(server, out var cell) && !_fleet.TryGet(ServerName.ToSlug(server), out cell))
        {
            throw ServerNotFound.For(server, _fleet.Current.InOrder.Select(static cell => cell.Name));
        }

        var snapshot = cell.Current;
        // Faults lie on connections: as long as there are any, the call goes over one.
        if (snapshot is { IsCallable: true, Tools: { } tools, Shared.Faults: null } && tools.Find(tool) is { } direct && IsPlain(snapshot.Config))
        {
            return CallDirect(cell, tools, direct, arguments, cancellationToken);
        }

        return CallUpstreamAsync(cell, tool, arguments, progress, cancellationToken);
    }

    private static bool IsPlain(ServerConfig config) =>
        config is { Expose: { Tools.Count: 0, Hide.Count: 0, Rename.Count: 0 }, Fallback.Order.Count: 0 };

    private ValueTask<ToolResult> CallDirect(ServerCell cell, ToolSet tools, ITool tool, ReadOnlyMemory<byte> arguments, CancellationToken cancellationToken)
    {
        var started = _counts ? _time.GetTimestamp() : 0;
        ValueTask<ToolOutput> running;
        try
        {
            running = tool.InvokeAsync(arguments, tools.LocalContext, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            running = new ValueTask<ToolOutput>(ToolSetServer.Failure(tool, exception));
        }

        if (!running.IsCompletedSuccessfully)
        {
            return AwaitDirectAsync(cell, tool, running, started, cancellationToken);
        }

        var output = running.Result;
        Record(cell, started, failed: false);
        return new ValueTask<ToolResult>(new ToolResult(output.ResultUtf8, output.IsError));
    }

    private async ValueTask<ToolResult> AwaitDirectAsync(ServerCell cell, ITool tool, ValueTask<ToolOutput> running, long started, CancellationToken cancellationToken)
    {
        var failed = false;
        var timeout = TimeSpan.FromMilliseconds(cell.Current.Config.TimeoutMs);
        try
        {
            // A tool that ignores its token is left to itself; its caller is not.
            var output = await running.AsTask().WaitAsync(timeout, _time, cancellationToken).ConfigureAwait(false);
            return new ToolResult(output.ResultUtf8, output.IsError);
        }
        catch (TimeoutException) when (!running.IsCompleted)
        {
            failed = true;
            throw CallFailures.From(ForwardError.ServerTimedOut, cell.Name, $"the tool '{tool.Name}' did not end within {timeout.TotalSeconds:0.#} s");
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            var output = ToolSetServer.Failure(tool, exception);
            return new ToolResult(output.ResultUtf8, output.IsError);
        }
        finally
        {
            Record(cell, started, failed);
        }
    }

    /// <summary>Calls a tool; when its server cannot answer, with what the configuration says that stands in for it.</summary>
    private ValueTask<ToolResult> CallUpstreamAsync(
        ServerCell cell, string tool, ReadOnlyMemory<byte> arguments, IProgress<ToolProgress>? progress, CancellationToken cancellationToken) =>
        cell.Current.Config.Fallback.Order.Count == 0 || !cell.Offered.TryRoute(ListKind.Tools, JsonText.Quote(tool), out var route) || route.Entry is not { } entry
            ? CallRepeatedlyAsync(cell, tool, arguments, progress, cancellationToken)
            : CallOrFallBackAsync(cell, tool, entry, arguments, progress, cancellationToken);

    private async ValueTask<ToolResult> CallOrFallBackAsync(
        ServerCell cell, string tool, CatalogEntry entry, ReadOnlyMemory<byte> arguments, IProgress<ToolProgress>? progress, CancellationToken cancellationToken)
    {
        try
        {
            var result = await CallRepeatedlyAsync(cell, tool, arguments, progress, cancellationToken).ConfigureAwait(false);
            CallFallback.Keep(cell, entry, arguments.Span, result);
            return result;
        }
        catch (McpException failure) when (CallFallback.Helps(failure) && !cancellationToken.IsCancellationRequested)
        {
            var other = await CallFallback.FindAsync(cell, entry, arguments, _fleet, (server, name) => CallRepeatedlyAsync(server, name, arguments, progress, cancellationToken)).ConfigureAwait(false);
            if (other is null)
            {
                throw;
            }

            return other;
        }
    }

    /// <summary>Calls a tool, once more where that can do no harm and the failure may have passed.</summary>
    private async ValueTask<ToolResult> CallRepeatedlyAsync(
        ServerCell cell, string tool, ReadOnlyMemory<byte> arguments, IProgress<ToolProgress>? progress, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await CallOnceAsync(cell, tool, arguments, progress, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception failure) when (failure is ConnectionFailed or McpTimeout && tries < cell.Current.Config.Retry.Attempts && cell.Current.IsCallableOrReturns
                && (failure is ConnectionFailed { IsUnsent: true } || MayRepeat(cell, tool)))
            {
                await Task.Delay(CallRecovery.DelayOf(cell.Current.Config.Retry, tries), _time, cancellationToken).ConfigureAwait(false);
                await CallRecovery.WaitForRestartAsync(cell, _time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static bool MayRepeat(ServerCell cell, string tool) =>
        cell.Offered.TryRoute(ListKind.Tools, JsonText.Quote(tool), out var route) && route.Entry is { MayRepeat: true };

    private async ValueTask<ToolResult> CallOnceAsync(
        ServerCell cell, string tool, ReadOnlyMemory<byte> arguments, IProgress<ToolProgress>? progress, CancellationToken cancellationToken)
    {
        var (connection, isShared, idleTicks) = await ConnectAsync(cell, cancellationToken).ConfigureAwait(false);
        var route = Route(cell, tool);
        ReadOnlyMemory<byte> round = default;
        for (var rounds = 0; ; rounds++)
        {
            var result = await SendAsync(route, connection, isShared, idleTicks, tool, arguments, round, progress, cancellationToken).ConfigureAwait(false);
            if (!connection.Identity.IsModern || !IsInputRequired(result.Span))
            {
                return ToolResult.FromAnswer(result);
            }

            var next = rounds == RoundsMax ? null : await _client.AnswerAllAsync(result, cell.Name, cancellationToken).ConfigureAwait(false);
            round = next ?? throw CallFailures.From(
                ForwardError.InputNotPossible, cell.Name, rounds == RoundsMax ? $"it asked more than {RoundsMax} times in one call" : "set OnElicitation or OnSampling on the manager to answer");
        }
    }

    private async ValueTask<(UpstreamConnection Connection, bool IsShared, long IdleTicks)> ConnectAsync(ServerCell cell, CancellationToken cancellationToken)
    {
        var timeout = TimeSpan.FromMilliseconds(cell.Current.Config.TimeoutMs);
        using var deadline = new CancellationTokenSource(timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            var snapshot = await cell.WaitAsync(either.Token).ConfigureAwait(false);
            if (!snapshot.IsCallable)
            {
                throw CallFailures.From(snapshot, _time);
            }

            var own = cell.InstanceFor is { } instanceFor ? await instanceFor(_client.Caller, either.Token).ConfigureAwait(false) : null;
            return (own ?? cell.Choose(snapshot, _client.Caller), own is null, snapshot.IdleTicks(_sweep, 0));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new McpTimeout($"The server '{cell.Name}' is still {cell.Current.State} after {timeout.TotalSeconds:0.#} s ({cell.Current.Reason}). Try again later, or raise its timeoutMs.") { ServerId = cell.Name };
        }
    }

    private static CatalogRoute Route(ServerCell cell, string tool)
    {
        var token = JsonText.Quote(tool);
        if (cell.Offered.TryRoute(ListKind.Tools, token, out var route))
        {
            return route;
        }

        var known = cell.Offered.List(ListKind.Tools).Entries.Select(static entry => entry.Name).ToList();
        var hint = OptionWords.Nearest(tool, known) is { } near ? $"Did you mean '{near}'?" : known.Count == 0 ? "It has no tools." : "tools/list names those it has.";
        throw new ToolNotFound($"The server '{cell.Name}' has no tool '{tool}'. {hint}") { ServerId = cell.Name };
    }

    private static bool IsInputRequired(ReadOnlySpan<byte> result) =>
        JsonMembers.TryFind(result, new ByteRange(0, result.Length), "resultType"u8, out var type) && JsonText.Equals(type.Of(result), "input_required"u8);

    /// <summary>Sends one request and waits for its answer, answering questions meanwhile.</summary>
    /// <returns>The raw result, of exact size and owned by the caller.</returns>
    private async ValueTask<ReadOnlyMemory<byte>> SendAsync(
        CatalogRoute route, UpstreamConnection connection, bool isShared, long idleTicks, string tool, ReadOnlyMemory<byte> arguments, ReadOnlyMemory<byte> round,
        IProgress<ToolProgress>? progress, CancellationToken cancellationToken)
    {
        var cell = route.Cell;
        var isTask = connection.Tasks == TaskForm.Core && route.Entry?.Tasks == TaskSupport.Required;
        var call = LocalCall.Begin(
            open => Compose(open.UpstreamId, route.NameToken, arguments.Span, round.Span, open.Connection!.Identity.IsModern, isTask), isTask);
        var now = _sweep.Now;
        call.Owner = _client.Caller.Owner;
        call.CarriesMessages = _client.CanBeAsked;
        call.WantsProgress = progress is not null;
        call.Headers = route.Entry is { Headers.Length: > 0 } entry ? entry.Headers : null;
        call.IdleTicks = idleTicks;
        call.IdleDeadline = idleTicks == 0 ? long.MaxValue : now + idleTicks;
        call.HardDeadline = _hardTicks == 0 ? long.MaxValue : now + _hardTicks;

        // A further round belongs to the call that has been let in.
        if (!round.IsEmpty || call.TryAdmit(cell, _client.Caller.Owner, route.Tool, isRepeated: false, now))
        {
            if (cell.Current.Trial is { IsShadow: true } shadow && !isTask && MayRepeat(cell, tool))
            {
                ShadowCalls.Send(
                    shadow, cell, copy => Compose(copy.UpstreamId, route.NameToken, arguments.Span, round.Span, copy.Connection!.Identity.IsModern, isTask: false), call, now);
            }

            call.SendTo(connection, cell, isShared, now);
        }

        using var registration = cancellationToken.UnsafeRegister(static state => ((UpstreamCall)state!).Connection?.Cancel((UpstreamCall)state!), call);
        try
        {
            for (var isComplete = false; !isComplete;)
            {
                await call.WaitAsync().ConfigureAwait(false);
                isComplete = call.IsComplete;
                while (call.TryReadMessage(out var message))
                {
                    if (message!.Question is not null)
                    {
                        await AnswerAsync(call, message, cell.Name, cancellationToken).ConfigureAwait(false);
                    }
                    else if (message.Envelope.KnownMethod == McpMethod.NotificationsProgress && ToolProgress.TryRead(message.Envelope.Params.Of(message.Bytes), out var step))
                    {
                        progress?.Report(step);
                    }
                }
            }

            Record(cell, now, ForwardErrors.IsServerFailure(call.Error));
            cancellationToken.ThrowIfCancellationRequested();
            return ReadAnswer(call, cell.Name, tool);
        }
        finally
        {
            call.Release();
        }
    }

    private async Task AnswerAsync(UpstreamCall call, CallMessage question, string server, CancellationToken cancellationToken)
    {
        if (!_client.CanAnswer(question.Question!.Method))
        {
            question.Question.Decline();
            return;
        }

        // A person may take minutes: only the hard deadline counts meanwhile.
        call.RestIdleDeadline();
        try
        {
            await _client.AnswerAsync(question, server, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            call.ResumeIdleDeadline();
        }
    }

    private static ReadOnlyMemory<byte> ReadAnswer(UpstreamCall call, string server, string tool)
    {
        if (call.Error != ForwardError.None)
        {
            throw CallFailures.From(call.Error, server, call.ErrorDetail, call.RetryAfterMs, call.IsQueued);
        }

        var answer = call.Answer;
        ref readonly var envelope = ref call.AnswerEnvelope;
        if (envelope.Kind == MessageKind.Result)
        {
            return envelope.Result.Of(answer).ToArray();
        }

        var text = JsonMembers.TryFind(answer, envelope.Error, "message"u8, out var message) ? JsonText.ToString(message.Of(answer)) : null;
        throw new ToolFailed($"The server '{server}' refused the call of '{tool}' with error {envelope.ErrorCode}: {text ?? "no message"}") { ServerId = server, Code = envelope.ErrorCode };
    }

    private OutboundFrame Compose(long id, ReadOnlySpan<byte> name, ReadOnlySpan<byte> arguments, ReadOnlySpan<byte> round, bool modern, bool isTask)
    {
        var frame = OutboundFrame.Rent(384 + name.Length + arguments.Length + round.Length);
        frame.Append("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        frame.Append(id);
        frame.Append(",\"method\":\"tools/call\",\"params\":{\"name\":"u8);
        frame.Append(name);
        if (!arguments.IsEmpty)
        {
            frame.Append(",\"arguments\":"u8);
            frame.AppendBlankingNewlines(arguments);
        }

        if (!round.IsEmpty)
        {
            frame.Append(","u8);
            frame.AppendBlankingNewlines(round);
        }

        if (isTask)
        {
            frame.Append(",\"task\":{}"u8);
        }

        // The token is there for the idle deadline alone: a server that reports progress is not silent.
        frame.Append(",\"_meta\":{\"progressToken\":"u8);
        frame.Append(id);
        if (modern)
        {
            frame.Append(",\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientInfo\":{\"name\":\"fairlead\",\"version\":\"0.1.0\"},\"io.modelcontextprotocol/clientCapabilities\":"u8);
            frame.Append(_client.Caller.Capabilities);
        }

        frame.Append("}}}"u8);
        return frame;
    }

    private void Record(ServerCell cell, long started, bool failed)
    {
        if (_counts)
        {
            cell.Counters.Record((long)_time.GetElapsedTime(started).TotalMicroseconds, failed);
        }
    }
}
