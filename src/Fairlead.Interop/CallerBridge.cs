using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;

namespace Fairlead.Interop;

/// <summary>A manager with a caller outside .NET: what is under way for it, and the queue of what has ended.</summary>
/// <remarks>Any thread may begin and cancel. Every operation that was begun leaves exactly one record that ends it, also after the shutdown has begun.</remarks>
internal sealed class CallerBridge : IDisposable
{
    private readonly ConcurrentDictionary<long, Operation> _open = new();

    /// <summary>Makes a manager that has started nothing yet.</summary>
    /// <param name="settings">What the caller wants; see <see cref="ManagerSettings"/>.</param>
    /// <param name="pipe">The writing end of the caller's pipe; owned from here on.</param>
    /// <exception cref="InvalidConfiguration">The configuration has errors; all are named.</exception>
    public CallerBridge(ManagerSettings settings, SafeFileHandle pipe)
    {
        Completions = new CompletionQueue(pipe);
        Manager = settings.CreateManager(new CallerLog(Completions, settings.LogLevel));
        Commands = new CommandTable(Manager);
    }

    /// <summary>The manager.</summary>
    public McpManager Manager { get; }

    /// <summary>What has ended.</summary>
    public CompletionQueue Completions { get; }

    /// <summary>The commands by their names.</summary>
    public CommandTable Commands { get; }

    /// <summary>Operations that have begun and not ended.</summary>
    public int OpenCount => _open.Count;

    /// <summary>Begins a tool call.</summary>
    public void BeginCall(long id, string server, string tool, byte[] arguments, bool wantsProgress)
    {
        var call = new BridgedCall(this, id, server, tool, arguments, wantsProgress);
        _open[id] = call;
        ThreadPool.UnsafeQueueUserWorkItem(call, preferLocal: false);
    }

    /// <summary>Begins a command.</summary>
    public void BeginCommand(long id, string name, byte[] arguments)
    {
        var command = new BridgedCommand(this, id, name, arguments);
        _open[id] = command;
        ThreadPool.UnsafeQueueUserWorkItem(command, preferLocal: false);
    }

    /// <summary>Gives an operation up; one that has ended already stays as it ended.</summary>
    public void Cancel(long id)
    {
        if (_open.TryGetValue(id, out var operation))
        {
            operation.Cancel();
        }
    }

    /// <summary>The operation has ended.</summary>
    public void Forget(long id) => _open.TryRemove(id, out _);

    /// <summary>Lets go of the caller: nobody is woken any more. The manager must have been shut down before, or its process ends.</summary>
    public void Dispose()
    {
        foreach (var operation in _open.Values)
        {
            operation.Cancel();
        }

        Completions.Dispose();
    }
}
