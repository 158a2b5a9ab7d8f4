namespace Fairlead.Health;

/// <summary>One check of one instance: asks within its limit, and never twice at the same time. Any thread.</summary>
internal sealed class HealthCheck
{
    private readonly Lock _lock = new();
    private readonly Func<CancellationToken, Task<HealthFinding>> _ask;
    private readonly string _late;
    private readonly TimeSpan _limit;
    private readonly TimeProvider _time;
    private readonly CancellationToken _ended;
    private Task<HealthFinding>? _current;
    private Task? _work;

    /// <summary>Asks nothing yet.</summary>
    /// <param name="kind">Its word: that of the configuration, or <c>custom</c>.</param>
    /// <param name="ask">Asks. May throw; may even ignore its token, which ends at the limit and with the instance.</param>
    /// <param name="late">What it means that the limit was reached, up to "within ...".</param>
    /// <param name="limit">Longest time for one run; infinite = <paramref name="ask"/> sees to it itself.</param>
    /// <param name="time">The clock.</param>
    /// <param name="ended">Ends with the instance.</param>
    public HealthCheck(string kind, Func<CancellationToken, Task<HealthFinding>> ask, string late, TimeSpan limit, TimeProvider time, CancellationToken ended)
    {
        Kind = kind;
        _ask = ask;
        _late = late;
        _limit = limit;
        _time = time;
        _ended = ended;
    }

    /// <summary>Its word: that of the configuration, or <c>custom</c>.</summary>
    public string Kind { get; }

    /// <summary>Runs it, or joins the run that is under way. Never throws but for <paramref name="cancellationToken"/>, which ends the wait and not the run.</summary>
    public Task<HealthFinding> RunAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_current is not { IsCompleted: false })
            {
                _current = RunOnceAsync();
            }

            return _current.WaitAsync(cancellationToken);
        }
    }

    private async Task<HealthFinding> RunOnceAsync()
    {
        if (_work is { IsCompleted: false })
        {
            return HealthFinding.Bad($"the {Kind} check before was given up after {_limit.TotalMilliseconds} ms and has not ended yet");
        }

        using var limit = new CancellationTokenSource(_limit, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _ended);
        var token = either.Token;
        var work = Task.Run(() => _ask(token), CancellationToken.None);
        _work = work;
        try
        {
            return await work.WaitAsync(token).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // The edge to code and to systems that are not ours: whatever they throw is a finding. One that does not let go is left behind, and seen above.
            return HealthFinding.Bad(
                _ended.IsCancellationRequested ? "it was taken out of service while it was checked"
                : limit.IsCancellationRequested ? $"{_late} within {_limit.TotalMilliseconds} ms (healthCheck.timeoutMs)"
                : $"the {Kind} check failed: {exception.Message}");
        }
    }
}
