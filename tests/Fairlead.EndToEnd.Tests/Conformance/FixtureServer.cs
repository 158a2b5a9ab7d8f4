namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>A fixture on Streamable HTTP, for the direct run and as an HTTP upstream.</summary>
internal sealed class FixtureServer : IAsyncDisposable
{
    private readonly ChildProcess _process;

    private FixtureServer(ChildProcess process, Uri url)
    {
        _process = process;
        Url = url;
    }

    /// <summary>The endpoint.</summary>
    public Uri Url { get; }

    /// <summary>Starts a fixture on a free port.</summary>
    /// <param name="era"><c>legacy</c> or <c>modern</c>.</param>
    public static async Task<FixtureServer> StartAsync(ConformanceFixture fixture, string era)
    {
        var process = ChildProcess.Start(fixture.Command[0], [.. fixture.Command[1..], "http", "--port", "0", "--era", era]);
        return new FixtureServer(process, new Uri(await process.LineAsync(line => line.StartsWith("http", StringComparison.Ordinal), "its URL")));
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
