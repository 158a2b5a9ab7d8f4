using System.Text.Json.Nodes;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary><c>fairlead import</c> and <c>connect</c> as a person runs them.</summary>
public sealed class ImportCommandTests
{
    [Fact]
    public async Task Import_WhenRunWithConnectAfterIt_TakesServersOverAndBothAreUndone()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder.At(".cursor"));
        const string Before = """{"mcpServers":{"memory":{"command":"true","env":{"API_KEY":"planted-secret"}}}}""";
        var client = folder.Write(".cursor/mcp.json", Before);
        var own = folder.At("own.json");
        Task<CliRun> Run(params string[] arguments) =>
            CliRun.OfAsync(new Dictionary<string, string> { ["HOME"] = folder.FullName, ["FAIRLEAD_STATE"] = "" }, [.. arguments, "--state", folder.At("state")]);

        var plan = (await Run("import", "cursor", "--into", own, "--json")).Ended(2).Output;
        Assert.False(File.Exists(own));
        Assert.DoesNotContain("planted-secret", plan, StringComparison.Ordinal);

        var made = JsonNode.Parse((await Run("config", "import", "cursor", "--into", own, "--yes", "--json")).Ended(0).Output)!;
        Assert.True((bool)made["written"]!);
        Assert.Equal("new", (string?)made["servers"]![0]!["action"]);
        Assert.Contains("good, 1 servers", (await CliRun.OfAsync("config", "validate", own)).Ended(0).Output, StringComparison.Ordinal);

        var connected = (await Run("connect", "cursor", "--yes")).Ended(0).Output;
        Assert.Contains("mcpServers.fairlead: http://127.0.0.1:8080/mcp", connected, StringComparison.Ordinal);
        Assert.DoesNotContain("planted-secret", connected, StringComparison.Ordinal);

        (await Run("connect", "cursor", "--undo")).Ended(0);
        Assert.Equal(Before, await File.ReadAllTextAsync(client));
        (await Run("import", "--undo")).Ended(0);
        Assert.False(File.Exists(own));
        Assert.Contains("nothing to undo", (await Run("import", "--undo")).Ended(1).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connect_WhenClaudeDesktopIsMeant_WritesACommandThatStartsThisProgram()
    {
        using var folder = new TempFolder();
        var variables = new Dictionary<string, string> { ["HOME"] = folder.FullName };
        Assert.Contains("Fairlead.Cli.dll stdio", (await CliRun.OfAsync(variables, "connect", "claude-desktop", "--dry-run")).Ended(0).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("import", "--on-conflict", "merge")]
    [InlineData("connect")]
    [InlineData("import", "emacs")]
    public async Task Command_WhenTheUsageIsWrong_EndsWith2(params string[] arguments) => (await CliRun.OfAsync(arguments)).Ended(2);
}
