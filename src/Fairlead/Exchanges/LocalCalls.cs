using System.Runtime.CompilerServices;
using Fairlead.Audit;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.Telemetry;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>Sends calls of callers in this process to servers at the other end of a connection, and answers what those ask meanwhile.</summary>
internal sealed class LocalCalls(DeadlineSweep sweep, FairleadOptions options, LocalClient client, AuditLog? audit)
{
    private const int RoundsMax = 10;

    private readonly TimeProvider _time = sweep.TimeProvider;
    private readonly bool _counts = options.EnableMetrics;
    private readonly long _hardTicks = sweep.Ticks(options.Limits.RequestTimeoutMax);

    /// <summary>Whether a call of the tool may be made twice: it says so itself, or the configuration does.</summary>
    public static bool MayRepeat(ServerCell cell, string tool) => cell.Offered.TryRouteTool(tool, out var route) && route.Entry is { MayRepeat: true };

    /// <summary>Calls a tool once. Waits while its server starts.</summary>
    /// <param name="cell">The server.</param>
    /// <param name="tool">The tool.</param>
    /// <param name="arguments">Empty for none.</param>
    /// <param name="progress">Told of its progress; null = nobody is.</param>
    /// <param name="cancellationToken">Gives the call up.</param>
    /// <returns>The result, also one with <c>isError</c>; its bytes are of exact size and the caller's.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ToolResult> CallAsync(ServerCell cell, string tool, ReadOnlyMemory<byte> arguments, IProgress<ToolProgress>? progress, CancellationToken cancellationToken)
    {
        var (connection, isShared, idleTicks, route) = await BeginAsync(cell, tool, cancellationToken).ConfigureAwait(false);
        ReadOnlyMemory<byte> round = default;
        for (var rounds = 0; ; rounds++)
        {
            var result = await SendAsync(route, connection, isShared, idleTicks, tool, arguments, round, progress, cancellationToken).ConfigureAwait(false);
            if (!connection.Identity.IsModern || !IsInputRequired(result.Span))
            {
                return ToolResult.FromAnswer(result);
            }

            var next = rounds == RoundsMax ? null : await client.AnswerAllAsync(result, cell.Name, cancellationToken).ConfigureAwait(false);
            round = next ?? throw CallFailures.From(
                ForwardError.InputNotPossible, cell.Name, rounds == RoundsMax ? $"it asked more than {RoundsMax} times in one call" : "set OnElicitation or OnSampling on the manager to answer");
        }
    }

    /// <summary>Counts a call that has ended, and tells those who watch calls of it.</summary>
    /// <param name="cell">The server.</param>
    /// <param name="tool">The server's own name of the tool.</param>
    /// <param name="call">Complete.</param>
    /// <param name="started">The clock's timestamp at its begin.</param>
    /// <param name="arguments">Empty for none.</param>
    public void Record(ServerCell cell, string tool, UpstreamCall call, long started, ReadOnlySpan<byte> arguments)
    {
        var isWatched = cell.Events.WantsCalls;
        var isAudited = audit is { RecordsCalls: true };
        if (!_counts && !isWatched && !isAudited)
        {
            return;
        }

        var now = _time.GetTimestamp();
        var micros = (long)_time.GetElapsedTime(started, now).TotalMicroseconds;
        var failedAtServer = (isAudited || isWatched) && (call is DirectCall direct ? direct.Output.IsError : CallAudit.FailedAtServer(call));
        if (isAudited)
        {
            CallAudit.Add(audit!, cell, tool, arguments, micros, call.Error, failedAtServer);
        }

        if (_counts)
        {
            var status = CallStatus.Of(call.Error, call.AnswerEnvelope.Kind == MessageKind.Error);
            if (call.Connection is null)
            {
                cell.Counters.RecordUnsent(McpMethod.ToolsCall, status);
            }
            else
            {
                cell.Counters.Record(McpMethod.ToolsCall, status, started, now);
                if (OperationInstruments.AreOn)
                {
                    OperationInstruments.RecordClient(_time.GetElapsedTime(started, now), McpMethod.ToolsCall, status, cell.Name, ServerFamilies.TransportOf(cell.Current.Config));
                }
            }
        }

        if (isWatched)
        {
            CallEvent.Tell(cell, "tools/call", tool, micros, call.Error, failedAtServer);
        }
    }

    /// <summary>Counts a call that Fairlead does not take, and tells those who watch calls of it. The audit log is not told: it is full, or has ended.</summary>
    /// <returns>What the caller gets.</returns>
    public McpException Refuse(ServerCell cell, string tool, ForwardError error)
    {
        CountUnsent(cell, tool, error, _time.GetTimestamp());
        return CallFailures.From(error, cell.Name, null);
    }

    /// <summary>Finds the instance and the tool.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<(UpstreamConnection Connection, bool IsShared, long IdleTicks, CatalogRoute Route)> BeginAsync(ServerCell cell, string tool, CancellationToken cancellationToken)
    {
        var started = _time.GetTimestamp();
        try
        {
            var (connection, isShared, idleTicks) = await ConnectAsync(cell, cancellationToken).ConfigureAwait(false);
            return (connection, isShared, idleTicks, Route(cell, tool));
        }
        catch (McpException failure)
        {
            RecordUnbegun(cell, tool, failure, started);
            throw;
        }
    }

    /// <summary>Counts a call that no instance has heard of, and tells those who watch calls of it. A tool that nobody has is no call, as it is none of clients either.</summary>
    /// <param name="cell">The server.</param>
    /// <param name="tool">The tool's name on the server's endpoint.</param>
    /// <param name="failure">Why.</param>
    /// <param name="started">The clock's timestamp at its begin.</param>
    private void RecordUnbegun(ServerCell cell, string tool, McpException failure, long started)
    {
        if (audit is { RecordsCalls: true })
        {
            CallAudit.Add(audit, cell, tool, failure);
        }

        if (failure is not ToolNotFound)
        {
            CountUnsent(cell, tool, CallFailures.Of(failure), started);
        }
    }

    private void CountUnsent(ServerCell cell, string tool, ForwardError error, long started)
    {
        if (_counts)
        {
            cell.Counters.RecordUnsent(McpMethod.ToolsCall, CallStatus.Of(error, isErrorAnswer: false));
        }

        if (cell.Events.WantsCalls)
        {
            CallEvent.Tell(cell, "tools/call", tool, (long)_time.GetElapsedTime(started).TotalMicroseconds, error, failedAtServer: false);
        }
    }

    private ValueTask<(UpstreamConnection Connection, bool IsShared, long IdleTicks)> ConnectAsync(ServerCell cell, CancellationToken cancellationToken)
    {
        var snapshot = cell.Current;
        if (!snapshot.IsCallable)
        {
            return ConnectSlowlyAsync(cell, cancellationToken);
        }

        var own = cell.InstanceFor is { } instanceFor ? instanceFor(client.Caller, cancellationToken) : default;
        return own.IsCompletedSuccessfully
            ? new ValueTask<(UpstreamConnection, bool, long)>(To(cell, snapshot, own.Result))
            : ConnectToOwnAsync(cell, snapshot, own, cancellationToken);
    }

    private async ValueTask<(UpstreamConnection Connection, bool IsShared, long IdleTicks)> ConnectToOwnAsync(
        ServerCell cell, ServerSnapshot snapshot, ValueTask<UpstreamConnection?> own, CancellationToken cancellationToken)
    {
        var timeout = TimeSpan.FromMilliseconds(snapshot.Config.TimeoutMs);
        try
        {
            return To(cell, snapshot, await own.AsTask().WaitAsync(timeout, _time, cancellationToken).ConfigureAwait(false));
        }
        catch (TimeoutException)
        {
            throw new McpTimeout($"An instance of '{cell.Name}' for this caller is not ready after {timeout.TotalSeconds:0.#} s. Try again later, or raise its timeoutMs.") { ServerId = cell.Name };
        }
    }

    private async ValueTask<(UpstreamConnection Connection, bool IsShared, long IdleTicks)> ConnectSlowlyAsync(ServerCell cell, CancellationToken cancellationToken)
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

            return To(cell, snapshot, cell.InstanceFor is { } instanceFor ? await instanceFor(client.Caller, either.Token).ConfigureAwait(false) : null);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new McpTimeout($"The server '{cell.Name}' is still {cell.Current.State} after {timeout.TotalSeconds:0.#} s ({cell.Current.Reason}). Try again later, or raise its timeoutMs.") { ServerId = cell.Name };
        }
    }

    private (UpstreamConnection Connection, bool IsShared, long IdleTicks) To(ServerCell cell, ServerSnapshot snapshot, UpstreamConnection? own) =>
        (own ?? cell.Choose(snapshot, client.Caller), own is null, snapshot.IdleTicks(sweep, 0));

    private static CatalogRoute Route(ServerCell cell, string tool)
    {
        if (cell.Offered.TryRouteTool(tool, out var route))
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
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadOnlyMemory<byte>> SendAsync(
        CatalogRoute route, UpstreamConnection connection, bool isShared, long idleTicks, string tool, ReadOnlyMemory<byte> arguments, ReadOnlyMemory<byte> round,
        IProgress<ToolProgress>? progress, CancellationToken cancellationToken)
    {
        var cell = route.Cell;
        var isTask = connection.Tasks == TaskForm.Core && route.Entry?.Tasks == TaskSupport.Required;
        var call = LocalCall.Rent(route, client.Caller, arguments, round, isTask);
        var now = sweep.Now;
        call.Owner = client.Caller.Owner;
        call.CarriesMessages = client.CanBeAsked;
        call.WantsProgress = progress is not null;
        call.Headers = route.Entry is { Headers.Length: > 0 } entry ? entry.Headers : null;
        call.IdleTicks = idleTicks;
        call.IdleDeadline = idleTicks == 0 ? long.MaxValue : now + idleTicks;
        call.HardDeadline = _hardTicks == 0 ? long.MaxValue : now + _hardTicks;

        // A further round belongs to the call that has been let in.
        if (!round.IsEmpty || call.TryAdmit(cell, client.Caller.Owner, route.Tool, isRepeated: false, now))
        {
            if (cell.Current.Trial is { IsShadow: true } shadow && !isTask && MayRepeat(cell, tool))
            {
                SendShadow(shadow, route, arguments, round, call, now);
            }

            call.SendTo(connection, cell, isShared, now);
        }

        var registration = cancellationToken.UnsafeRegister(static state => ((UpstreamCall)state!).Connection?.Cancel((UpstreamCall)state!), call);
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

            Record(cell, route.Entry?.Name ?? tool, call, now, arguments.Span);
            cancellationToken.ThrowIfCancellationRequested();
            return ReadAnswer(call, cell.Name, tool);
        }
        finally
        {
            // Before the call is given up: a cancellation that runs at this moment must not meet the call that the object is next.
            await registration.DisposeAsync().ConfigureAwait(false);
            call.Release();
        }
    }

    private void SendShadow(Trial shadow, CatalogRoute route, ReadOnlyMemory<byte> arguments, ReadOnlyMemory<byte> round, LocalCall call, long now) => ShadowCalls.Send(
        shadow, route.Cell,
        copy => LocalCall.Compose(copy.UpstreamId, route.NameToken, arguments.Span, round.Span, copy.Connection!.Identity.IsModern ? client.Caller : null, isTask: false),
        call, now);

    private async Task AnswerAsync(UpstreamCall call, CallMessage question, string server, CancellationToken cancellationToken)
    {
        if (!client.CanAnswer(question.Question!.Method))
        {
            question.Question.Decline();
            return;
        }

        // A person may take minutes: only the hard deadline counts meanwhile.
        call.RestIdleDeadline();
        try
        {
            await client.AnswerAsync(question, server, cancellationToken).ConfigureAwait(false);
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
}
