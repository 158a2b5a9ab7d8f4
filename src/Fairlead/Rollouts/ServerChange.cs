namespace Fairlead.Rollouts;

/// <summary>What becomes of a changed configuration. Each task completes once, in this order, and never fails.</summary>
/// <param name="Begun">Null when the changed server takes part in serving; else why what ran before still runs.</param>
/// <param name="InForce">Null when it serves alone; else why it does not.</param>
/// <param name="Settled">Null when it stays; else why what ran before serves again.</param>
internal sealed record ServerChange(Task<string?> Begun, Task<string?> InForce, Task<string?> Settled)
{
    private static readonly Task<string?> s_done = Task.FromResult<string?>(null);

    private volatile bool _isOvertaken;

    /// <summary>Whether the server went another way before the change took part in serving: it was stopped, restarted or lost.</summary>
    public bool IsOvertaken
    {
        get => _isOvertaken;
        set => _isOvertaken = value;
    }

    /// <summary>In force at once, and stays.</summary>
    public static ServerChange Done { get; } = new(s_done, s_done, s_done);
}
