namespace Fairlead.Guards;

/// <summary>What is watched of one tool of a server, over all its instances. Any thread.</summary>
internal sealed class ToolGuard(string name, ServerGuards guards)
{
    private volatile TokenBucket? _rate;

    /// <summary>The server's own name of the tool.</summary>
    public string Name => name;

    /// <summary>Stops calls to a tool that keeps failing while others work.</summary>
    public CircuitBreaker Breaker { get; } = new(guards);

    /// <summary>The bound on its rate; null = none.</summary>
    public TokenBucket? Rate
    {
        get => _rate;
        set => _rate = value;
    }
}
