using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;
using Fairlead.Tests.Upstreams.Http;

namespace Fairlead.Tests.Rollouts;

/// <summary>What else happens to a server while a change of it is under way.</summary>
public sealed class ChangesMeanwhileTests
{
    private static Task StartAsync(VersionedRuns runs, ServerConfig changed) => Guard.WithinAsync(runs.Manager.UpdateServerAsync("s", changed), "the change to take part in serving");

    private static string Version(VersionedRuns runs) => runs.Manager.Cell("s").Current.Config.Environment["VERSION"];

    [Fact]
    public async Task ByHand_DuringATrial_CountsAtOnceAndForTheChangeThatGoesOn()
    {
        await using var runs = new VersionedRuns();
        await runs.DeployAsync(VersionedRuns.Config("1", RolloutStrategy.Canary));
        await StartAsync(runs, VersionedRuns.Config("2", RolloutStrategy.Canary));

        await runs.Manager.DisableToolAsync("s", "write");

        await Assert.ThrowsAsync<ToolNotFound>(async () => await runs.Manager.CallAsync("s", "write"));
        Assert.Equal((1, RolloutPhase.Trial), ((await runs.Manager.GetRolloutsAsync("s"))[0].Number, (await runs.Manager.GetRolloutsAsync("s"))[0].Phase));
        await runs.Manager.PromoteRolloutAsync("s");
        await runs.ReachedAsync(RolloutPhase.Completed);
        Assert.Equal("2", Version(runs));
        await runs.Manager.ReachedAsync("s", static snapshot => snapshot.Config.ByHand.DisabledTools.Count == 1, "what was done by hand");
        await Guard.WithinAsync(runs.UntilHiddenAsync("write"), "the tool to be hidden at the changed server");
        Assert.Equal(2, await runs.CallAsync());
    }

    [Fact]
    public async Task Edit_WhileWhatRanBeforeHasMadeWay_DoesNotStopTheStart()
    {
        var mayStart = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var runs = new VersionedRuns((server, number) =>
        {
            if (number == 2)
            {
                VersionedRuns.StartsAfter(server, mayStart.Task);
            }
        });
        await runs.DeployAsync(VersionedRuns.Config("1", RolloutStrategy.Recreate));
        var change = StartAsync(runs, VersionedRuns.Config("2", RolloutStrategy.Recreate));
        await runs.Manager.ReachedAsync("s", ServerState.Initializing);
        var edited = VersionedRuns.Config("2", RolloutStrategy.Recreate);
        edited.Tags.Add("new");

        await StartAsync(runs, edited);
        await runs.Manager.ScaleServerAsync("s", 2);
        mayStart.SetResult();

        await change;
        Assert.Equal(["new"], runs.Manager.Cell("s").Current.Config.Tags);
        await runs.Manager.ReachedAsync("s", static snapshot => snapshot.Replicas.Length == 2, "both instances");
        Assert.Contains(await runs.CallAsync(), (int[])[2, 3]);
    }

    [Fact]
    public async Task Undo_WhileTheOtherInstancesAreStillBeingReplaced_LeavesNoneOfTheChange()
    {
        var mayStart = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var runs = new VersionedRuns((server, number) =>
        {
            // 1 to 4 are the first version; 5 is the changed first instance, 6 the changed second one, which is slow.
            if (number == 6)
            {
                VersionedRuns.StartsAfter(server, mayStart.Task);
            }
        });
        await runs.DeployAsync(VersionedRuns.Config("1", RolloutStrategy.Rolling, replicas: 4));
        await StartAsync(runs, VersionedRuns.Config("2", RolloutStrategy.Rolling, replicas: 4));
        await runs.Runs.WhenRunAsync(6);
        await runs.Manager.AbortRolloutAsync("s");
        await runs.ReachedAsync(RolloutPhase.Aborted);
        mayStart.SetResult();

        // The first instance is 7; of the others each that was begun meanwhile is replaced, and there are four again.
        await runs.Manager.ReachedAsync("s", static snapshot => snapshot.Replicas.Length == 4, "four instances");
        await Guard.WithinAsync(OnlyAsync(runs, static answered => !answered.Contains(5) && !answered.Contains(6)), "calls to be answered by none of the change");
        Assert.Equal("1", Version(runs));
    }

    [Fact]
    public async Task Edit_WhileAChangeIsWatched_IsUndoneWithItAndBothCanBeTriedAgain()
    {
        await using var runs = new VersionedRuns();
        await runs.DeployAsync(VersionedRuns.Config("1", RolloutStrategy.BlueGreen));
        await StartAsync(runs, VersionedRuns.Config("2", RolloutStrategy.BlueGreen));
        var edited = VersionedRuns.Config("2", RolloutStrategy.BlueGreen);
        edited.Tags.Add("new");
        await StartAsync(runs, edited);
        Assert.Equal(RolloutPhase.Watching, (await runs.Manager.GetRolloutsAsync("s"))[0].Phase);

        await runs.Manager.AbortRolloutAsync("s");
        await runs.ReachedAsync(RolloutPhase.Aborted);
        Assert.Equal("1", Version(runs));

        await runs.Manager.DisableToolAsync("s", "write");
        Assert.Equal("1", Version(runs));
        await StartAsync(runs, edited);
        Assert.Equal("2", Version(runs));
    }

    [Fact]
    public async Task Canary_ThatRefusesFairleadsCredentials_IsUndoneAndTheOthersServeOn()
    {
        var refuses = false;
        Task AnswerAsync(RawUpstream upstream, Microsoft.AspNetCore.Http.HttpContext context, RawRequest request) => request.RpcMethod == "tools/list"
            ? context.ResultAsync(request, """{"tools":[{"name":"hello","inputSchema":{"type":"object"}}]}""")
            : context.ResultAsync(request, """{"content":[]}""");
        await using var first = await new LegacyScript { Call = AnswerAsync }.StartAsync();
        await using var second = await new LegacyScript
        {
            Call = (upstream, context, request) => request.RpcMethod == "tools/call" && Volatile.Read(ref refuses) ? context.AnswerAsync(401, "text/plain", "the token is another's") : AnswerAsync(upstream, context, request),
        }.StartAsync();
        ServerConfig Config(RawUpstream upstream) => new()
        {
            Name = "s", Url = upstream.Url, HealthCheck = { Kind = HealthCheckKind.None }, Rollout = { Strategy = RolloutStrategy.Canary, Percent = 50 },
        };
        await using var manager = new McpManager(timeProvider: new FakeTimeProvider());
        await manager.DeployServerAsync(Config(first));
        await manager.ReachedAsync("s", ServerState.Healthy);
        await Guard.WithinAsync(manager.UpdateServerAsync("s", Config(second)), "the trial");

        Volatile.Write(ref refuses, true);
        var refused = 0;
        for (var i = 0; i < 4; i++)
        {
            try
            {
                await Guard.WithinAsync(manager.CallAsync("s", "hello"), "a call");
            }
            catch (Unauthenticated)
            {
                refused++;
            }
        }

        await Guard.WithinAsync(UndoneAsync(manager), "the rollout to be undone");
        Assert.InRange(refused, 1, 2);
        Assert.Contains("it refuses Fairlead's credentials", (await manager.GetRolloutsAsync("s"))[0].Reason, StringComparison.Ordinal);
        Assert.Equal((ServerState.Healthy, first.Url), (manager.Cell("s").Current.State, manager.Cell("s").Current.Config.Url));
        await Guard.WithinAsync(manager.CallAsync("s", "hello"), "a call of what ran before");

        static async Task UndoneAsync(McpManager manager)
        {
            while ((await manager.GetRolloutsAsync("s"))[0].Phase != RolloutPhase.RolledBack)
            {
                await Task.Yield();
            }
        }
    }

    [Fact]
    public async Task Stop_DuringATrialOfSeveralInstances_StartsNothing()
    {
        await using var runs = new VersionedRuns();
        await runs.DeployAsync(VersionedRuns.Config("1", RolloutStrategy.Canary, replicas: 2));
        await StartAsync(runs, VersionedRuns.Config("2", RolloutStrategy.Canary, replicas: 2));

        await runs.Manager.ShutdownServerAsync("s");
        await runs.Manager.ReachedAsync("s", static snapshot => snapshot.Config.Environment["VERSION"] == "1" && snapshot.Deployment == DeploymentState.NotDeployed, "what ran before to be declared");

        Assert.Equal(3, runs.Runs.Count);
        await runs.Manager.StartServerAsync("s");
        await runs.Manager.ReachedAsync("s", static snapshot => snapshot.Replicas.Length == 2, "two instances");
        Assert.Equal(5, runs.Runs.Count);
    }

    [Fact]
    public async Task Change_WhoseHealthChecksFail_IsUndone()
    {
        await using var runs = new VersionedRuns(time: TimeProvider.System);
        string? reason = null;
        runs.Manager.AddHealthCheck("s", _ => Task.FromResult(Volatile.Read(ref reason)));
        ServerConfig Checked(string version)
        {
            var config = VersionedRuns.Config(version, RolloutStrategy.BlueGreen);
            config.HealthCheck.IntervalMs = config.HealthCheck.TimeoutMs = 1000;
            config.HealthCheck.UnhealthyAfter = 1;
            return config;
        }

        await runs.DeployAsync(Checked("1"));
        await StartAsync(runs, Checked("2"));
        Volatile.Write(ref reason, "the licence has run out");

        Assert.Contains("the licence has run out", (await runs.ReachedAsync(RolloutPhase.RolledBack)).Reason, StringComparison.Ordinal);
    }

    private static async Task OnlyAsync(VersionedRuns runs, Predicate<HashSet<int>> isRight)
    {
        while (true)
        {
            var answered = new HashSet<int>();
            for (var i = 0; i < 8; i++)
            {
                answered.Add(await runs.CallAsync());
            }

            if (answered.Count == 4 && isRight(answered))
            {
                return;
            }
        }
    }
}
