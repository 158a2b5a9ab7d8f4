using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges.Tasks;

/// <summary>A call, by a caller in this process, of a tool that a server of 2025-11-25 runs as a task only: it goes on as <c>tasks/result</c> and ends with the result of the task (protocol.md 6, absorb).</summary>
internal sealed class LocalTaskCall : UpstreamCall
{
    /// <summary>A call with two references.</summary>
    public static LocalTaskCall Begin()
    {
        var call = new LocalTaskCall();
        call.Reset();
        call.OwnsTask = true;
        call.LooksAtAnswer = true;
        return call;
    }

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
