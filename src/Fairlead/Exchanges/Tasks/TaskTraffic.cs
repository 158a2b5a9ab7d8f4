using Fairlead.Catalog;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges.Tasks;

/// <summary>What happens to a call at a server that runs tasks: its role when it is sent, and what its answer sets going.</summary>
internal static class TaskTraffic
{
    // tasks/result waits for the end of a task, which is as long as the task takes. Beyond this the client asks again; the task itself goes on.
    private static readonly TimeSpan s_waitMax = TimeSpan.FromHours(1);

    /// <summary>Gives a call its role. After its deadlines are set, before it is opened.</summary>
    /// <param name="exchange">Routed.</param>
    /// <param name="connection">Where it is going; its server runs tasks.</param>
    public static void Admit(Exchange exchange, UpstreamConnection connection)
    {
        exchange.TaskRole = RoleOf(exchange, connection.Tasks);
        exchange.OwnsTask = exchange.TaskRole == TaskRole.Absorbs;
        exchange.LooksAtAnswer = exchange.OwnsTask || (exchange.TaskRole != TaskRole.None && connection.Tasks == TaskForm.Core);
        if (exchange is { TaskRole: TaskRole.Follows, RequestEnvelope.KnownMethod: McpMethod.TasksResult })
        {
            exchange.TaskAtServer = exchange.UpstreamName;
            WaitLong(exchange, connection);
        }
    }

    /// <summary>Looks at an answer before the call ends with it. On the reader's thread.</summary>
    /// <returns>True when the call goes on with another request.</returns>
    public static bool Intercept(Exchange exchange, ReadOnlySpan<byte> answer, in Envelope envelope)
    {
        if (exchange.TaskAtServer is { } ended)
        {
            exchange.Connection!.ServerTasks.Forget(ended);
        }

        if (envelope.Kind != MessageKind.Result)
        {
            return false;
        }

        switch (exchange.TaskRole)
        {
            case TaskRole.Absorbs when exchange.TaskAtServer is null && TaskEdits.TryFindId(exchange, answer, envelope, out var task):
                WaitForEnd(exchange, task.Of(answer).ToArray());
                return true;
            case TaskRole.Creates when TaskEdits.TryFindId(exchange, answer, envelope, out var created):
                exchange.Tasks!.Watch(exchange.Cell!, exchange.Connection!, created.Of(answer), exchange.Owner, isCreator: true);
                KeepProgress(exchange, created.Of(answer));
                return false;
            case TaskRole.Follows:
                exchange.Tasks!.Watch(exchange.Cell!, exchange.Connection!, exchange.UpstreamName, exchange.Owner, isCreator: false);
                return false;
            default:
                return false;
        }
    }

    private static TaskRole RoleOf(Exchange exchange, TaskForm form)
    {
        if (exchange.RequestEnvelope.KnownMethod.IsTasks())
        {
            return exchange.Tasks is null ? TaskRole.None : TaskRole.Follows;
        }

        if (exchange.RequestEnvelope.KnownMethod != McpMethod.ToolsCall)
        {
            return TaskRole.None;
        }

        if (form == TaskForm.Extension)
        {
            return exchange.ClientVersion.IsModern() && exchange.Tasks is not null ? TaskRole.Creates : TaskRole.None;
        }

        // Of a tool without a definition nothing is known: its server will say.
        var support = exchange.Route?.Entry?.Tasks ?? TaskSupport.Optional;
        if (exchange.ClientVersion == ProtocolVersion.V20251125)
        {
            return support != TaskSupport.Forbidden && exchange.Tasks is not null ? TaskRole.Creates : TaskRole.None;
        }

        return exchange.ClientVersion.IsModern() && support == TaskSupport.Required ? TaskRole.Absorbs : TaskRole.Declines;
    }

    /// <summary>Opens the same call again, now for the result of the task that it created: at once, so that a question that follows the answer finds it open.</summary>
    /// <param name="call">It owns the task; its slot has been taken by the answer that tells of the task.</param>
    /// <param name="task">The server's id, a raw string token.</param>
    public static void WaitForEnd(UpstreamCall call, byte[] task)
    {
        var connection = call.Connection!;
        var (openedAt, token) = (call.OpenedAt, call.UpstreamId);

        // The slot's reference passes to the new slot; this one keeps the object ours while that one may end at any time.
        call.Retain();
        call.LeaveBulkhead();
        call.TaskAtServer = task;
        WaitLong(call, connection);
        if (!connection.TryOpen(call))
        {
            call.Fail(connection.Lost.IsCompleted ? ForwardError.ServerLost : ForwardError.TooManyCalls, null);
            call.Release();
            return;
        }

        var id = call.UpstreamId;
        call.OpenedAt = openedAt;
        if (call.WantsProgress)
        {
            // The server goes on to use the token of the first request.
            var owner = call.Owner;
            connection.ServerTasks.KeepProgress(token, task, message => connection.TryDeliver(id, message, owner));
        }

        connection.Send(call, ControlRequest.Compose(id, McpMethod.TasksResult, [.. "\"taskId\":"u8, .. task], modern: false));
        if (call.IsGivenUp)
        {
            // Whoever cancelled between the two requests found no call to end.
            connection.Cancel(call);
        }

        call.Release();
    }

    private static void WaitLong(UpstreamCall call, UpstreamConnection connection)
    {
        call.IdleTicks = 0;
        call.IdleDeadline = long.MaxValue;
        call.HardDeadline = call.HardDeadline == long.MaxValue ? long.MaxValue : connection.Sweeper.Now + connection.Sweeper.Ticks(s_waitMax);
    }

    /// <summary>Lets progress of a task reach the session that created it, on its standalone stream, when its call is long over.</summary>
    private static void KeepProgress(Exchange exchange, ReadOnlySpan<byte> task)
    {
        if (!exchange.WantsProgress || exchange.Owner is not Sessions.LegacySession session)
        {
            return;
        }

        var clientToken = exchange.RequestEnvelope.ProgressToken.Of(exchange.Request.Span).ToArray();
        var (tasks, server) = (exchange.Tasks!, exchange.Cell!.Name);
        var stream = new WeakReference<Sessions.LegacySession>(session);
        exchange.Connection!.ServerTasks.KeepProgress(exchange.UpstreamId, task, message =>
        {
            if (stream.TryGetTarget(out var open))
            {
                var localized = TaskEdits.Localized(tasks, server, message);
                open.Log.Standalone.Append(TaskEdits.Replaced(localized.Bytes, localized.Envelope.ProgressToken, clientToken));
            }
        });
    }
}
