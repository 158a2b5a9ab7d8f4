using Fairlead.Exchanges.Tasks;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>A call by a caller in this process. One of a tool that a server of 2025-11-25 runs as a task only goes on as <c>tasks/result</c> and ends with the result of the task (protocol.md 6, absorb).</summary>
internal sealed class LocalCall : GuardedCall
{
    private readonly Func<LocalCall, OutboundFrame> _compose;

    private LocalCall(Func<LocalCall, OutboundFrame> compose) => _compose = compose;

    /// <summary>A call with two references.</summary>
    /// <param name="compose">Writes the whole request of the call, which is open then.</param>
    /// <param name="isTask">Whether it asks for a task and waits for its end.</param>
    public static LocalCall Begin(Func<LocalCall, OutboundFrame> compose, bool isTask)
    {
        var call = new LocalCall(compose);
        call.Reset();
        call.OwnsTask = isTask;
        call.LooksAtAnswer = isTask;
        return call;
    }

    /// <inheritdoc/>
    public override OutboundFrame Compose() => _compose(this);

    /// <inheritdoc/>
    protected override bool Intercept(ReadOnlySpan<byte> answer, in Envelope envelope)
    {
        if (TaskAtServer is { } ended)
        {
            Connection!.ServerTasks.Forget(ended);
            return false;
        }

        if (envelope.Kind != MessageKind.Result || !JsonMembers.TryFind(answer, envelope.Result, "task"u8, out var task)
            || !JsonMembers.TryFind(answer, task, "taskId"u8, out var id) || !JsonText.IsString(id.Of(answer)))
        {
            return false;
        }

        TaskTraffic.WaitForEnd(this, id.Of(answer).ToArray());
        return true;
    }
}
