namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>The suite's client scenarios against the gateway's own client side.</summary>
public sealed class ClientConformanceTests
{
    [Theory]
    [InlineData("2025-11-25", "initialize")]
    [InlineData("2025-11-25", "tools_call")]
    [InlineData("2025-11-25", "elicitation-sep1034-client-defaults")]
    [InlineData("2025-11-25", "sse-retry")]
    [InlineData("2026-07-28", "tools_call")]
    [InlineData("2026-07-28", "request-metadata")]
    [InlineData("2026-07-28", "sep-2322-client-request-state")]
    [InlineData("2026-07-28", "http-standard-headers")]
    [InlineData("2026-07-28", "http-custom-headers")]
    [InlineData("2026-07-28", "http-invalid-tool-headers")]
    [InlineData("2026-07-28", "json-schema-ref-no-deref")]
    public async Task Upstream_WhenTheSuiteServes_PassesTheScenario(string revision, string scenario)
    {
        var (exitCode, output) = await ConformanceRun.RunClientAsync($"dotnet {RepositoryPaths.ConformanceClient}", scenario, revision);

        Assert.True(exitCode == 0, output);
        ConformanceDocument.RecordClientScenario(revision, scenario, passed: true);
    }
}
