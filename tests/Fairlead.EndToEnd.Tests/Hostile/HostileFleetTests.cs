using Fairlead.Measuring;
using Xunit.Abstractions;

namespace Fairlead.EndToEnd.Tests.Hostile;

/// <summary>One of each hostile kind beside twenty healthy servers: the healthy ones serve as in a fleet without them (product D6).</summary>
/// <remarks>
/// The short form proves that nothing fails, is left out, left behind or grows. Latency is judged in the measured form only, and never by a figure alone: the
/// fleet without hostile servers (A) and the one with them (B) take turns, A/B/A/B, and what two runs of A differ by is no finding.
/// </remarks>
public sealed class HostileFleetTests(ITestOutputHelper output)
{
    /// <summary>Most private memory of a gateway with one of each hostile kind.</summary>
    private const double PrivateMiBMax = 384;

    private static readonly bool s_isMeasured = Environment.GetEnvironmentVariable("FAIRLEAD_TEST_FULL") == "1";

    [Fact]
    public async Task Healthy_BesideOneOfEachHostileKind_AreServedAndListedAndNothingIsLeftBehind()
    {
        await using var alone = await Fleet.StartAsync(Company.None);
        await using var beside = await Fleet.StartAsync(Company.Hostile);
        for (var round = 1; round <= 2; round++)
        {
            await LoadAsync(alone, $"round {round}, alone");
            await LoadAsync(beside, $"round {round}, beside");
        }

        await beside.WhenKnownAsync();
        await beside.StopAsync();
        await alone.StopAsync();
        AssertBounded(beside);
    }

    [Fact]
    public async Task Latency_BesideOneOfEachHostileKind_IsThatOfAFleetWithoutThem()
    {
        if (!s_isMeasured)
        {
            return;
        }

        // What the host takes to wake a processor is of neither fleet.
        using var awake = AwakeProcessors.Keep();
        output.WriteLine(awake.Words);
        var rounds = new List<Round>();
        for (var number = 1; number <= 5; number++)
        {
            var (first, _) = await MeasureAsync(Company.None);
            var (beside, memory) = await MeasureAsync(Company.Hostile);
            var (second, _) = await MeasureAsync(Company.None);
            var (besideAgain, memoryAgain) = await MeasureAsync(Company.Hostile);
            rounds.Add(new Round(first, beside, second, besideAgain, Math.Max(memory, memoryAgain)));
            output.WriteLine(rounds[^1].ToString());
        }

        ResilienceDocument.Record("hostile fleet", Round.Table(rounds, awake.Words));
        var ratio = Round.Median(rounds.Select(static round => round.Ratio));
        var spread = Round.Median(rounds.Select(static round => round.Spread));
        Assert.True(ratio <= 1.10 || ratio - 1 <= spread, $"the p99 beside hostile servers is {ratio:0.00} of the p99 alone, and two runs alone differ by {spread:0.00}; {awake.Words}:\n{string.Join('\n', rounds)}");
    }

    /// <summary>One fresh fleet, warmed up, under load.</summary>
    private async Task<(MeasuredLoad Load, double PrivateMiB)> MeasureAsync(Company company)
    {
        await using var fleet = await Fleet.StartAsync(company);
        await fleet.MeasureAsync(seconds: 10);
        var load = await fleet.MeasureAsync(seconds: 20);
        output.WriteLine($"company {company}: {load}");
        if (company == Company.Hostile)
        {
            await fleet.WhenKnownAsync();
        }

        await fleet.StopAsync();
        AssertBounded(fleet);
        return (load, fleet.PrivateMiBMax);
    }

    private async Task LoadAsync(Fleet fleet, string what)
    {
        var (calls, failures) = await fleet.LoadAsync(TimeSpan.FromSeconds(4));
        output.WriteLine($"{what}: {calls} calls, private memory up to {fleet.PrivateMiBMax:0} MiB");
        Assert.True(failures.Count == 0, $"{failures.Count} of {calls} calls of healthy servers failed ({what}):\n{string.Join('\n', failures.Take(10))}");
    }

    private static void AssertBounded(Fleet fleet)
    {
        Assert.True(fleet.Unanswered.Count == 0, $"calls of hostile tools without any answer:\n{string.Join('\n', fleet.Unanswered)}");
        Assert.True(fleet.PrivateMiBMax <= PrivateMiBMax, $"the gateway held {fleet.PrivateMiBMax:0} MiB; the bound is {PrivateMiBMax:0}");

        // The probe and initialize; whoever calls the server later must not make it hear from us again.
        Assert.InRange(fleet.RefusedRequests, 0, 3);
    }
}
