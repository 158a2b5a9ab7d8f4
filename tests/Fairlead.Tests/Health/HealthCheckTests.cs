using Fairlead.Health;
using Fairlead.TestKit;

namespace Fairlead.Tests.Health;

public sealed class HealthCheckTests : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(5);

    private readonly FakeTimeProvider _clock = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly TaskCompletionSource<HealthFinding> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _runs;

    public void Dispose() => _ended.Dispose();

    private HealthCheck Deaf() => new("custom", _ => Ask(), "the custom check did not end", s_limit, _clock, _ended.Token);

    private Task<HealthFinding> Ask()
    {
        Interlocked.Increment(ref _runs);
        return _answer.Task;
    }

    [Fact]
    public async Task Run_WhenTheCheckIgnoresItsToken_EndsAtTheLimitAndRunsNoSecondOneBesideIt()
    {
        var check = Deaf();
        var run = check.RunAsync(CancellationToken.None);
        _clock.Advance(s_limit);
        Assert.Equal(HealthFinding.Bad("the custom check did not end within 5000 ms (healthCheck.timeoutMs)"), await Guard.WithinAsync(run, "the end of the run"));

        var next = await Guard.WithinAsync(check.RunAsync(CancellationToken.None), "the next run");
        Assert.False(next.IsGood);
        Assert.Contains("has not ended yet", next.Reason, StringComparison.Ordinal);
        Assert.Equal(1, _runs);
    }

    [Fact]
    public async Task Run_WhenTwoAskAtOnce_BothGetTheFindingOfOneRun()
    {
        var check = Deaf();
        var first = check.RunAsync(CancellationToken.None);
        var second = check.RunAsync(CancellationToken.None);
        _answer.SetResult(HealthFinding.Good);
        Assert.True((await Guard.WithinAsync(first, "the first")).IsGood);
        Assert.True((await Guard.WithinAsync(second, "the second")).IsGood);
        Assert.Equal(1, _runs);
    }

    [Fact]
    public async Task Run_WhenTheInstanceEnds_EndsWithIt()
    {
        var run = Deaf().RunAsync(CancellationToken.None);
        await _ended.CancelAsync();
        Assert.Contains("taken out of service", (await Guard.WithinAsync(run, "the end of the run")).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_WhenTheCheckThrows_TheMessageIsTheReason()
    {
        var check = new HealthCheck("custom", static _ => throw new InvalidOperationException("no licence"), "late", s_limit, _clock, _ended.Token);
        Assert.Equal(HealthFinding.Bad("the custom check failed: no licence"), await Guard.WithinAsync(check.RunAsync(CancellationToken.None), "the run"));
    }
}
