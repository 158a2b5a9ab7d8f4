using Fairlead.Configuration;
using Fairlead.Processes;
using Fairlead.Routing;
using Fairlead.Upstreams;

namespace Fairlead.Faults;

/// <summary>What of a server a fault is done to that is not about single calls: its connections and their children.</summary>
internal static class FaultTargets
{
    /// <summary>The connections of all instances of a server at this moment.</summary>
    /// <exception cref="FaultRefused">There are none, or this kind cannot be done to them.</exception>
    public static List<UpstreamConnection> Instances(DeadlineSweep sweep, ServerCell cell, FaultKind kind)
    {
        var transport = cell.Current.Config.EffectiveTransport;
        if (kind == FaultKind.Crash && transport != ServerTransport.Stdio)
        {
            throw new FaultRefused(
                transport == ServerTransport.InProcess
                    ? $"'{cell.Name}' runs inside Fairlead: it cannot crash alone. Use disconnect, which ends its run, or error."
                    : $"'{cell.Name}' is a remote server: Fairlead has no process of it to kill. Use disconnect or partition.") { ServerId = cell.Name };
        }

        var all = sweep.ConnectionsOf(cell.Name).ToList();
        return all.Count != 0
            ? all
            : throw new FaultRefused(
                $"'{cell.Name}' has no instance at this moment (it is {cell.Current.State}): there is nothing to {OptionWords.Word(kind)}. Start it first; a sleeping one wakes with a call.") { ServerId = cell.Name };
    }

    /// <summary>Stops the children behind connections.</summary>
    /// <returns>Those that stand still; none of a server without a child, whose output is to be held back instead.</returns>
    /// <exception cref="FaultRefused">No child could be stopped.</exception>
    public static IReadOnlyList<ChildProcess> StallChildren(List<UpstreamConnection> targets, string server)
    {
        if (targets.TrueForAll(static target => target.Child is null))
        {
            return [];
        }

        var stalled = targets.Select(static target => target.Child).OfType<ChildProcess>().Where(static child => child.TryStall()).ToList();
        return stalled.Count != 0
            ? stalled
            : throw new FaultRefused(
                OperatingSystem.IsWindows()
                    ? $"The processes of '{server}' cannot be stopped for a while on Windows. Use latency or partition instead."
                    : $"The processes of '{server}' are ending at this moment. Try again when it runs.") { ServerId = server };
    }

    /// <summary>Calls of clients in flight on a connection.</summary>
    public static long CallsOpen(UpstreamConnection connection)
    {
        var open = 0L;
        for (var i = 0; i < connection.Pending.Used; i++)
        {
            open += connection.Pending.Peek(i, out var call) != 0 && call!.Owner is not null ? 1 : 0;
        }

        return open;
    }
}
