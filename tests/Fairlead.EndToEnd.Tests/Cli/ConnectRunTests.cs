using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Cli;
using Fairlead.Cli.Clients;
using Fairlead.Cli.Running;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary><c>fairlead connect</c> in a home folder of the test's own.</summary>
public sealed class ConnectRunTests
{
    private const string Cursor = ".cursor/mcp.json";

    [Theory]
    [InlineData("claude-desktop", ".config/Claude/claude_desktop_config.json", """{"mcpServers":{"fairlead":{"command":"/opt/fairlead","args":["stdio"]}}}""")]
    [InlineData("claude-code", ".claude.json", """{"mcpServers":{"fairlead":{"type":"http","url":"http://127.0.0.1:8080/mcp"}}}""")]
    [InlineData("cursor", Cursor, """{"mcpServers":{"fairlead":{"url":"http://127.0.0.1:8080/mcp"}}}""")]
    [InlineData("vscode", ".config/Code/User/mcp.json", """{"servers":{"fairlead":{"type":"http","url":"http://127.0.0.1:8080/mcp"}}}""")]
    [InlineData("vscode-insiders", ".config/Code - Insiders/User/mcp.json", """{"servers":{"fairlead":{"type":"http","url":"http://127.0.0.1:8080/mcp"}}}""")]
    [InlineData("windsurf", ".codeium/windsurf/mcp_config.json", """{"mcpServers":{"fairlead":{"serverUrl":"http://127.0.0.1:8080/mcp"}}}""")]
    [InlineData("gemini", ".gemini/settings.json", """{"mcpServers":{"fairlead":{"httpUrl":"http://127.0.0.1:8080/mcp"}}}""")]
    public void Connect_WhenTheClientHasNoFile_MakesOneThatUndoRemoves(string client, string file, string expected)
    {
        using var home = new UserHome();
        Assert.Equal(ExitCodes.Ok, home.Connect(new ConnectRequest(client) { IsAgreed = true }));
        var written = File.ReadAllText(home.Path(file));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), JsonNode.Parse(written)), written);

        Assert.Equal(ExitCodes.Ok, home.Connect(new ConnectRequest(client) { IsAgreed = true }));
        Assert.Contains("nothing to do", home.Printed, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Ok, home.Undo(ConnectRun.Kind, client));
        Assert.False(File.Exists(home.Path(file)));
    }

    [Fact]
    public void Connect_WhenTheClientHasAFile_ChangesNothingElseAndUndoBringsEveryByteBack()
    {
        using var home = new UserHome();
        const string Before = "{\r\n\t// theirs\r\n\t\"mcpServers\": {\r\n\t\t\"own\": { \"command\": \"x\", \"env\": { \"API_KEY\": \"planted-secret\" } }\r\n\t},\r\n\t\"other\": [1,2 ,3]\r\n}";
        var file = home.Write(Cursor, Before);
        Assert.Equal(ExitCodes.Ok, home.Connect(new ConnectRequest("cursor") { IsAgreed = true }));
        Assert.Equal(
            Before.Replace("} }\r\n\t}", "} },\r\n\t\t\"fairlead\": {\r\n\t\t\t\"url\": \"http://127.0.0.1:8080/mcp\"\r\n\t\t}\r\n\t}", StringComparison.Ordinal), File.ReadAllText(file));
        Assert.Equal(ExitCodes.Ok, home.Undo(ConnectRun.Kind, "cursor"));
        Assert.Equal(Before, File.ReadAllText(file));
        Assert.DoesNotContain("planted-secret", home.Printed + File.ReadAllText(home.Path("state/changes.json")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("# theirs\nmodel = \"x\"\n\n[mcp_servers.own]\ncommand = \"true\" # keep\nenv = { API_KEY = \"planted-secret\" }\n")]
    [InlineData("[mcp_servers.fairlead]\r\nurl = 'http://127.0.0.1:1/mcp'\r\n\r\n[tui]\r\ntheme = 'planted-secret'\r\n")]
    public void Connect_WhenTheFileIsToml_WritesOneTableAndUndoBringsEveryByteBack(string? before)
    {
        using var home = new UserHome();
        var path = before is null ? home.Path(".codex/config.toml") : home.Write(".codex/config.toml", before);
        Assert.Equal(ExitCodes.Ok, home.Connect(new ConnectRequest("codex") { IsAgreed = true }));
        Assert.Contains("[mcp_servers.fairlead]", File.ReadAllText(path), StringComparison.Ordinal);
        Assert.Contains("url = \"http://127.0.0.1:8080/mcp\"", File.ReadAllText(path), StringComparison.Ordinal);
        Assert.Contains("mcp_servers.fairlead: http://127.0.0.1:8080/mcp", home.Printed, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Ok, home.Connect(new ConnectRequest("codex") { IsAgreed = true }));
        Assert.Contains("nothing to do", home.Printed, StringComparison.Ordinal);

        // Changed since: our table alone goes, or becomes what it was.
        var after = File.ReadAllText(path);
        File.AppendAllText(path, "\n[later]\nx = 1\n");
        Assert.Equal(ExitCodes.Ok, home.Undo(ConnectRun.Kind, "codex", isDry: true));
        Assert.Contains(before?.Contains("mcp_servers.fairlead", StringComparison.Ordinal) == true ? "fairlead becomes what it was." : "fairlead is removed.", home.Printed, StringComparison.Ordinal);
        File.WriteAllText(path, after);
        Assert.Equal(ExitCodes.Ok, home.Undo(ConnectRun.Kind, "codex"));
        Assert.Equal(before, File.Exists(path) ? File.ReadAllText(path) : null);
        Assert.DoesNotContain("planted-secret", home.Printed + (File.Exists(home.Path("state/changes.json")) ? File.ReadAllText(home.Path("state/changes.json")) : ""), StringComparison.Ordinal);
    }

    [Fact]
    public void Connect_WhenTheTomlCannotTakeATable_WritesNothingAndNamesThePlace()
    {
        using var home = new UserHome();
        const string Inline = "mcp_servers = { own = { command = 'x' } }\n";
        var path = home.Write(".codex/config.toml", Inline);
        Assert.Equal(ExitCodes.Failed, home.Connect(new ConnectRequest("codex") { IsAgreed = true }));
        Assert.Contains(path + ":1:1: mcp_servers is written as a value here", home.Printed, StringComparison.Ordinal);
        Assert.Equal(Inline, File.ReadAllText(path));
        File.WriteAllText(path, "[mcp_servers.x\n");
        Assert.Equal(ExitCodes.Configuration, home.Connect(new ConnectRequest("codex") { IsAgreed = true }));
        Assert.Contains(path + ":1:15: The TOML is broken here. Nothing was written.", home.Printed, StringComparison.Ordinal);
    }

    [Fact]
    public void Undo_WhenTheFileWasChangedSince_TakesOutOurEntryAlone()
    {
        using var home = new UserHome();
        var file = home.Write(Cursor, """{"mcpServers":{"own":{"command":"x"}}}""");
        home.Connect(new ConnectRequest("cursor") { IsAgreed = true });
        File.WriteAllText(file, "{\n  \"mcpServers\": {\n    \"own\": {\"command\":\"y\"},\n    \"fairlead\": { \"url\": \"http://127.0.0.1:8080/mcp\" }\n  }\n}");
        Assert.Equal(ExitCodes.Ok, home.Undo(ConnectRun.Kind, "cursor"));
        Assert.Equal("{\n  \"mcpServers\": {\n    \"own\": {\"command\":\"y\"}\n  }\n}", File.ReadAllText(file));
        Assert.Equal(ExitCodes.Failed, home.Undo(ConnectRun.Kind, "cursor"));
        Assert.Contains("nothing to undo", home.Printed, StringComparison.Ordinal);
    }

    [Fact]
    public void Undo_WhenOurEntryWasChangedSince_LeavesIt()
    {
        using var home = new UserHome();
        var file = home.Write(Cursor, "{}");
        home.Connect(new ConnectRequest("cursor") { IsAgreed = true });
        const string Theirs = """{"mcpServers":{"fairlead":{"url":"http://127.0.0.1:9999/mcp"}}}""";
        File.WriteAllText(file, Theirs);
        Assert.Equal(ExitCodes.Ok, home.Undo(ConnectRun.Kind, "cursor", isDry: true));
        Assert.Equal(ExitCodes.Ok, home.Undo(ConnectRun.Kind, "cursor"));
        Assert.Equal(Theirs, File.ReadAllText(file));
        Assert.Contains("fairlead was changed since and stays", home.Printed, StringComparison.Ordinal);
    }

    [Fact]
    public void Undo_WhenAnEntryWasReplaced_BringsTheFormerBack()
    {
        using var home = new UserHome();
        var file = home.Write(Cursor, """{"mcpServers":{"fairlead":{"url":"http://127.0.0.1:1/mcp","headers":{"X":"planted-secret"}}}}""");
        home.Connect(new ConnectRequest("cursor") { IsAgreed = true });
        Assert.Contains("instead of http://127.0.0.1:1/mcp (headers: X)", home.Printed, StringComparison.Ordinal);
        File.AppendAllText(file, "\n");
        Assert.Equal(ExitCodes.Ok, home.Undo(ConnectRun.Kind, "cursor"));
        Assert.Contains("planted-secret", File.ReadAllText(file), StringComparison.Ordinal);
        Assert.DoesNotContain("planted-secret", home.Printed, StringComparison.Ordinal);
    }

    [Fact]
    public void Undo_WhenTheFileIsBrokenOrGone_SaysWhereTheBackupIs()
    {
        using var home = new UserHome();
        var file = home.Write(Cursor, "{}");
        home.Connect(new ConnectRequest("cursor") { IsAgreed = true });
        File.WriteAllText(file, "{");
        Assert.Equal(ExitCodes.Failed, home.Undo(ConnectRun.Kind, "cursor"));
        File.Delete(file);
        Assert.Equal(ExitCodes.Failed, home.Undo(ConnectRun.Kind, "cursor"));
        Assert.Equal(2, home.Printed.Split(home.Path("state/backups/"), StringSplitOptions.None).Length - 1);
    }

    [Fact]
    public void Undo_WhenTheJournalCannotBeRead_MovesItAsideAndSaysSo()
    {
        using var home = new UserHome();
        home.Write("state/changes.json", "{ this is not");
        Assert.Equal(ExitCodes.Failed, home.Undo(ConnectRun.Kind, "cursor"));
        Assert.Single(Directory.GetFiles(home.Path("state"), "changes.json.corrupt-*"));
        home.Write("state/changes.json", """{"formatVersion":99,"changes":[]}""");
        Assert.Equal(ExitCodes.Failed, home.Undo(ConnectRun.Kind, "cursor"));
        Assert.Contains("newer Fairlead", home.Printed, StringComparison.Ordinal);
    }

    [Fact]
    public void Connect_WhenAnInstanceRuns_WritesItsAddressAndWarnsWhenItWillNotLast()
    {
        using var home = new UserHome();
        home.Write("state/instance.json", JsonSerializer.Serialize(new InstanceFile(Environment.ProcessId, "http://127.0.0.1:45678", "0.1.0"), JsonSerializerOptions.Web));
        Assert.Equal(ExitCodes.Ok, home.Connect(new ConnectRequest("cursor") { IsDry = true }));
        Assert.Contains("http://127.0.0.1:45678/mcp", home.Printed, StringComparison.Ordinal);
        Assert.Contains("as long as this instance runs", home.Printed, StringComparison.Ordinal);
        Assert.False(File.Exists(home.Path(Cursor)));
    }

    [Theory]
    [InlineData("http://127.0.0.1:8080/mcp/git", "fairlead-git", "Git", null)]
    [InlineData("https://gate.example.com/mcp", "fairlead", null, "https://gate.example.com")]
    [InlineData("https://gate.example.com/mcp/p/team", "fairlead", null, "https://gate.example.com/mcp/p/team")]
    public void Connect_WhenAServerOrAnAddressIsNamed_WritesThat(string expected, string name, string? server, string? url)
    {
        using var home = new UserHome();
        home.Write(".config/fairlead/fairlead.json", """{"servers":{"git":{"command":"true"}}}""");
        Assert.Equal(ExitCodes.Ok, home.Connect(new ConnectRequest("cursor") { Server = server, Url = url, IsAgreed = true }));
        Assert.Equal(expected, (string?)JsonNode.Parse(File.ReadAllText(home.Path(Cursor)))!["mcpServers"]![name]!["url"]);
    }

    [Theory]
    [InlineData("stdio --server git", "Git", null, null)]
    [InlineData("stdio --url http://127.0.0.1:9000", null, "http://127.0.0.1:9000/", null)]
    [InlineData("stdio --state STATE", null, null, "given")]
    public void Connect_WhenTheClientStartsACommand_WritesOutWhatItCannotKnow(string expected, string? server, string? url, string? state)
    {
        using var home = new UserHome();
        home.Write(".config/fairlead/fairlead.json", """{"servers":{"git":{"command":"true"}}}""");
        Assert.Equal(ExitCodes.Ok, home.Connect(new ConnectRequest("claude-desktop") { Server = server, Url = url, State = state, IsDry = true }));
        Assert.Contains("/opt/fairlead " + expected.Replace("STATE", home.At.StateFolder, StringComparison.Ordinal) + "\n", home.Printed, StringComparison.Ordinal);

        var file = home.Write("project/fairlead.json", """{"state":"/its/own","servers":{"git":{"command":"true"}}}""");
        Assert.Equal(ExitCodes.Ok, home.Connect(new ConnectRequest("claude-desktop") { IsDry = true }));
        Assert.Contains($"/opt/fairlead stdio --config {file} --state /its/own\n", home.Printed, StringComparison.Ordinal);
    }

    [Fact]
    public void Connect_WhenTheClientHasAServerOfOurs_SaysThatItWillBeSeenTwice()
    {
        using var home = new UserHome();
        home.Write(".config/fairlead/fairlead.json", """{"servers":{"memory":{"command":"true","args":["m"]}}}""");
        home.Write(Cursor, """{"mcpServers":{"mem":{"command":"true","args":["m"]},"other":{"command":"true"}}}""");
        Assert.Equal(ExitCodes.Ok, home.Connect(new ConnectRequest("cursor") { IsDry = true }));
        Assert.Contains("has mem of its own as well", home.Printed, StringComparison.Ordinal);
    }

    [Fact]
    public void Connect_WhenOurConfigurationHasErrors_SaysSo()
    {
        using var home = new UserHome();
        home.Write(".config/fairlead/fairlead.json", """{"prot":1,"servers":{}}""");
        Assert.Equal(ExitCodes.Ok, home.Connect(new ConnectRequest("cursor") { IsDry = true }));
        Assert.Contains("has 1 error, so fairlead up will not start", home.Printed, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ExitCodes.Usage, "no client that is known. Known are", "emacs")]
    [InlineData(ExitCodes.Usage, "no client that is known. Did you mean cursor?", "cursr")]
    [InlineData(ExitCodes.Usage, "without a path", "claude-desktop", null, "http://127.0.0.1:1/mcp/git")]
    [InlineData(ExitCodes.NotFound, "Did you mean git?", "cursor", "gti")]
    [InlineData(ExitCodes.Usage, "http address", "cursor", null, "8080")]
    [InlineData(ExitCodes.Usage, "http address", "cursor", null, "http://me:planted-secret@x")]
    [InlineData(ExitCodes.Usage, "an endpoint already", "cursor", "git", "http://127.0.0.1:1/mcp")]
    [InlineData(ExitCodes.Usage, "--yes", "cursor")]
    public void Connect_WhenItCannotBeDone_SaysWhyAndWritesNothing(int exitCode, string reason, string client, string? server = null, string? url = null)
    {
        using var home = new UserHome();
        home.Write(".config/fairlead/fairlead.json", """{"servers":{"git":{"command":"true"}}}""");
        Assert.Equal(exitCode, home.Connect(new ConnectRequest(client) { Server = server, Url = url }));
        Assert.Contains(reason, home.Printed, StringComparison.Ordinal);
        Assert.DoesNotContain("planted-secret", home.Printed, StringComparison.Ordinal);
        Assert.False(Directory.Exists(home.Path("state")));
    }

    [Fact]
    public void Connect_WhenTheClientsFileIsBroken_LeavesIt()
    {
        using var home = new UserHome();
        var file = home.Write(Cursor, "{\"mcpServers\": [}");
        Assert.Equal(ExitCodes.Configuration, home.Connect(new ConnectRequest("cursor") { IsAgreed = true }));
        Assert.Contains("mcp.json:1:17: ", home.Printed, StringComparison.Ordinal);
        File.WriteAllText(file, "{\"mcpServers\": []}");
        Assert.Equal(ExitCodes.Failed, home.Connect(new ConnectRequest("cursor") { IsAgreed = true }));
        Assert.Contains("must be an object", home.Printed, StringComparison.Ordinal);
        Assert.Equal("{\"mcpServers\": []}", File.ReadAllText(file));
    }

    [Fact]
    public void Connect_WhenAProjectIsMeant_WritesItsFile()
    {
        using var home = new UserHome();
        Assert.Equal(ExitCodes.Ok, home.Connect(new ConnectRequest("vscode") { IsProject = true }, "y"));
        Assert.Contains("\"type\": \"http\"", File.ReadAllText(home.Path("project/.vscode/mcp.json")), StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Usage, home.Connect(new ConnectRequest("claude-desktop") { IsProject = true }));
    }

    [Fact]
    public void Journal_WhenManyChangesWereMade_ForgetsTheOldestWithTheirBackups()
    {
        using var home = new UserHome();
        home.Write(Cursor, "{}");
        for (var port = 1; port <= ChangeJournal.ChangesMax + 5; port++)
        {
            Assert.Equal(ExitCodes.Ok, home.Connect(new ConnectRequest("cursor") { Url = $"http://127.0.0.1:{port}", IsAgreed = true }));
        }

        Assert.Equal(ChangeJournal.ChangesMax, JsonNode.Parse(File.ReadAllText(home.Path("state/changes.json")))!["changes"]!.AsArray().Count);
        Assert.InRange(Directory.GetFiles(home.Path("state/backups")).Length, 1, ChangeJournal.ChangesMax);
    }
}
