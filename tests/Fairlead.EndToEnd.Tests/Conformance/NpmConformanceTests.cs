namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>The requirement sets through the gateway to a server of another implementation than ours: what holds for it holds for the protocol, and not for one SDK's habits.</summary>
[Collection(ConformanceCollection.Name)]
public sealed class NpmConformanceTests(DirectRuns direct)
{
    private static readonly bool s_full = Environment.GetEnvironmentVariable("FAIRLEAD_TEST_FULL") == "1";

    /// <summary>Era of the fixture, revision of the suite, transport between gateway and fixture. Stdio is left to the slow suites: they write and check those rows.</summary>
    public static TheoryData<string, string, string> Roads()
    {
        var roads = new TheoryData<string, string, string>
        {
            { "legacy", "2025-11-25", "http" },
            { "modern", "2026-07-28", "http" },
            { "modern", "2025-11-25", "http" },
            { "legacy", "2026-07-28", "http" },
        };
        if (s_full)
        {
            roads.Add("modern", "2025-11-25", "stdio");
            roads.Add("legacy", "2026-07-28", "stdio");
            roads.Add("legacy", "2025-11-25", "stdio");
            roads.Add("modern", "2026-07-28", "stdio");
        }

        return roads;
    }

    [Theory]
    [MemberData(nameof(Roads))]
    public async Task Gateway_WhenTheServerIsOfAnotherSdk_NoCheckIsWorseThanDirect(string era, string revision, string upstream)
    {
        var parks = era == "legacy" && revision == "2026-07-28";
        await GatewayRun.CheckAsync(
            ConformanceFixture.Npm,
            era,
            revision,
            upstream,
            await direct.OfAsync(ConformanceFixture.Npm, revision),
            ConformanceRun.ExpectedFailures(parks ? $"{revision}-npm-legacy" : revision),
            parks ? [.. LeftOut.WithoutKeys.Keys] : []);
    }
}
