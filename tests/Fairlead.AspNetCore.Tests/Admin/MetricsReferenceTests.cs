using System.Text;
using Fairlead.AspNetCore.Admin;
using Fairlead.Telemetry;
using Microsoft.Extensions.DependencyInjection;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>The page of metrics in the docs says what <c>/metrics</c> has.</summary>
public sealed class MetricsReferenceTests
{
    [Fact]
    public async Task ReferencePage_WhenAMetricChanges_IsWrittenAgain()
    {
        await using var host = await RestHost.StartAsync();
        await Repository.AssertPageAsync("docs/reference/metrics.md", Write(host.Services.GetRequiredService<MetricsPage>().Families));
    }

    [Fact]
    public async Task Families_OfThePage_HaveEachTheirOwnName()
    {
        await using var host = await RestHost.StartAsync();
        var families = host.Services.GetRequiredService<MetricsPage>().Families;
        Assert.Equal(families.Count, families.Select(static family => family.Name).Distinct().Count());
        string[] promised =
        [
            "mcp_requests_total", "mcp_response_time_seconds", "mcp_active_connections", "mcp_health_checks_total", "mcp_circuit_breaker_state", "mcp_connection_pool_size", "mcp_server_availability",
            "mcp_error_rate", "mcp_client_operation_duration_seconds", "mcp_server_operation_duration_seconds",
        ];
        Assert.Empty(promised.Except(families.Select(static family => family.FullName)));

        // What a family says of its labels is what its numbers have.
        foreach (var family in families.Where(static family => family.Read is not null))
        {
            Assert.All(family.Read!(), sample => Assert.Equal(family.Labels, string.Join(',', sample.Labels.Select(static label => label.Name))));
        }
    }

    private static string Write(IEnumerable<MetricFamily> families)
    {
        var page = new StringBuilder("# Metrics\n\nWritten from the code by `FAIRLEAD_UPDATE_DOCS=1 ./test --filter ReferencePage`; docs/telemetry.md says how to read them.\n\n| metric | kind | labels | what it tells |\n|---|---|---|---|\n");
        foreach (var family in families)
        {
            page.Append($"| `{family.FullName}` | {family.Kind.ToString().ToLowerInvariant()} | {family.Labels.Replace(",", ", ", StringComparison.Ordinal)} | {family.Help} |\n");
        }

        return page.ToString();
    }
}
