using Fairlead.Tests.Upstreams.Http;
using Fairlead.Upstreams;

namespace Fairlead.Tests.Upstreams;

/// <summary>The one tick of all deadlines (docs/adr/0001).</summary>
public sealed class DeadlineSweepTests
{
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Tick_WhenNoCallIsOpen_StopsAndStartsWithTheNext()
    {
        await using var server = new PipeServer();
        Assert.Equal(0, server.Clock.ArmedTimers);

        var first = server.Call(idle: s_idle);
        Assert.Equal(1, server.Clock.ArmedTimers);
        await server.AnswerAsync(first);
        await HttpRig.EndAsync(first);
        server.Clock.Advance(DeadlineSweep.Interval);
        Assert.Equal(0, server.Clock.ArmedTimers);

        var second = server.Call(idle: s_idle);
        Assert.Equal(1, server.Clock.ArmedTimers);
        server.Clock.Advance(s_idle + DeadlineSweep.Interval);
        Assert.Equal(ForwardError.ServerTimedOut, (await HttpRig.EndAsync(second)).Error);
    }

    [Fact]
    public async Task Tick_WhenADeadlinePasses_NoticesItWithinOneInterval()
    {
        await using var server = new PipeServer();
        var call = server.Call(idle: s_idle);

        server.Clock.Advance(s_idle - TimeSpan.FromMilliseconds(1));
        Assert.False(call.IsComplete);
        server.Clock.Advance(DeadlineSweep.Interval);

        Assert.Equal(ForwardError.ServerTimedOut, (await HttpRig.EndAsync(call)).Error);
    }

    [Fact]
    public async Task Tick_WhenOneOfManyIsLate_EndsOnlyThat()
    {
        await using var server = new PipeServer();
        var patient = Enumerable.Range(0, 300).Select(_ => server.Call(idle: 2 * s_idle)).ToList();
        var late = server.Call(idle: s_idle);

        server.Clock.Advance(s_idle + DeadlineSweep.Interval);

        Assert.Equal(ForwardError.ServerTimedOut, (await HttpRig.EndAsync(late)).Error);
        Assert.DoesNotContain(patient, call => call.IsComplete);
        Assert.Equal(300, server.Connection.Pending.CountOpen());
        foreach (var call in patient)
        {
            await server.AnswerAsync(call);
            Assert.Equal(ForwardError.None, (await HttpRig.EndAsync(call)).Error);
        }
    }

    [Fact]
    public async Task Answer_WhenItsCallTimedOut_IsCountedAndMeetsNobody()
    {
        await using var server = new PipeServer();
        var late = server.Call(idle: s_idle);
        server.Clock.Advance(s_idle + DeadlineSweep.Interval);
        await server.AnswerAsync(late);
        Assert.Equal(ForwardError.ServerTimedOut, (await HttpRig.EndAsync(late)).Error);

        var next = server.Call(idle: s_idle);
        Assert.NotEqual(late.UpstreamId, next.UpstreamId);
        await server.AnswerAsync(next, "{\"n\":2}");
        Assert.Contains("{\"n\":2}", (await HttpRig.EndAsync(next)).Answer, StringComparison.Ordinal);
        Assert.Equal(1, server.Connection.LateAnswers);
    }
}
