namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>Reading what the suite writes.</summary>
public sealed class ConformanceReportTests
{
    private const string Requirements =
        """
        revision: 2025-11-25
        server:
          - ping
          # a remark
          - tools-list # another
        client:
          - initialize
        """;

    [Fact]
    public void RequiredServerScenarios_WhenOtherListsFollow_TakesOnlyItsOwn() =>
        Assert.Equal(["ping", "tools-list"], ConformanceReport.RequiredServerScenarios(Requirements));

    [Fact]
    public void ReadChecks_WhenACheckHasNoMessage_GivesAnEmptyOne() =>
        Assert.Equal(
            [new CheckResult("ping", "Ping", "SUCCESS", "")],
            ConformanceReport.ReadChecks("""[{"id":"ping","name":"Ping","status":"SUCCESS","details":{}}]"""));

    [Fact]
    public void Read_WhenARequiredScenarioWroteNothing_ItHasNotPassed()
    {
        var folder = Directory.CreateTempSubdirectory("fairlead-report-");
        try
        {
            var scenario = folder.CreateSubdirectory("server-ping-2026-11-20T17-48-42-793Z");
            File.WriteAllText(Path.Combine(scenario.FullName, "checks.json"), """[{"id":"ping","name":"Ping","status":"SUCCESS"}]""");

            var report = ConformanceReport.Read("2025-11-25", 0, folder.FullName, Requirements);

            Assert.Equal([("ping", true), ("tools-list", false)], report.Required.Select(required => (required.Name, required.Passed)));
            Assert.Contains("tools-list: wrote no result", report.DescribeFailures(), StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
