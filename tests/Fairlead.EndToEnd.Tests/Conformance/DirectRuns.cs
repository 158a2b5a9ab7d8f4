namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>The direct runs, made once and shared by all tests that compare with them.</summary>
public sealed class DirectRuns : IAsyncLifetime
{
    private readonly Dictionary<string, ConformanceReport> _reports = new(StringComparer.Ordinal);

    /// <summary>The run of a revision.</summary>
    internal ConformanceReport this[string revision] => _reports[revision];

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        foreach (var (era, revision) in ((string Era, string Revision)[])[("legacy", "2025-11-25"), ("modern", "2026-07-28")])
        {
            await using var fixture = await FixtureServer.StartAsync(era);
            _reports[revision] = await ConformanceRun.RunServerAsync(fixture.Url, revision);
        }
    }

    /// <inheritdoc/>
    public Task DisposeAsync() => Task.CompletedTask;
}
