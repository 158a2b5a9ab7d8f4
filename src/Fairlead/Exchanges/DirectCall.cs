using System.Diagnostics;
using System.Runtime.CompilerServices;
using Fairlead.Routing;
using Fairlead.Telemetry;
using Fairlead.Upstreams;
using Fairlead.Upstreams.InProcess;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>A call of a tool object by a caller in this process (decision 11): guarded, counted, timed and cancelled like every call, but run instead of sent.</summary>
/// <remarks>
/// It is open at the connection of the instance, so that deadlines, draining and the loss of the instance meet it as they meet any other; the tool runs on the caller's thread, or on the pool's
/// when the call had to wait for its turn. Pooled. References: the caller's, the slot's, and the tool's for as long as it runs: one that ignores its token keeps the object until it ends.
/// </remarks>
#pragma warning disable CA1001 // Its source of cancellation has no timer and is linked to nothing: there is nothing to dispose of.
internal sealed class DirectCall : GuardedCall, IThreadPoolWorkItem
#pragma warning restore CA1001 // As above.
{
    // A thread takes again what it has given back: a call that ends at once touches nothing that other threads touch.
    [ThreadStatic]
    private static DirectCall? t_spare;

    private static readonly CallPool<DirectCall> s_pool = new();

    private readonly Action _ended;
    private CancellationTokenSource _cancel = new();
    private CancellationTokenRegistration _registration;
    private CancellationToken _caller;
    private ITool? _tool;
    private ToolCallContext? _context;
    private ReadOnlyMemory<byte> _arguments;
    private ServerCell? _traced;
    private ActivityContext _parent;
    private ConfiguredValueTaskAwaitable<ToolOutput>.ConfiguredValueTaskAwaiter _running;
    private ToolOutput _output;

    private DirectCall() => _ended = ToolEnded;

    /// <summary>What the tool gave. Valid once the call is complete without an error.</summary>
    public ToolOutput Output => _output;

    /// <inheritdoc/>
    internal override bool IsAtServer => false;

    /// <summary>A clean call with two references.</summary>
    /// <param name="cell">The server.</param>
    /// <param name="tool">What is run.</param>
    /// <param name="context">What it is told of its caller.</param>
    /// <param name="arguments">Read until the call has ended.</param>
    /// <param name="cancellationToken">The caller's, who must give the call up with <see cref="Finish"/>.</param>
    public static DirectCall Rent(ServerCell cell, ITool tool, ToolCallContext context, ReadOnlyMemory<byte> arguments, CancellationToken cancellationToken)
    {
        var call = t_spare;
        if (call is not null)
        {
            t_spare = null;
        }
        else if (!s_pool.TryRent(out call))
        {
            call = new DirectCall();
        }

        call.Reset();
        call._tool = tool;
        call._context = context;
        call._arguments = arguments;
        call._caller = cancellationToken;
        if (Tracing.IsOn)
        {
            call._traced = cell;
            call._parent = Activity.Current?.Context ?? default;
        }

        return call;
    }

    /// <summary>Lets the caller's token end the call while it waits for its turn. By the caller, after the call was opened.</summary>
    public void WatchCaller()
    {
        if (_caller.CanBeCanceled && _registration == default)
        {
            _registration = _caller.UnsafeRegister(static state => ((DirectCall)state!).Connection?.Cancel((DirectCall)state!), this);
        }
    }

    /// <summary>Gives up the caller's reference. By the caller, once; it must not touch the call afterwards.</summary>
    public void Finish()
    {
        // Waits for a cancellation that runs at this moment: it must not meet the call that this object is next.
        _registration.Dispose();
        _registration = default;
        Release();
    }

    /// <inheritdoc/>
    public override OutboundFrame Compose() => throw new UnreachableException("A direct call is run, not sent.");

    /// <inheritdoc/>
    public void Execute() => Run();

    /// <inheritdoc/>
    protected override void Start(bool wasQueued)
    {
        // While the tool runs: an end of the call by somebody else must leave it its object.
        Retain();
        if (_traced is not null)
        {
            TrySpan = CallSpans.BeginTry(_parent, Connection!, McpMethod.ToolsCall, _tool!.Name, _traced, tries: 1);
        }

        if (wasQueued)
        {
            // Whoever ends a call must not run the next one before it goes on.
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            return;
        }

        WatchCaller();
        Run();
    }

    /// <inheritdoc/>
    protected override void Settle(ForwardError error)
    {
        base.Settle(error);
        if (error != ForwardError.None)
        {
            // Callbacks of the tool's run beside this thread, which may be the sweep's.
            _ = _cancel.CancelAsync();
        }
    }

    /// <inheritdoc/>
    protected override void Recycle()
    {
        _tool = null;
        _context = null;
        _arguments = default;
        _caller = default;
        _running = default;
        _output = default;
        _traced = null;
        if (!_cancel.TryReset())
        {
            _cancel = new CancellationTokenSource();
        }

        if (t_spare is null)
        {
            t_spare = this;
        }
        else if (!s_pool.TryReturn(this))
        {
            base.Recycle();
        }
    }

    private void Run()
    {
        if (IsComplete)
        {
            // The caller had given up, or the deadline passed, before the tool was begun.
            Release();
            return;
        }

        ToolOutput output;
        try
        {
            var running = TrySpan is { } span ? InvokeTraced(span) : _tool!.InvokeAsync(_arguments, _context!, _cancel.Token);
            if (!running.IsCompleted)
            {
                // From the last line on the call may be another thread's.
                var awaiter = running.ConfigureAwait(false).GetAwaiter();
                _running = awaiter;
                awaiter.UnsafeOnCompleted(_ended);
                return;
            }

            output = running.GetAwaiter().GetResult();
        }
        catch (Exception exception)
        {
            // The edge to code that is not ours.
            output = ToolSetServer.Failure(_tool!, exception);
        }

        End(output);
    }

    // What the tool does is a child of the span of its call.
    private ValueTask<ToolOutput> InvokeTraced(Activity span)
    {
        var current = Activity.Current;
        Activity.Current = span;
        try
        {
            return _tool!.InvokeAsync(_arguments, _context!, _cancel.Token);
        }
        finally
        {
            Activity.Current = current;
        }
    }

    private void ToolEnded()
    {
        ToolOutput output;
        try
        {
            output = _running.GetResult();
        }
        catch (Exception exception)
        {
            // The edge to code that is not ours.
            output = ToolSetServer.Failure(_tool!, exception);
        }

        End(output);
    }

    private void End(in ToolOutput output)
    {
        if (output.IsError && TrySpan is { } span)
        {
            Tracing.Fail(span, Tracing.ToolError);
        }

        if (Connection!.Pending.TryTake(UpstreamId, ForwardError.None, out _))
        {
            _output = output;
            CompleteWithoutAnswer();
        }

        Release();
    }
}
