using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;

namespace Fairlead.Tests.Rollouts;

/// <summary>Each way to replace a server, what undoes it, and what people may say to it (product A9).</summary>
public sealed class ServerRolloutsTests
{
    // An answer that is neither a result nor an error: the server is to blame (decision 15).
    private const string Nonsense = """ "nonsense":1 """;

    private static readonly TimeSpan s_observed = TimeSpan.FromMilliseconds(new RolloutOptions().ObserveMs + 1);

    private static async Task StartAsync(VersionedRuns runs, ServerConfig changed) => await Guard.WithinAsync(runs.Manager.UpdateServerAsync("s", changed), "the change to take part in serving");

    [Theory]
    [InlineData(RolloutStrategy.Rolling)]
    [InlineData(RolloutStrategy.BlueGreen)]
    [InlineData(RolloutStrategy.Recreate)]
    public async Task Change_ThatDoesWell_ServesAndIsCompletedWhenItsTimeIsOver(RolloutStrategy strategy)
    {
        await using var runs = new VersionedRuns();
        await runs.DeployAsync(VersionedRuns.Config("1", strategy));
        Assert.Equal(1, await runs.CallAsync());

        await StartAsync(runs, VersionedRuns.Config("2", strategy));

        Assert.Equal(2, await runs.CallAsync());
        var watched = await runs.ReachedAsync(RolloutPhase.Watching);
        Assert.Equal((100, 1, 1, 1L, 0L), (watched.Percent, watched.InstancesReady, watched.InstancesWanted, watched.Calls, watched.Failures));
        Assert.Equal(runs.Clock.GetUtcNow() + TimeSpan.FromMinutes(1), watched.WatchedUntil);
        runs.Clock.Advance(s_observed);
        var done = await runs.ReachedAsync(RolloutPhase.Completed);
        Assert.Equal((null, strategy, false), (done.Reason, done.Strategy, done.IsRunning));
        Assert.Equal(2, await runs.CallAsync());
        Assert.Equal(2, runs.Runs.Count);
        Assert.Equal(DeploymentState.Deployed, runs.Manager.Cell("s").Current.Deployment);
    }

    [Theory]
    [InlineData(RolloutStrategy.Rolling, 3)]
    [InlineData(RolloutStrategy.BlueGreen, 1)]
    [InlineData(RolloutStrategy.Recreate, 3)]
    public async Task Change_WhoseCallsFailInARow_IsUndoneAndCanBeTriedAgain(RolloutStrategy strategy, int servesAgain)
    {
        await using var runs = new VersionedRuns(static (server, number) =>
        {
            if (number == 2)
            {
                server.On("tools/call", Nonsense);
            }
        });
        await runs.DeployAsync(VersionedRuns.Config("1", strategy));
        await StartAsync(runs, VersionedRuns.Config("2", strategy));
        for (var i = 0; i < 10; i++)
        {
            await runs.FailAsync();
        }

        var undone = await runs.ReachedAsync(RolloutPhase.RolledBack);

        Assert.Contains("10 of its calls in a row failed (rollout.failuresInARow 10)", undone.Reason, StringComparison.Ordinal);
        Assert.Equal((10L, 10L, 0), (undone.Calls, undone.Failures, undone.Percent));
        Assert.Equal(servesAgain, await runs.CallAsync());
        Assert.Equal("1", runs.Manager.Cell("s").Current.Config.Environment["VERSION"]);

        // The change is not what is declared any more: the same one is a change again.
        await StartAsync(runs, VersionedRuns.Config("2", strategy));
        Assert.Equal("2", runs.Manager.Cell("s").Current.Config.Environment["VERSION"]);
    }

    [Fact]
    public async Task Change_WhoseShareOfFailuresIsTooHigh_IsUndoneAfterAHundredCalls()
    {
        var answered = 0;
        await using var runs = new VersionedRuns((server, number) =>
        {
            if (number == 2)
            {
                server.On("tools/call", _ => Interlocked.Increment(ref answered) % 16 == 0 ? Nonsense : """ "result":{"content":[{"type":"text","text":"2"}]} """);
            }
        });
        await runs.DeployAsync(VersionedRuns.Config("1", RolloutStrategy.BlueGreen));
        await StartAsync(runs, VersionedRuns.Config("2", RolloutStrategy.BlueGreen));

        for (var i = 1; i < 112; i++)
        {
            await (i % 16 == 0 ? runs.FailAsync() : runs.CallAsync("write"));
            Assert.Equal(RolloutPhase.Watching, (await runs.Manager.GetRolloutsAsync("s"))[0].Phase);
        }

        await runs.FailAsync();
        var undone = await runs.ReachedAsync(RolloutPhase.RolledBack);
        Assert.Contains("7 of its 112 calls failed (rollout.errorRateMax 0.05)", undone.Reason, StringComparison.Ordinal);
        Assert.Equal(1, await runs.CallAsync());
    }

    [Theory]
    [InlineData(RolloutStrategy.Rolling, 3)]
    [InlineData(RolloutStrategy.BlueGreen, 1)]
    [InlineData(RolloutStrategy.Recreate, 3)]
    public async Task Change_WhoseInstanceIsLost_IsUndoneAtOnce(RolloutStrategy strategy, int servesAgain)
    {
        await using var runs = new VersionedRuns();
        await runs.DeployAsync(VersionedRuns.Config("1", strategy));
        await StartAsync(runs, VersionedRuns.Config("2", strategy));

        (await runs.Runs.WhenRunAsync(2)).Crash("out of luck");

        Assert.Contains("its instance was lost", (await runs.ReachedAsync(RolloutPhase.RolledBack)).Reason, StringComparison.Ordinal);
        Assert.Equal(servesAgain, await runs.CallAsync());
    }

    [Theory]
    [InlineData(RolloutStrategy.Rolling, 1)]
    [InlineData(RolloutStrategy.BlueGreen, 1)]
    [InlineData(RolloutStrategy.Canary, 1)]
    [InlineData(RolloutStrategy.Shadow, 1)]
    [InlineData(RolloutStrategy.Recreate, 3)]
    public async Task Change_ThatCannotBeStarted_LeavesWhatRanBefore(RolloutStrategy strategy, int serves)
    {
        await using var runs = new VersionedRuns(static (server, number) =>
        {
            if (number == 2)
            {
                server.On("initialize", """ "error":{"code":-32603,"message":"no luck"} """);
            }
        });
        await runs.DeployAsync(VersionedRuns.Config("1", strategy));

        var error = await Assert.ThrowsAsync<DeploymentFailed>(() => StartAsync(runs, VersionedRuns.Config("2", strategy)));

        Assert.Contains("no luck", error.Message, StringComparison.Ordinal);
        Assert.Contains("no luck", (await runs.ReachedAsync(RolloutPhase.Failed)).Reason, StringComparison.Ordinal);
        Assert.Equal(serves, await runs.CallAsync());
    }

    [Fact]
    public async Task BlueGreen_WithSeveralInstances_SwitchesAllAtOnceAndBack()
    {
        await using var runs = new VersionedRuns();
        await runs.DeployAsync(VersionedRuns.Config("1", RolloutStrategy.BlueGreen, replicas: 3));
        var blue = runs.Manager.Cell("s").Current.Replicas;

        await StartAsync(runs, VersionedRuns.Config("2", RolloutStrategy.BlueGreen, replicas: 3));

        var green = runs.Manager.Cell("s").Current.Replicas;
        Assert.Equal(3, green.Length);
        Assert.Empty(green.Intersect(blue));
        Assert.All(blue, static connection => Assert.False(connection.Lost.IsCompleted));
        Assert.Equal(3, (await runs.Manager.GetRolloutsAsync("s"))[0].InstancesReady);

        await runs.Manager.AbortRolloutAsync("s", "the wrong build");

        Assert.Equal("the wrong build", (await runs.ReachedAsync(RolloutPhase.Aborted)).Reason);
        Assert.Equal(blue.ToHashSet(), runs.Manager.Cell("s").Current.Replicas.ToHashSet());
        Assert.Equal(6, runs.Runs.Count);
        await Guard.WithinAsync(Task.WhenAll(green.Select(static connection => connection.Lost)), "the end of the changed instances");
    }

    [Fact]
    public async Task BlueGreen_WhenOneInstanceDoesNotStart_SwitchesNothing()
    {
        await using var runs = new VersionedRuns(static (server, number) =>
        {
            if (number == 5)
            {
                server.On("initialize", """ "error":{"code":-32603,"message":"no luck"} """);
            }
        });
        await runs.DeployAsync(VersionedRuns.Config("1", RolloutStrategy.BlueGreen, replicas: 3));
        var blue = runs.Manager.Cell("s").Current.Replicas;

        var error = await Assert.ThrowsAsync<DeploymentFailed>(() => StartAsync(runs, VersionedRuns.Config("2", RolloutStrategy.BlueGreen, replicas: 3)));

        // Whichever of the three it was.
        Assert.Matches("no luck|2 of its 3 instances became ready", error.Message);
        Assert.Equal(blue, runs.Manager.Cell("s").Current.Replicas);
    }

    [Fact]
    public async Task Canary_ThatDoesWell_GetsItsShareThenTakesOver()
    {
        await using var runs = new VersionedRuns();
        await runs.DeployAsync(VersionedRuns.Config("1", RolloutStrategy.Canary, replicas: 2));
        await StartAsync(runs, VersionedRuns.Config("2", RolloutStrategy.Canary, replicas: 2, static rules => rules.Percent = 20));
        Assert.Equal(DeploymentState.Updating, runs.Manager.Cell("s").Current.Deployment);

        for (var i = 0; i < 100; i++)
        {
            await runs.CallAsync("write");
        }

        Assert.Equal((40, 40, 20), (runs.CallsOf(1), runs.CallsOf(2), runs.CallsOf(3)));
        var trial = (await runs.Manager.GetRolloutsAsync("s"))[0];
        Assert.Equal((RolloutPhase.Trial, 20, 20L, 0L), (trial.Phase, trial.Percent, trial.Calls, trial.Failures));
        runs.Clock.Advance(s_observed);
        await runs.ReachedAsync(RolloutPhase.Completed);
        Assert.Equal("2", runs.Manager.Cell("s").Current.Config.Environment["VERSION"]);
        await runs.Runs.WhenRunAsync(4);
        Assert.Null(runs.Manager.Cell("s").Current.Trial);
    }

    [Fact]
    public async Task Canary_WhoseCallsFail_IsUndoneAndTheOthersServeOn()
    {
        await using var runs = new VersionedRuns(static (server, number) =>
        {
            if (number == 2)
            {
                server.On("tools/call", Nonsense);
            }
        });
        await runs.DeployAsync(VersionedRuns.Config("1", RolloutStrategy.Canary));
        await StartAsync(runs, VersionedRuns.Config("2", RolloutStrategy.Canary, rules: static rules => (rules.Percent, rules.FailuresInARow) = (50, 3)));
        var failed = 0;
        for (var i = 0; i < 5; i++)
        {
            try
            {
                Assert.Equal(1, await runs.CallAsync("write"));
            }
            catch (McpException)
            {
                failed++;
            }
        }

        Assert.Contains("3 of its calls in a row failed", (await runs.ReachedAsync(RolloutPhase.RolledBack)).Reason, StringComparison.Ordinal);
        Assert.Equal(3, failed);
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(1, await runs.CallAsync("write"));
        }

        Assert.Equal("1", runs.Manager.Cell("s").Current.Config.Environment["VERSION"]);
    }

    [Fact]
    public async Task Canary_ThatIsLost_IsUndoneAtOnceAndNoCallOfTheOthersFails()
    {
        await using var runs = new VersionedRuns();
        await runs.DeployAsync(VersionedRuns.Config("1", RolloutStrategy.Canary));
        await StartAsync(runs, VersionedRuns.Config("2", RolloutStrategy.Canary, rules: static rules => rules.Percent = 99));

        (await runs.Runs.WhenRunAsync(2)).Crash("out of luck");

        Assert.Contains("its instance was lost", (await runs.ReachedAsync(RolloutPhase.RolledBack)).Reason, StringComparison.Ordinal);
        Assert.Equal(1, await runs.CallAsync("write"));
    }

    [Fact]
    public async Task Canary_ThatLacksWhatClientsSee_IsNotTried()
    {
        await using var runs = new VersionedRuns(static (server, number) =>
        {
            if (number == 2)
            {
                server.On("tools/list", """ "result":{"tools":[{"name":"hello","inputSchema":{"type":"object"}}]} """);
            }
        });
        await runs.DeployAsync(VersionedRuns.Config("1", RolloutStrategy.Canary));

        var error = await Assert.ThrowsAsync<DeploymentFailed>(() => StartAsync(runs, VersionedRuns.Config("2", RolloutStrategy.Canary)));

        Assert.Contains("it lacks write, which clients see", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, await runs.CallAsync("write"));
    }

    [Fact]
    public async Task Shadow_GetsCopiesOfWhatMayBeRepeatedOnlyAndNobodySeesItsAnswers()
    {
        await using var runs = new VersionedRuns(static (server, number) =>
        {
            if (number == 2)
            {
                server.On("tools/call", Nonsense);
            }
        });
        await runs.DeployAsync(VersionedRuns.Config("1", RolloutStrategy.Shadow));
        await StartAsync(runs, VersionedRuns.Config("2", RolloutStrategy.Shadow));
        var shadow = (await runs.Runs.WhenRunAsync(2)).Server;
        for (var i = 0; i < 9; i++)
        {
            Assert.Equal(1, await runs.CallAsync("write"));
            Assert.Equal(1, await runs.CallAsync("hello"));
        }

        await shadow.WhenReceivedAsync(static received => received.Count(static request => request.Method == "tools/call") == 9, "nine copies");
        Assert.DoesNotContain(shadow.Received, static request => request.Method == "tools/call" && request.Text("name") == "write");
        Assert.Equal(1, await runs.CallAsync("hello"));

        Assert.Contains("10 of its calls in a row failed", (await runs.ReachedAsync(RolloutPhase.RolledBack)).Reason, StringComparison.Ordinal);
        Assert.Equal(19, runs.CallsOf(1));
    }

    [Fact]
    public async Task Shadow_ThatDoesWell_TakesOver()
    {
        await using var runs = new VersionedRuns();
        await runs.DeployAsync(VersionedRuns.Config("1", RolloutStrategy.Shadow));
        await StartAsync(runs, VersionedRuns.Config("2", RolloutStrategy.Shadow));
        Assert.Equal(1, await runs.CallAsync());

        await runs.Manager.PromoteRolloutAsync("s");

        await runs.ReachedAsync(RolloutPhase.Completed);
        Assert.Equal(2, await runs.CallAsync("write"));
    }

    [Fact]
    public async Task Recreate_WhileItStarts_LetsCallsWaitAndNeverRunsTwo()
    {
        var mayStart = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var open = 0;
        var most = 0;
        await using var runs = new VersionedRuns((server, number) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref open));
            if (number == 2)
            {
                VersionedRuns.StartsAfter(server, mayStart.Task);
            }
        });
        await runs.DeployAsync(VersionedRuns.Config("1", RolloutStrategy.Recreate));
        var first = runs.Manager.Cell("s").Current.Shared!;
        var change = StartAsync(runs, VersionedRuns.Config("2", RolloutStrategy.Recreate));
        await Guard.WithinAsync(first.Lost, "the end of the first version");
        Interlocked.Decrement(ref open);
        var waiting = runs.CallAsync();

        await runs.Manager.ReachedAsync("s", ServerState.Initializing);
        mayStart.SetResult();

        await change;
        Assert.Equal(2, await waiting);
        Assert.Equal(1, most);
    }

    [Fact]
    public async Task Changes_OfEveryKindUnderLoad_FailNoCall()
    {
        // The real clock: calls in flight are waited for by it.
        await using var runs = new VersionedRuns(time: TimeProvider.System);
        await runs.DeployAsync(VersionedRuns.Config("0", RolloutStrategy.Rolling, replicas: 2));
        using var over = new CancellationTokenSource();
        var callers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            var calls = 0;
            for (; !over.IsCancellationRequested; calls++)
            {
                await runs.CallAsync(calls % 2 == 0 ? "hello" : "write");
            }

            return calls;
        })).ToArray();

        for (var i = 1; i <= 40; i++)
        {
            var strategy = (RolloutStrategy)(i % 5);
            await StartAsync(runs, VersionedRuns.Config($"{i}", strategy, replicas: 2, static rules => rules.Percent = 50));
            Assert.Equal(strategy, (await runs.Manager.GetRolloutsAsync("s"))[0].Strategy);

            // Some stay, some are undone, some are overtaken by the next.
            switch (i % 3)
            {
                case 0:
                    await runs.Manager.PromoteRolloutAsync("s");
                    await runs.ReachedAsync(RolloutPhase.Completed);
                    break;
                case 1:
                    await runs.Manager.AbortRolloutAsync("s");
                    await runs.ReachedAsync(RolloutPhase.Aborted);

                    // What does not serve is changed without a rollout.
                    await runs.Manager.ReachedAsync("s", ServerState.Healthy);
                    break;
                default:
                    break;
            }
        }

        await over.CancelAsync();
        Assert.All(await Guard.WithinAsync(Task.WhenAll(callers), "the callers"), static calls => Assert.NotEqual(0, calls));
    }

    [Fact]
    public async Task Start_WithoutAChange_BringsFreshInstances()
    {
        await using var runs = new VersionedRuns();
        await runs.DeployAsync(VersionedRuns.Config("1", RolloutStrategy.Rolling));

        var rollout = await Guard.WithinAsync(runs.Manager.StartRolloutAsync("s", new RolloutOptions { Strategy = RolloutStrategy.BlueGreen, ObserveMs = 0 }), "the rollout");

        Assert.Equal(RolloutStrategy.BlueGreen, rollout.Strategy);
        await runs.ReachedAsync(RolloutPhase.Completed);
        Assert.Equal(2, await runs.CallAsync());
    }

    [Fact]
    public async Task Start_WhileAnotherRuns_EndsThatOneFirst()
    {
        await using var runs = new VersionedRuns();
        await runs.DeployAsync(VersionedRuns.Config("1", RolloutStrategy.Canary));
        await StartAsync(runs, VersionedRuns.Config("2", RolloutStrategy.Canary));

        await StartAsync(runs, VersionedRuns.Config("3", RolloutStrategy.BlueGreen));

        var history = await runs.Manager.GetRolloutsAsync("s");
        Assert.Equal([(2, RolloutPhase.Watching), (1, RolloutPhase.Aborted)], history.Select(static rollout => (rollout.Number, rollout.Phase)));
        Assert.Equal("another change followed", history[1].Reason);
        Assert.Equal(3, await runs.CallAsync());
    }

    [Fact]
    public async Task Stop_DuringATrial_EndsItAndTheTriedInstance()
    {
        await using var runs = new VersionedRuns();
        await runs.DeployAsync(VersionedRuns.Config("1", RolloutStrategy.Canary));
        await StartAsync(runs, VersionedRuns.Config("2", RolloutStrategy.Canary));
        var tried = runs.Manager.Cell("s").Current.Trial!.Connection;

        await runs.Manager.ShutdownServerAsync("s");

        Assert.Equal(RolloutPhase.Aborted, (await runs.Manager.GetRolloutsAsync("s"))[0].Phase);
        await Guard.WithinAsync(tried.Lost, "the end of the tried instance");
        Assert.Null(runs.Manager.Cell("s").Current.Trial);
    }

    [Fact]
    public async Task Orders_WhenNothingCanFollowThem_SayWhy()
    {
        await using var runs = new VersionedRuns();
        await runs.DeployAsync(VersionedRuns.Config("1", RolloutStrategy.Rolling));

        var none = await Assert.ThrowsAsync<DeploymentFailed>(() => runs.Manager.PromoteRolloutAsync("s"));
        Assert.Contains("No rollout of 's' runs", none.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ServerNotFound>(() => runs.Manager.AbortRolloutAsync("nobody"));
        await runs.Manager.ShutdownServerAsync("s");
        var stopped = await Assert.ThrowsAsync<DeploymentFailed>(() => runs.Manager.StartRolloutAsync("s"));
        Assert.Contains("'s' is Stopped", stopped.Message, StringComparison.Ordinal);
        Assert.Empty(await runs.Manager.GetRolloutsAsync("s"));
    }

    [Fact]
    public async Task Change_WhileARolledOutOneIsWatched_KeepsWhatWasDoneByHandWhenItIsUndone()
    {
        await using var runs = new VersionedRuns();
        await runs.DeployAsync(VersionedRuns.Config("1", RolloutStrategy.BlueGreen));
        await StartAsync(runs, VersionedRuns.Config("2", RolloutStrategy.BlueGreen));
        await runs.Manager.DisableToolAsync("s", "write");

        await runs.Manager.AbortRolloutAsync("s");
        await runs.ReachedAsync(RolloutPhase.Aborted);

        Assert.Equal(1, await runs.CallAsync());
        await runs.Manager.ReachedAsync("s", static snapshot => snapshot.Config.ByHand.DisabledTools.Count == 1, "the tool that was disabled by hand");
        await Guard.WithinAsync(runs.UntilHiddenAsync("write"), "the tool to be hidden again");
    }
}
