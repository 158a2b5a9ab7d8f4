using System.Globalization;
using System.Text.Json;
using Fairlead.Cli.Output;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>What <c>fairlead top</c> shows of a look at the instance.</summary>
public sealed class TopViewTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Lines_AfterOneLook_ShowTotalsAndAServerEach()
    {
        var view = Make(hasUnicode: false, isLive: false);
        view.Take(Metrics(Figures("git", 600, 10, 0.05, 850, 12_300, 2_000_000, 1, 0), Figures("web", 6, 0.1, 0, 120_000, null, null, 0, 3)), Servers("git:Healthy", "web:CrashLoop", "new:Initializing"));
        Assert.Equal(
            [
                "fairlead top  00:00:00  1 of 3 serving  10.1 calls/s  4.95 % errors  1 in flight  606 calls in all",
                "SERVER  STATE         CALLS/S  ERRORS    P50     P95   P99  IN FLIGHT  RESTARTS",
                "git     Healthy          10.0     5 %  850us  12.3ms  2.0s          1  0",
                "web     CrashLoop         0.1     0 %  120ms       -     -          0  3",
                "new     Initializing      0.0     0 %      -       -     -          0  0",
            ],
            view.Lines());
    }

    [Theory]
    [InlineData('c', "a b c")]
    [InlineData('e', "c b a")]
    [InlineData('p', "b c a")]
    [InlineData('N', "a b c")]
    [InlineData('x', "a b c")]
    public void Lines_WhenAKeyWasPressed_AreSortedByIt(char key, string order)
    {
        var view = Make(hasUnicode: false, isLive: true);
        view.Take(Metrics(Figures("c", 1, 1, 0.5, 1, 1, 20, 0, 0), Figures("a", 3, 3, 0, 1, 1, null, 0, 0), Figures("b", 2, 2, 0.1, 1, 1, 30, 0, 0)), Servers("c:Healthy", "a:Healthy", "b:Healthy"));
        view.Press(key);
        var lines = view.Lines();
        Assert.Contains("keys: c calls, e errors, p p99, n name, q ends", lines[1], StringComparison.Ordinal);
        Assert.Equal(order, string.Join(' ', lines.Skip(3).Select(static line => line[..1])));
    }

    [Fact]
    public void Lines_AfterSeveralLooks_DrawTheCallsBetweenThem()
    {
        var view = Make(hasUnicode: true, isLive: false);
        foreach (var calls in (double[])[0, 0, 70, 105, 3, 73])
        {
            view.Take(Metrics(Figures("git", calls, 1, 0, 1, 1, 1, 0, 0)), Servers("git:Healthy"));
            _time.Advance(TimeSpan.FromSeconds(2));
        }

        // 0, 35, 17.5 and 35 calls/s; where the counts began anew there is nothing to say.
        Assert.EndsWith("▁█▅█", view.Lines()[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_WhenTheInstanceIsGone_SayThatItIsWaitedFor()
    {
        var view = Make(hasUnicode: false, isLive: false);
        view.Take(Metrics(), Servers());
        view.Wait("it stops");
        Assert.Equal("waiting for the instance to come back (it stops); as it was:", view.Lines()[1]);
        view.Take(Metrics(), Servers());
        Assert.DoesNotContain("waiting", string.Join('\n', view.Lines()), StringComparison.Ordinal);
    }

    [Fact]
    public void Json_OfALook_IsTheMetricsWithTimeAndStates()
    {
        var look = JsonDocument.Parse(TopView.Json(Metrics(Figures("git", 600, 10, 0, 1, 1, 1, 1, 0)), Servers("git:Healthy"), _time.GetUtcNow())).RootElement;
        Assert.Equal("2026-01-01T00:00:00+00:00", look.GetProperty("at").GetString());
        Assert.Equal(5, look.GetProperty("totalCommands").GetInt32());
        Assert.Equal(("Healthy", 600), (look.GetProperty("servers").GetProperty("git").GetProperty("state").GetString(), look.GetProperty("servers").GetProperty("git").GetProperty("calls").GetInt32()));
    }

    private TopView Make(bool hasUnicode, bool isLive) =>
        new(new Terminal(TextWriter.Null, TextWriter.Null, isTerminal: true, hasColour: false, static () => (120, 24)) { HasUnicode = hasUnicode }, _time, isLive);

    private static JsonElement Metrics(params string[] figures) => JsonDocument.Parse($$$"""{"totalCommands":5,"servers":{{{{string.Join(',', figures)}}}}}""").RootElement;

    private static string Figures(string id, double calls, double rate, double errors, double? p50, double? p95, double? p99, int inFlight, int restarts)
    {
        static string Text(double? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "null";
        return $$"""
            "{{id}}":{"calls":{{Text(calls)}},"requestsPerSecond":{{Text(rate)}},"windowSeconds":60,"errorRate":{{Text(errors)}},"p50Us":{{Text(p50)}},"p95Us":{{Text(p95)}},"p99Us":{{Text(p99)}},"inFlight":{{inFlight}},"restarts":{{restarts}}}
            """;
    }

    private static JsonElement Servers(params string[] servers) => JsonDocument.Parse(
        $"[{string.Join(',', servers.Select(static text => $$"""{"id":"{{text.Split(':')[0]}}","state":"{{text.Split(':')[1]}}"}"""))}]").RootElement;
}
