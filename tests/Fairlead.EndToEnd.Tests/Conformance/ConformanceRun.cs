using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>Runs the official suite (npm, pinned in <c>tests/node</c>) as a process.</summary>
internal static class ConformanceRun
{
    private const string Package = "@modelcontextprotocol/conformance";

    /// <summary>
    /// Runs the requirement set of a revision against a server, with a committed list of expected failures. Naming one, even an empty one, makes the suite
    /// stricter: a warning then counts like a failure, and so does a scenario of the list that passes.
    /// </summary>
    /// <param name="url">Must be a loopback address, else the suite fails its DNS rebinding scenario.</param>
    /// <param name="revision"><c>2025-11-25</c> or <c>2026-07-28</c>.</param>
    /// <param name="expectedFailures">The list, from <see cref="ExpectedFailures"/>.</param>
    public static async Task<ConformanceReport> RunServerAsync(Uri url, string revision, string expectedFailures)
    {
        var output = Directory.CreateTempSubdirectory("fairlead-conformance-");
        try
        {
            await using var suite = Start([
                "server", "--url", url.ToString(), "--requirements", revision, "-o", output.FullName, "--expected-failures", expectedFailures]);
            var exitCode = await FinishAsync(suite, $"the {revision} server scenarios");
            var requirements = await File.ReadAllTextAsync(RepositoryPaths.NodeModule($"{Package}/requirements/{revision}.yaml"));
            return ConformanceReport.Read(revision, exitCode, output.FullName, requirements);
        }
        finally
        {
            output.Delete(recursive: true);
        }
    }

    /// <summary>Runs one client scenario: the suite serves it and starts <paramref name="command"/> with the URL as last argument.</summary>
    /// <remarks>Without a list of expected failures: with one, even an empty one, the suite no longer looks at the client's exit code and time-out.</remarks>
    /// <returns>The exit code, 0 = passed without a warning, and what the suite and the client printed.</returns>
    public static async Task<(int ExitCode, string Output)> RunClientAsync(string command, string scenario, string revision)
    {
        await using var suite = Start(["client", "--command", command, "--scenario", scenario, "--spec-version", revision]);
        return (await FinishAsync(suite, $"the client scenario {scenario}"), suite.Output);
    }

    /// <summary>A committed baseline: that of a revision, or of a revision and a road.</summary>
    public static string ExpectedFailures(string name) =>
        RepositoryPaths.Source($"tests/Fairlead.EndToEnd.Tests/Conformance/expected-failures-{name}.yml");

    private static ChildProcess Start(string[] arguments) =>
        ChildProcess.Start(RepositoryPaths.Node, [RepositoryPaths.NodeModule($"{Package}/dist/index.js"), .. arguments]);

    // A whole set takes seconds, but its own limit is 30 s for each scenario: one guard per scenario that prints something.
    private static async Task<int> FinishAsync(ChildProcess suite, string what)
    {
        var seen = -1;
        while (!suite.Exit.IsCompleted && suite.Output.Length > seen)
        {
            seen = suite.Output.Length;
            await Task.WhenAny(suite.Exit, Task.Delay(Guard.Limit, TimeProvider.System));
        }

        return suite.Exit.IsCompleted
            ? await suite.Exit
            : throw new TimeoutException($"Still waiting for {what}; the suite prints nothing more.\n{suite.Output}");
    }
}
