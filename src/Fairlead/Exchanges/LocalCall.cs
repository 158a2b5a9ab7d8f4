using System.Diagnostics;
using Fairlead.Catalog;
using Fairlead.Exchanges.Tasks;
using Fairlead.Routing;
using Fairlead.Telemetry;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>A call by a caller in this process to a server at the other end of a connection. One of a tool that a server of 2025-11-25 runs as a task only goes on as <c>tasks/result</c> and ends with the result of the task (protocol.md 6, absorb).</summary>
/// <remarks>Pooled. Whoever rents it gives it up with <see cref="UpstreamCall.Release"/> exactly once, when no callback of its own can touch it any more.</remarks>
internal sealed class LocalCall : GuardedCall
{
    private static readonly CallPool<LocalCall> s_pool = new();

    private CatalogRoute? _route;
    private Caller? _caller;
    private ReadOnlyMemory<byte> _arguments;
    private ReadOnlyMemory<byte> _round;
    private ActivityContext _parent;

    private LocalCall()
    {
    }

    /// <summary>A clean call with two references.</summary>
    /// <param name="route">Where to.</param>
    /// <param name="caller">Who calls.</param>
    /// <param name="arguments">A JSON object, or empty for none. Read until the call has ended.</param>
    /// <param name="round">Raw members of <c>params</c> with what the server has asked; empty in the first round. Read until the call has ended.</param>
    /// <param name="isTask">Whether it asks for a task and waits for its end.</param>
    public static LocalCall Rent(CatalogRoute route, Caller caller, ReadOnlyMemory<byte> arguments, ReadOnlyMemory<byte> round, bool isTask)
    {
        if (!s_pool.TryRent(out var call))
        {
            call = new LocalCall();
        }

        call.Reset();
        call._route = route;
        call._caller = caller;
        call._arguments = arguments;
        call._round = round;
        call._parent = Tracing.IsOn ? Activity.Current?.Context ?? default : default;
        call.OwnsTask = isTask;
        call.LooksAtAnswer = isTask;
        return call;
    }

    /// <inheritdoc/>
    public override OutboundFrame Compose()
    {
        if (Tracing.IsOn)
        {
            TrySpan = CallSpans.BeginTry(_parent, Connection!, McpMethod.ToolsCall, JsonText.ToString(_route!.NameToken), _route.Cell, tries: 1);
        }

        return Compose(UpstreamId, _route!.NameToken, _arguments.Span, _round.Span, Connection!.Identity.IsModern ? _caller : null, OwnsTask, TrySpan);
    }

    /// <summary>Writes a request.</summary>
    /// <param name="id">The upstream id, which is the progress token too.</param>
    /// <param name="name">The raw name token.</param>
    /// <param name="arguments">Empty for none.</param>
    /// <param name="round">Raw members of <c>params</c>; empty for none.</param>
    /// <param name="modern">Who calls, for servers of 2026-07-28; null for earlier ones.</param>
    /// <param name="isTask">Whether it asks for a task.</param>
    /// <param name="span">What the server is to continue; null = nothing.</param>
    public static OutboundFrame Compose(long id, ReadOnlySpan<byte> name, ReadOnlySpan<byte> arguments, ReadOnlySpan<byte> round, Caller? modern, bool isTask, Activity? span = null)
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
        if (modern is not null)
        {
            frame.Append(",\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientInfo\":{\"name\":\"fairlead\",\"version\":\"0.1.0\"},\"io.modelcontextprotocol/clientCapabilities\":"u8);
            frame.Append(modern.Capabilities);
        }

        if (span is not null)
        {
            frame.Append(","u8);
            frame.Append(CallSpans.Members(span));
        }

        frame.Append("}}}"u8);
        return frame;
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

    /// <inheritdoc/>
    protected override void Recycle()
    {
        _route = null;
        _caller = null;
        _arguments = default;
        _round = default;
        EndTry(ForwardError.ClientCancelled);
        if (!s_pool.TryReturn(this))
        {
            base.Recycle();
        }
    }
}
