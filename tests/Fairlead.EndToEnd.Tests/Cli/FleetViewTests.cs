using System.Text.Json;
using Fairlead.Cli.Output;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>What <c>fairlead ps --watch</c> shows of servers that change.</summary>
public sealed class FleetViewTests : IDisposable
{
    private const string Healthy = """{"id":"git","state":"Healthy","tools":1,"protocolVersion":"2025-11-25","processId":7}""";
    private const string Failing = """{"id":"git","state":"Unhealthy","tools":1,"reason":"it is\nbroken","nextRetry":"2026-01-01T00:00:10Z"}""";
    private const string Other = """{"id":"web","state":"Idle","tools":2}""";

    private readonly StringWriter _output = new() { NewLine = "\n" };
    private readonly FakeTimeProvider _time = new();

    public void Dispose() => _output.Dispose();

    [Fact]
    public void Show_WithoutATerminal_PrintsALineForEachChangeAndNoneForTheNextTryAlone()
    {
        var view = new FleetView(Make(isTerminal: false), null, isJson: false, _time);
        view.Show(Servers(Healthy));
        view.Show(Servers(Healthy));
        _time.Advance(TimeSpan.FromSeconds(1));
        view.Show(Servers(Failing, Other));
        _time.Advance(TimeSpan.FromSeconds(1));
        view.Show(Servers(Failing, Other));
        view.Redraw();
        view.Wait("it stops");
        view.Wait("it is gone");
        view.Show(Servers(Other));
        Assert.Equal(
            """
            00:00:00 git  Healthy  1 tool
            00:00:01 git  Unhealthy  1 tool  it is broken; next try in 9 s
            00:00:01 web  Idle  2 tools
            00:00:02 waiting for the instance: it stops
            00:00:02 git  left

            """, _output.ToString());
    }

    [Fact]
    public void Show_WithJson_PrintsAnObjectForEachChange()
    {
        var view = new FleetView(Make(isTerminal: false), null, isJson: true, _time);
        view.Show(Servers(Healthy));
        view.Show(Servers(Failing, Other));
        view.Wait("it stops");
        view.Show(Servers(Failing));
        string[] expected =
        [
            $$"""{"change":"present","server":{{Healthy}}}""", $$"""{"change":"changed","server":{{Failing}}}""", $$"""{"change":"added","server":{{Other}}}""",
            """{"change":"waiting","reason":"it stops"}""", """{"change":"removed","server":{"id":"web"}}""",
        ];
        Assert.Equal(expected, _output.ToString().TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public void Show_OnATerminal_DrawsTheTableWithTheTimeToTheNextTry()
    {
        var terminal = Make(isTerminal: true);
        using var screen = new LiveScreen(terminal);
        var view = new FleetView(terminal, screen, isJson: false, _time);
        view.Show(Servers(Failing, Other));
        _output.GetStringBuilder().Clear();
        _time.Advance(TimeSpan.FromSeconds(3));
        view.Redraw();
        string[] lines = [.. _output.ToString().Split('\n').Select(static line => line.Replace("\x1b[K", "", StringComparison.Ordinal))];
        Assert.Equal("\x1b[Hfairlead ps  00:00:03  0 of 2 serving  (Ctrl+C ends)", lines[0]);
        Assert.Equal("SERVER  STATE      TOOLS  PROTOCOL  PID  REASON", lines[1]);
        Assert.Equal("git     Unhealthy  1                     it is broken; next try in 7 s", lines[2]);

        _output.GetStringBuilder().Clear();
        view.Wait("it stops");
        Assert.StartsWith("\x1b[Hfairlead ps  00:00:03  waiting for the instance to come back (it stops); as it was:", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("git     Unhealthy", _output.ToString(), StringComparison.Ordinal);
    }

    private static IEnumerable<JsonElement> Servers(params string[] servers) => servers.Select(static text => JsonDocument.Parse(text).RootElement);

    private Terminal Make(bool isTerminal) => new(_output, TextWriter.Null, isTerminal, hasColour: false, static () => (120, 24));
}
