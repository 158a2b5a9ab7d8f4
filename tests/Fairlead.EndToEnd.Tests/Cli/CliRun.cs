namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>One run of <c>fairlead</c> that ends by itself.</summary>
/// <param name="ExitCode">The code it ended with.</param>
/// <param name="Output">stdout as printed, and stderr lines marked by "! ".</param>
internal sealed record CliRun(int ExitCode, string Output)
{
    /// <summary>Runs it to its end. No configuration of this machine's user is found.</summary>
    public static Task<CliRun> OfAsync(params string[] arguments) => OfAsync(null, arguments);

    /// <summary>As the other overload, with variables added.</summary>
    public static async Task<CliRun> OfAsync(IReadOnlyDictionary<string, string>? environment, params string[] arguments)
    {
        var variables = new Dictionary<string, string>(environment ?? new Dictionary<string, string>(), StringComparer.Ordinal)
        {
            ["XDG_CONFIG_HOME"] = "/nonexistent", ["FAIRLEAD_CONFIG"] = "", ["FAIRLEAD_STATE"] = "",
        };
        await using var process = ChildProcess.Start("dotnet", [RepositoryPaths.Cli, .. arguments], variables);
        var exitCode = await TestKit.Guard.WithinAsync(process.Exit, $"the end of fairlead {string.Join(' ', arguments)}");
        return new CliRun(exitCode, process.Output);
    }

    /// <summary>Asserts the exit code and that no stack trace was shown.</summary>
    public CliRun Ended(int exitCode)
    {
        Assert.True(ExitCode == exitCode, $"It ended with {ExitCode} instead of {exitCode}:\n{Output}");
        Assert.DoesNotContain("   at ", Output, StringComparison.Ordinal);
        return this;
    }
}
