namespace Fairlead.Exchanges.Tasks;

/// <summary>What a call has to do with tasks (protocol.md 8); decides what is edited in it. Set when the call's server is known.</summary>
internal enum TaskRole : byte
{
    /// <summary>Nothing: all calls to servers without tasks.</summary>
    None,

    /// <summary>A tool call that may create a task in the form that client and server share.</summary>
    Creates,

    /// <summary>A <c>tasks/*</c> request: it names a task, and so does its answer.</summary>
    Follows,

    /// <summary>A modern client calls a tool that a legacy server runs only as a task: Fairlead asks for the task and waits for its end (protocol.md 6, tasks 25-11-25, M→L).</summary>
    Absorbs,

    /// <summary>A tool call whose client's revision has no tasks of the server's form: it must not create one.</summary>
    Declines,
}
