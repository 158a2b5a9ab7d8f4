namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>The comparison notices what totals hide.</summary>
public sealed class ConformanceComparisonTests
{
    [Fact]
    public void Worse_WhenEqual_IsEmpty() => Assert.Empty(Compare([("a", "SUCCESS")], [("a", "SUCCESS")]));

    [Fact]
    public void Worse_WhenASuccessBecameInfo_NamesIt() =>
        Assert.Equal("ping: a (A) was SUCCESS and is INFO: because", Assert.Single(Compare([("a", "SUCCESS")], [("a", "INFO")])));

    [Fact]
    public void Worse_WhenACheckIsGone_NamesIt() =>
        Assert.Equal("ping: a (A) was SUCCESS and is gone", Assert.Single(Compare([("a", "SUCCESS"), ("b", "SUCCESS")], [("b", "SUCCESS")])));

    [Fact]
    public void Worse_WhenTheSecondOfTwoAlikeFailed_NamesIt() =>
        Assert.Equal(
            "ping: a (A) was SUCCESS and is FAILURE: because",
            Assert.Single(Compare([("a", "SUCCESS"), ("a", "SUCCESS")], [("a", "SUCCESS"), ("a", "FAILURE")])));

    [Fact]
    public void Worse_WhenAWarningAppeared_NamesIt() =>
        Assert.Equal("ping: b (B) is new and WARNING: because", Assert.Single(Compare([("a", "SUCCESS")], [("a", "SUCCESS"), ("b", "WARNING")])));

    [Fact]
    public void Worse_WhenOnlyTheLogDiffers_IsEmpty() => Assert.Empty(Compare([("a", "SUCCESS"), ("log", "INFO")], [("a", "SUCCESS")]));

    [Fact]
    public void Worse_WhenAScenarioWroteNothing_NamesIt() =>
        Assert.Equal("ping: ran directly, wrote nothing through the gateway", Assert.Single(Compare([("a", "SUCCESS")], [])));

    [Fact]
    public void Worse_WhenAScenarioIsNotCompared_IsEmpty() =>
        Assert.Empty(ConformanceComparison.Worse(Report([("a", "SUCCESS")]), Report([("a", "FAILURE")]), ["ping"]));

    [Fact]
    public void Worse_WhenAListComesAsJson_IsEmpty() =>
        Assert.Empty(Compare([("server-sse-streams-functional", "SUCCESS")], [("server-sse-streams-functional", "INFO")]));

    private static IReadOnlyList<string> Compare((string Id, string Status)[] direct, (string Id, string Status)[] through) =>
        ConformanceComparison.Worse(Report(direct), Report(through), []);

    private static ConformanceReport Report((string Id, string Status)[] checks)
    {
        var results = checks.Select(check => new CheckResult(check.Id, check.Id.ToUpperInvariant(), check.Status, "because"));
        return new ConformanceReport("2025-11-25", 0, [new ScenarioResult("ping", IsRequired: true, [.. results])]);
    }
}
