using Fairlead.Configuration;
using Fairlead.TestKit;

namespace Fairlead.Tests.Servers;

/// <summary>Servers inside this process that stand on something outside: what becomes of them when that is away and when it comes back.</summary>
public sealed class BackendWatchTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly BackedRuns _runs = new();

    private async Task<McpManager> DeployAsync(BackendReport report)
    {
        _runs.Report = report;
        var manager = new McpManager(timeProvider: _clock);
        manager.AddServer("s", _runs);
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });
        return manager;
    }

    [Fact]
    public async Task Start_WhenTheBackendIsThere_TheServerIsHealthyAndSaysWhatItIsConnectedTo()
    {
        await using var manager = await DeployAsync(BackendReport.Ready("Engine 1.0"));
        await manager.ReachedAsync("s", ServerState.Healthy);
        Assert.Equal("Engine 1.0", Assert.Single(await manager.ListServersAsync()).Backend);
    }

    [Fact]
    public async Task Start_WhenTheBackendIsAway_TheServerIsUnhealthyUntilItIsBackHoweverLongThatTakes()
    {
        await using var manager = await DeployAsync(BackendReport.Unreachable("no engine"));
        var away = await manager.ReachedAsync("s", ServerState.Unhealthy);
        Assert.Equal("no engine", away.Reason);

        // More looks than there are restarts in the budget, the delays growing up to the interval of the health check.
        double[] seconds = [1, 2, 4, 8, 16, 30, 30, 30];
        foreach (var delay in seconds)
        {
            var looks = _runs.Looks;
            var seen = await manager.ReachedAsync("s", snapshot => snapshot.NextRetry - _clock.GetUtcNow() == TimeSpan.FromSeconds(delay), $"a look planned in {delay} s");
            Assert.Equal(ServerState.Unhealthy, seen.State);
            await _clock.AdvanceToRetryAsync(seen);
            await _runs.WhenLookedAsync(looks + 1);
        }

        var last = await manager.ReachedAsync("s", snapshot => snapshot.NextRetry > _clock.GetUtcNow(), "one more look being planned");
        _runs.Report = BackendReport.Ready("Engine 1.0");
        await _clock.AdvanceToRetryAsync(last);
        var up = await manager.ReachedAsync("s", ServerState.Healthy);
        Assert.Equal(0, up.Restarts);
        Assert.Null(up.NextRetry);
        Assert.Equal("hello", (await manager.CallAsync("s", "hello")).Text);
    }

    [Fact]
    public async Task Serving_WhenTheBackendGoesAway_TheServerIsUnhealthyAtTheNextLookAndKeepsItsTools()
    {
        await using var manager = await DeployAsync(BackendReport.Ready("Engine 1.0"));
        var up = await manager.ReachedAsync("s", ServerState.Healthy);

        _runs.Report = BackendReport.Unreachable("the engine went away");
        await _clock.WhenTimerArmedAsync(TimeSpan.FromMilliseconds(up.Config.HealthCheck.IntervalMs));
        _clock.Advance(TimeSpan.FromMilliseconds(up.Config.HealthCheck.IntervalMs));
        var away = await manager.ReachedAsync("s", snapshot => snapshot.NextRetry is not null, "a look being planned");
        Assert.Equal((ServerState.Unhealthy, "the engine went away"), (away.State, away.Reason));
        Assert.Equal(up.Catalog.Tools.Length, away.Catalog.Tools.Length);
        Assert.Null(away.Backend);
        var refused = await Assert.ThrowsAsync<ConnectionFailed>(async () => await manager.CallAsync("s", "hello"));
        Assert.Contains("the engine went away", refused.Message, StringComparison.Ordinal);

        _runs.Report = BackendReport.Ready("Engine 1.0");
        await _clock.AdvanceToRetryAsync(away);
        await manager.ReachedAsync("s", ServerState.Healthy);
    }

    [Theory]
    [InlineData(BackendState.MissingCredential, ServerState.MissingAuth)]
    [InlineData(BackendState.CredentialRefused, ServerState.AuthRequired)]
    public async Task Start_WhenACredentialIsWrong_TheServerWaitsForAPerson(BackendState found, ServerState state)
    {
        await using var manager = await DeployAsync(new BackendReport(found, "set ENGINE_TOKEN"));
        var waiting = await manager.ReachedAsync("s", state);
        Assert.Equal("set ENGINE_TOKEN", waiting.Reason);
        Assert.Null(waiting.NextRetry);

        _runs.Report = BackendReport.Ready("Engine 1.0");
        await manager.RestartServerAsync("s");
        await manager.ReachedAsync("s", ServerState.Healthy);
    }

    [Fact]
    public async Task Start_WhenTheLookThrows_ItsMessageIsTheReason()
    {
        _runs.Failure = new IOException("broken pipe to the engine");
        await using var manager = await DeployAsync(BackendReport.Ready(""));
        Assert.Equal("broken pipe to the engine", (await manager.ReachedAsync("s", ServerState.Unhealthy)).Reason);
    }

    [Fact]
    public async Task Stop_WhenTheBackendIsAway_EndsTheLooks()
    {
        await using var manager = await DeployAsync(BackendReport.Unreachable("no engine"));
        var away = await manager.ReachedAsync("s", snapshot => snapshot.NextRetry is not null, "a look being planned");
        await _clock.WhenTimerArmedAsync(away.NextRetry!.Value - _clock.GetUtcNow());
        await Guard.WithinAsync(manager.ShutdownServerAsync("s"), "the stop");
        Assert.Equal(ServerState.Stopped, manager.Cell("s").Current.State);
    }

    /// <summary>A server whose backend is as the test says.</summary>
    private sealed class BackedRuns : IBackedServer
    {
        private readonly ScriptedRuns _runs = ScriptedRuns.Legacy();
        private readonly Lock _lock = new();
        private TaskCompletionSource _looked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile BackendReport _report = BackendReport.Ready("");

        public BackendReport Report
        {
            get => _report;
            set => _report = value;
        }

        public Exception? Failure { get; set; }

        public int Looks { get; private set; }

        public Task<BackendReport> CheckAsync(CancellationToken cancellationToken)
        {
            lock (_lock)
            {
                Looks++;
                var told = _looked;
                _looked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                told.SetResult();
            }

            return Failure is { } failure ? Task.FromException<BackendReport>(failure) : Task.FromResult(Report);
        }

        public async Task WhenLookedAsync(int looks)
        {
            while (true)
            {
                Task looked;
                lock (_lock)
                {
                    if (Looks >= looks)
                    {
                        return;
                    }

                    looked = _looked.Task;
                }

                await Guard.WithinAsync(looked, $"look {looks} at the backend");
            }
        }

        public Task RunAsync(Stream input, Stream output, CancellationToken cancellationToken) => _runs.RunAsync(input, output, cancellationToken);
    }
}
