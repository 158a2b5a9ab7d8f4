using Fairlead.TestKit;

namespace Fairlead.Tests.TestKit;

public sealed class GuardTests
{
    [Fact]
    public async Task WithinAsync_WhenTheTaskEnds_GivesItsResult() =>
        Assert.Equal(7, await Guard.WithinAsync(Task.FromResult(7), "seven"));

    [Fact]
    public async Task WithinAsync_WhenTheTaskFails_PassesItsExceptionOn()
    {
        var error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => Guard.WithinAsync(Task.FromException(new InvalidOperationException("broken")), "a failure"));
        Assert.Equal("broken", error.Message);
    }

    [Fact]
    public async Task WithinAsync_WhenTheTaskItselfTimedOut_DoesNotClaimTheGuardDid()
    {
        var error = await Assert.ThrowsAsync<TimeoutException>(
            () => Guard.WithinAsync(Task.FromException(new TimeoutException("its own")), "a failure"));
        Assert.Equal("its own", error.Message);
    }

    [Fact]
    public async Task WithinAsync_WhenTheLimitPasses_SaysWhatWasAwaited()
    {
        var never = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var error = await Assert.ThrowsAsync<TimeoutException>(
            () => Guard.WithinAsync(never.Task, "the answer of server 'slow'", TimeSpan.FromMilliseconds(1)));
        Assert.Equal("Still waiting for the answer of server 'slow' after 0.001 s.", error.Message);
    }
}
