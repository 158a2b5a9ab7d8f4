using Fairlead.Actors;
using Fairlead.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace Fairlead.Tests.Actors;

public sealed class ActorTests
{
    [Fact]
    public async Task Ask_WhenMailboxIsFull_SendersWaitAndAllAreAnsweredInOrder()
    {
        await using var actor = new Recorder();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var first = actor.BlockAsync(gate.Task);
        await Guard.WithinAsync(actor.Blocked, "the turn that blocks");

        var asked = Enumerable.Range(0, 250).Select(actor.NoteAsync).ToArray();
        Assert.Equal(Actor.MailboxCapacity, actor.QueueDepth);
        gate.SetResult();

        await Guard.WithinAsync(Task.WhenAll(asked), "250 replies");
        await first;
        Assert.Equal(250, actor.Notes.Count);
        Assert.Equal(Enumerable.Range(0, Actor.MailboxCapacity), actor.Notes.Take(Actor.MailboxCapacity));
    }

    [Fact]
    public async Task Ask_WhenActorHasStopped_EverySenderGetsRuntimeShutdown()
    {
        var actor = new Recorder();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = actor.BlockAsync(gate.Task);
        await Guard.WithinAsync(actor.Blocked, "the turn that blocks");
        var waiting = Enumerable.Range(0, 150).Select(actor.NoteAsync).ToArray();

        var stopping = actor.DisposeAsync();
        gate.SetResult();
        await Guard.WithinAsync(stopping, "the stop");

        await running;
        foreach (var one in waiting)
        {
            await Assert.ThrowsAsync<RuntimeShutdown>(() => Guard.WithinAsync(one, "a refused command"));
        }

        await Assert.ThrowsAsync<RuntimeShutdown>(() => actor.NoteAsync(1));
        Assert.Empty(actor.Notes);
    }

    [Fact]
    public async Task Ask_WhenCallerGivesUp_TheCommandStillRuns()
    {
        await using var actor = new Recorder();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var first = actor.BlockAsync(gate.Task);
        await Guard.WithinAsync(actor.Blocked, "the turn that blocks");
        using var patience = new CancellationTokenSource();
        var impatient = actor.NoteAsync(7, patience.Token);

        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        gate.SetResult();
        await first;
        await Guard.WithinAsync(actor.NoteAsync(8), "a later command");

        Assert.Equal([7, 8], actor.Notes);
    }

    [Fact]
    public async Task Turn_WhenItRefusesWithAWordOfTheApi_TheActorIsUnharmed()
    {
        await using var actor = new Recorder();

        await Assert.ThrowsAsync<AlreadyExists>(() => actor.ThrowAsync(new AlreadyExists("taken")));

        Assert.Null(actor.FirstFailure);
        Assert.Equal(0, actor.Recoveries);
    }

    [Fact]
    public async Task Turn_WhenItThrowsUnexpectedly_TheActorRecoversAndServesOn()
    {
        await using var actor = new Recorder();

        await Assert.ThrowsAsync<InvalidOperationException>(() => actor.ThrowAsync(new InvalidOperationException("a bug")));
        await Guard.WithinAsync(actor.NoteAsync(1), "a command after the bug");

        Assert.Equal(1, actor.Recoveries);
        Assert.Equal([1], actor.Notes);
    }

    [Fact]
    public async Task Turn_WhenBugsExceedTheBudget_TheActorEndsAndKeepsTheFirstCause()
    {
        await using var actor = new Recorder();
        for (var i = 0; i < 6; i++)
        {
            await Assert.ThrowsAsync<InvalidOperationException>(() => actor.ThrowAsync(new InvalidOperationException($"bug {i}")));
        }

        await Guard.WithinAsync(actor.Ended, "the end of the actor");
        var refused = await Assert.ThrowsAsync<RuntimeShutdown>(() => actor.NoteAsync(1));

        Assert.Equal("bug 0", actor.FirstFailure!.Message);
        Assert.Equal("bug 0", refused.InnerException!.Message);
    }

    private sealed class Recorder() : Actor("recorder", new FakeTimeProvider(), NullLogger.Instance)
    {
        private readonly TaskCompletionSource _blocked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public List<int> Notes { get; } = [];

        public int Recoveries { get; private set; }

        public Task Blocked => _blocked.Task;

        public Task Ended => _ended.Task;

        public Task BlockAsync(Task gate) => AskAsync(
            async () =>
            {
                _blocked.SetResult();
                await gate;
                return true;
            },
            CancellationToken.None);

        public Task NoteAsync(int note) => NoteAsync(note, CancellationToken.None);

        public Task NoteAsync(int note, CancellationToken cancellationToken) => AskAsync(
            () =>
            {
                Notes.Add(note);
                return new ValueTask<bool>(true);
            },
            cancellationToken);

        public Task ThrowAsync(Exception exception) => AskAsync<bool>(() => throw exception, CancellationToken.None);

        protected override ValueTask RecoverAsync(Exception bug)
        {
            Recoveries++;
            return default;
        }

        protected override ValueTask EndedAsync(Exception firstCause)
        {
            _ended.SetResult();
            return default;
        }
    }
}
