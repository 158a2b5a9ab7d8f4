using Fairlead.Configuration;
using Fairlead.Processes;
using Microsoft.Extensions.Logging;

namespace Fairlead.Upstreams.Stdio;

/// <summary>The connection to a child process over its stdin and stdout (MCP basic/transports, stdio). Owns the child.</summary>
internal sealed class StdioConnection : MultiplexedConnection
{
    // A dying child closes its output a moment before its end can be seen, a longer one where the machine is busy; one that merely closed its output is not waited for any longer. Clients whose
    // calls it has taken with it wait for the shorter time.
    private static readonly TimeSpan s_exitGrace = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_exitGraceOfNobody = TimeSpan.FromSeconds(5);

    private readonly ChildProcess _child;
    private readonly TimeProvider _time;
    private volatile bool _stopping;

    /// <summary>Takes charge of <paramref name="child"/>; it is stopped with the connection.</summary>
    public StdioConnection(string server, ChildProcess child, DeadlineSweep sweep, LimitsOptions limits, ILogger logger)
        : base(server, child.StandardInput, child.StandardOutput, sweep, limits, logger)
    {
        _child = child;
        _time = sweep.TimeProvider;
    }

    /// <inheritdoc/>
    internal override ChildProcess? Child => _child;

    /// <summary>The child's process id.</summary>
    public int ProcessId => _child.Id;

    /// <summary>Fails what is open, ends the child on the ladder of decision 17 (stdin, SIGTERM, SIGKILL) and closes the streams. No process of it is left afterwards.</summary>
    public override async ValueTask DisposeAsync()
    {
        _stopping = true;
        Lose("it was stopped", byUs: true);
        await _child.StopAsync(Limits.StopStdinWait, Limits.StopTermWait, CancellationToken.None).ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
        await _child.DisposeAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override async ValueTask<string> DescribeEndAsync(string reason)
    {
        if (_stopping)
        {
            return "it was stopped";
        }

        try
        {
            return "it " + await _child.Exited.WaitAsync(Pending.HasOwnedCall() ? s_exitGrace : s_exitGraceOfNobody, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            var tail = _child.StandardErrorTail;
            return tail.Count == 0 ? reason : $"{reason}; last lines of stderr:\n{string.Join('\n', tail.Skip(Math.Max(0, tail.Count - ChildExit.LinesMax)))}";
        }
    }
}
