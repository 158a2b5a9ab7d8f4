namespace Fairlead.EndToEnd.Tests.Dashboard;

/// <summary>
/// The dashboard in a real Chromium (tests/node/dashboard). In every scenario a request to another origin, an error on the console, a breach of the content security policy and text of a server
/// that runs as script are failures.
/// </summary>
public sealed class DashboardTests(DashboardRun run) : IClassFixture<DashboardRun>
{
    public static TheoryData<string> Scenarios() => new()
    {
        "pages in light", "pages in dark", "a page whose answers tarry is whole", "pages on a narrow screen", "pages without the token", "a link signs in once and leaves no trace", "hostile text stays text",
        "the focus follows the page", "traffic is drawn and told", "events and lines come as they happen", "the audit log is searched", "configuration is shown, judged and loaded again",
        "maintenance, with the keyboard alone", "stop, start, disable, enable, restart", "scale", "deploy and undeploy", "a tool is switched off and on", "a rollout is begun, seen and aborted",
        "a fault is injected and ended", "a server dies while somebody looks", "the gateway is started again while somebody looks",
        "a form is made from the schema", "a schema that is endless or mad still makes a form", "every kind of content is shown", "progress is shown and a call is cancelled", "a tool that fails says so", "a question of the server is answered or declined",
    };

    [ChromiumTheory]
    [MemberData(nameof(Scenarios))]
    public void Dashboard_WhenSomebodyUsesIt_DoesWhatTheScenarioSays(string scenario)
    {
        Assert.True(run.Outcomes.TryGetValue(scenario, out var error), $"The scenario was not run; those that were: {string.Join("; ", run.Outcomes.Keys)}");
        Assert.True(error is null, error);
    }

    [ChromiumFact]
    public void Scenarios_WhenTheyHaveRun_AreThoseListedHere() =>
        Assert.Equal(Scenarios().Cast<object[]>().Select(static row => (string)row[0]).Order(StringComparer.Ordinal), run.Outcomes.Keys.Order(StringComparer.Ordinal));
}
