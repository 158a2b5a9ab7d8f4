using System.Globalization;
using System.Text.Json;
using Fairlead.EndToEnd.Tests.Dashboard;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>Does the deeds of the table at the dashboard, as an administrator in a real Chromium (tests/node/dashboard/table.mjs).</summary>
internal sealed class DashboardWay : IAsyncDisposable
{
    private readonly ChildProcess _browser;
    private readonly Func<Deed, Task<DeedEnd>> _elsewhere;
    private int _last;

    private DashboardWay(ChildProcess browser, Func<Deed, Task<DeedEnd>> elsewhere)
    {
        _browser = browser;
        _elsewhere = elsewhere;
    }

    /// <summary>Opens the dashboard; null where there is no browser, which the tests of the dashboard tell.</summary>
    /// <param name="url">Of the gateway.</param>
    /// <param name="tokenFile">The file with its admin token.</param>
    /// <param name="elsewhere">Does what somebody else does meanwhile.</param>
    public static DashboardWay? Open(string url, string tokenFile, Func<Deed, Task<DeedEnd>> elsewhere) => Chromium.Missing is not null ? null : new DashboardWay(
        ChildProcess.StartWithInput(RepositoryPaths.Node, [RepositoryPaths.Source("tests/node/dashboard/table.mjs"), RepositoryPaths.NodeModule(""), Chromium.Path, url, tokenFile]), elsewhere);

    public async Task<DeedEnd> DoAsync(Deed deed)
    {
        var end = await AskAsync($"\"deed\":{JsonSerializer.Serialize(deed.All)}", deed.Meanwhile, $"the dashboard to do {deed}");
        return new DeedEnd(StateTable.Text(end, "error"), StateTable.Text(end, "text")!, 0);
    }

    /// <summary>What the page of the fleet shows of each server.</summary>
    /// <param name="servers">How many there are.</param>
    public async Task<JsonElement> FleetAsync(int servers) =>
        (await AskAsync(string.Create(CultureInfo.InvariantCulture, $"\"show\":\"fleet\",\"servers\":{servers}"), null, "the fleet in the browser")).GetProperty("fleet");

    /// <summary>Lets the page of events tell calls from now on.</summary>
    public Task WatchCallsAsync() => AskAsync("\"show\":\"calls\"", null, "the page of events");

    /// <summary>Waits until the page of events has told calls that failed.</summary>
    public Task ToldAsync(IEnumerable<(string Server, string Error)> calls) => AskAsync(
        $"\"show\":\"told\",\"wanted\":{JsonSerializer.Serialize(calls.Select(static call => new[] { call.Server, call.Error }))}", null, "the calls that failed, on the page of events");

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _browser.CloseInput();
        await Guard.WithinAsync(_browser.Exit, "the end of the browser");
        await _browser.DisposeAsync();
    }

    private async Task<JsonElement> AskAsync(string members, Deed? meanwhile, string what)
    {
        var start = string.Create(CultureInfo.InvariantCulture, $"{{\"n\":{++_last},");
        await _browser.WriteLineAsync(string.Concat(start, members, "}"));
        if (meanwhile is not null)
        {
            var asked = await _browser.LineAsync(line => line.StartsWith(start, StringComparison.Ordinal), what);
            Assert.Contains("\"meanwhile\"", asked, StringComparison.Ordinal);
            var done = await _elsewhere(meanwhile);
            Assert.True(done.Error is null, $"{meanwhile}: {done.Text}");
            await _browser.WriteLineAsync("done");
        }

        var told = await _browser.LineAsync(line => line.StartsWith(start, StringComparison.Ordinal) && !line.Contains("\"meanwhile\":true", StringComparison.Ordinal), what);
        using var document = JsonDocument.Parse(told);
        Assert.False(document.RootElement.TryGetProperty("problem", out _), told);
        return document.RootElement.Clone();
    }
}
