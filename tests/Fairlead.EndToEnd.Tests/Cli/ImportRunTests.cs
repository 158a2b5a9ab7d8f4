using Fairlead.Cli;
using Fairlead.Cli.Clients;
using Fairlead.Configuration;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary><c>fairlead import</c> in a home folder of the test's own.</summary>
public sealed class ImportRunTests
{
    private const string Desktop = ".config/Claude/claude_desktop_config.json";
    private const string Memory = """{"mcpServers":{"memory":{"command":"true","args":["m"]}}}""";
    private static readonly ImportRequest s_dry = new() { IsDry = true };

    [Fact]
    public void Import_WhenSeveralClientsHaveServers_MergesThemIntoAFileForTheOwnerAlone()
    {
        using var home = new UserHome();
        home.Write(Desktop, """{"mcpServers":{"memory":{"command":"true","args":["m"]},"Sequential Thinking":{"command":"true","env":{"API_KEY":"planted-secret"}}}}""");
        home.Write(".claude.json", """{"numStartups":7,"mcpServers":{"memory":{"type":"stdio","command":"true","args":["m"],"env":{}},"remote":{"type":"http","url":"https://x.example.com/mcp"}}}""");
        home.Write(".config/Code/User/mcp.json", "{\n  // mine\n  \"servers\": { \"work\": { \"type\": \"http\", \"url\": \"https://w.example.com/mcp\", \"headers\": { \"X-Key\": \"${input:k}\" }, \"dev\": {} } },\n"
            + "  \"inputs\": [ { \"id\": \"k\", \"type\": \"promptString\", \"password\": true } ],\n}");

        Assert.Equal(ExitCodes.Ok, home.Import());

        var loaded = ConfigurationLoader.Load(home.Own, home.At.Environment);
        Assert.Empty(loaded.Errors);
        Assert.Equal(["memory", "sequential-thinking", "remote", "work"], loaded.Options.Servers.Select(static server => server.Name));
        Assert.Equal("planted-secret", loaded.Options.Servers[1].Environment["API_KEY"]);
        Assert.Equal(["FAIRLEAD_INPUT_K"], loaded.MissingVariables["work"]);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, Mode(home.Own));
        Assert.DoesNotContain("planted-secret", home.Printed, StringComparison.Ordinal);
        Assert.Matches(@"same +memory +Claude Code +already in Claude Desktop", home.Printed);
        Assert.Contains("left out: dev", home.Printed, StringComparison.Ordinal);
        Assert.Contains("fairlead import --undo", home.Printed, StringComparison.Ordinal);
    }

    [Fact]
    public void Import_OfWindsurfGeminiAndCodex_ReadsTheirFormsAndLeavesFairleadOut()
    {
        using var home = new UserHome();
        home.Write(".codeium/windsurf/mcp_config.json", """{"mcpServers":{"wind":{"serverUrl":"https://w.example.com/mcp","headers":{"A":"Bearer ${env:WIND}"},"disabledTools":["x"]},"fairlead":{"serverUrl":"http://127.0.0.1:8080/mcp"}}}""");
        home.Write(".gemini/settings.json", "{ // theirs\n \"mcpServers\": {\"gem\": {\"command\": \"true\", \"env\": {\"K\": \"$GEM\"}, \"trust\": true}, \"fairlead\": {\"httpUrl\": \"http://127.0.0.1:8080/mcp\"}}}");
        home.Write("project/.gemini/settings.json", """{"mcpServers":{"here":{"command":"true","args":["${workspaceFolder}"]}}}""");
        home.Write(".codex/config.toml", "model = 'x'\n[mcp_servers.cod]\nurl = 'https://c.example.com/mcp'\nbearer_token_env_var = 'COD'\n[mcp_servers.fairlead]\nurl = 'http://127.0.0.1:8080/mcp'\n");
        Assert.Equal(ExitCodes.Ok, home.Import(new ImportRequest { IsAgreed = true, WithProject = true }));

        var loaded = ConfigurationLoader.Load(home.Own, home.At.Environment);
        Assert.Empty(loaded.Errors);
        Assert.Equal(["wind", "gem", "cod", "here"], loaded.Options.Servers.Select(static server => server.Name));
        Assert.Equal(["WIND"], loaded.MissingVariables["wind"]);
        Assert.Equal(["GEM"], loaded.MissingVariables["gem"]);
        Assert.Equal(["COD"], loaded.MissingVariables["cod"]);
        Assert.Equal([home.Path("project")], loaded.Options.Servers[3].Arguments);
        Assert.Matches("skip +fairlead +Codex +it is Fairlead itself", home.Printed);
        Assert.Contains("left out: trust", home.Printed, StringComparison.Ordinal);

        home.Write(".codex/config.toml", "[mcp_servers.cod]\nurl = planted-secret\n");
        Assert.Equal(ExitCodes.Failed, home.Import());
        Assert.Contains(home.Path(".codex/config.toml") + ":2:7: The TOML is broken here.", home.Printed, StringComparison.Ordinal);
        Assert.DoesNotContain("planted-secret", home.Printed, StringComparison.Ordinal);
    }

    [Fact]
    public void Import_WhenTheFileHasCommentsAndServers_AddsToItAndKeepsEveryByteElse()
    {
        using var home = new UserHome();
        home.Write(Desktop, """{"mcpServers":{"added":{"url":"https://x.example.com/mcp"}}}""");
        home.Write(".config/fairlead/fairlead.json", "{\n  // My port.\n  \"port\": 8099,\n  \"servers\": {\n    \"mine\": { \"command\": \"true\" }, // keep\n  },\n}\n");

        Assert.Equal(ExitCodes.Ok, home.Import());

        Assert.Equal(
            "{\n  // My port.\n  \"port\": 8099,\n  \"servers\": {\n    \"mine\": { \"command\": \"true\" }, // keep\n    \"added\": {\n      \"url\": \"https://x.example.com/mcp\"\n    },\n  },\n}\n",
            File.ReadAllText(home.Own));
        var backup = Assert.Single(Directory.GetFiles(home.Path("state/backups")));
        Assert.Contains("My port", File.ReadAllText(backup), StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, Mode(backup));
    }

    [Theory]
    [InlineData("Keep", "memory:own")]
    [InlineData("Replace", "memory:m")]
    [InlineData("Rename", "memory:own memory-2:m")]
    public void Import_WhenAnotherServerHasTheName_DoesWhatWasChosen(string choice, string expected)
    {
        using var home = new UserHome();
        home.Write(Desktop, Memory);
        home.Write(".config/fairlead/fairlead.json", """{"servers":{"memory":{"command":"true","args":["own"],"tags":["x"]}}}""");
        Assert.Equal(ExitCodes.Ok, home.Import(new ImportRequest { IsAgreed = true, OnConflict = Enum.Parse<ImportAction>(choice) }));
        Assert.Equal(expected, Servers(home.Own));
        Assert.Contains("has other args", home.Printed, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("memory:own", "k", "y")]
    [InlineData("memory:m", "r", "y")]
    [InlineData("memory:own memory-2:m", "b", "yes")]
    [InlineData("memory:own", "r", "n")]
    public void Import_WhenAPersonIsAsked_DoesWhatIsAnswered(string expected, params string[] answers)
    {
        using var home = new UserHome();
        home.Write(Desktop, Memory);
        home.Write(".config/fairlead/fairlead.json", """{"servers":{"memory":{"command":"true","args":["own"]}}}""");
        Assert.Equal(ExitCodes.Ok, home.Import(new ImportRequest(), answers));
        Assert.Equal(expected, Servers(home.Own));
    }

    [Fact]
    public void Import_WhenAServerIsThereUnderAnotherName_IsNotAskedAbout()
    {
        using var home = new UserHome();
        home.Write(Desktop, Memory);
        home.Write(".cursor/mcp.json", Memory);
        home.Write(".config/fairlead/fairlead.json", """{"servers":{"memory":{"command":"true","args":["own"]}}}""");
        Assert.Equal(ExitCodes.Ok, home.Import(new ImportRequest(), "b", "y"));
        Assert.Equal("memory:own memory-2:m", Servers(home.Own));
        Assert.Matches("same +memory-2 +Cursor", home.Printed);
    }

    [Fact]
    public void Import_WhenOthersMayReadTheFile_SaysSo()
    {
        using var home = new UserHome();
        home.Write(Desktop, """{"mcpServers":{"a":{"command":"true","env":{"API_KEY":"planted-secret"}}}}""");
        home.Write(".config/fairlead/fairlead.json", "{}");
        Assert.Equal(ExitCodes.Ok, home.Import());
        Assert.Contains("chmod 600", home.Printed, StringComparison.Ordinal);
    }

    [Fact]
    public void Import_WhenTwoClientsDiffer_KeepsTheFirstUnlessToldOtherwise()
    {
        using var home = new UserHome();
        home.Write(Desktop, Memory);
        home.Write(".cursor/mcp.json", """{"mcpServers":{"Memory":{"command":"true","args":["c"]}}}""");
        Assert.Equal(ExitCodes.Ok, home.Import());
        Assert.Equal("memory:m", Servers(home.Own));

        File.Delete(home.Own);
        Assert.Equal(ExitCodes.Ok, home.Import(new ImportRequest { IsAgreed = true, OnConflict = ImportAction.Replace }));
        Assert.Equal("memory:c", Servers(home.Own));
    }

    [Fact]
    public void Import_WhenNobodyCanBeAsked_WritesNothingAndSaysHow()
    {
        using var home = new UserHome();
        home.Write(Desktop, Memory);
        Assert.Equal(ExitCodes.Usage, home.Import(new ImportRequest()));
        Assert.Contains("--yes", home.Printed, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Ok, home.Import(s_dry));
        Assert.False(Directory.Exists(home.Path(".config/fairlead")));
        Assert.False(Directory.Exists(home.Path("state")));
    }

    [Fact]
    public void Import_WhenAFileIsBroken_TakesTheOthersAndSaysWhere()
    {
        using var home = new UserHome();
        home.Write(Desktop, Memory);
        home.Write(".cursor/mcp.json", "{\n  \"mcpServers\": {\n    \"a\": {\"command\": \"x\",}\n    \"b\": {}\n  }\n}");
        Assert.Equal(ExitCodes.Failed, home.Import());
        Assert.Equal("memory:m", Servers(home.Own));
        Assert.Contains(".cursor/mcp.json:4:5: ", home.Printed, StringComparison.Ordinal);
    }

    [Fact]
    public void Import_WhenServersCannotBeTakenOver_SaysWhyOfEach()
    {
        using var home = new UserHome();
        home.Write(Desktop, """
            {"mcpServers":{
              "fairlead":{"command":"/opt/fairlead","args":["stdio"]},
              "number": 7,
              "neither": {"env":{}},
              "socket": {"url":"unix:///run/x.sock"},
              "odd": {"command":"x","args":["${command:ask}"]},
              "api": {"command":"true"},
              "天気": {"command":"true","args":["w"]}
            }}
            """);
        Assert.Equal(ExitCodes.Ok, home.Import());
        Assert.Matches("skip +fairlead .*it is Fairlead itself", home.Printed);
        Assert.Matches("skip +number .*it is no object", home.Printed);
        Assert.Matches("skip +neither .*neither command nor url", home.Printed);
        Assert.Matches("skip +socket .*http", home.Printed);
        Assert.Matches(@"skip +odd .*\$\{command:ask\} is not a form", home.Printed);
        var loaded = ConfigurationLoader.Load(home.Own, home.At.Environment);
        Assert.Equal(["api-server (api)", "server (天気)"], loaded.Options.Servers.Select(static server => $"{server.Name} ({server.Title})"));
    }

    [Fact]
    public void Import_WhenAProjectHasFiles_ReadsThemOnlyWhenAskedAndKeepsTheirFolder()
    {
        using var home = new UserHome();
        home.Write(Desktop, Memory);
        home.Write("project/.vscode/mcp.json", """{"servers":{"local":{"command":"true","args":["${workspaceFolder}/x"]}}}""");
        home.Write(
            ".claude.json",
            """{"projects":{"HERE":{"mcpServers":{"mine":{"command":"true"}}},"/elsewhere":{"mcpServers":{"other":{"command":"true"}}}}}""".Replace("HERE", home.Path("project"), StringComparison.Ordinal));
        Assert.Equal(ExitCodes.Ok, home.Import(s_dry));
        Assert.Contains("Not read: .vscode/mcp.json", home.Printed, StringComparison.Ordinal);
        Assert.DoesNotMatch("new +local", home.Printed);

        Assert.Equal(ExitCodes.Ok, home.Import(new ImportRequest { IsAgreed = true, WithProject = true }));
        var loaded = ConfigurationLoader.Load(home.Own, home.At.Environment);
        Assert.Equal(["memory", "mine", "local"], loaded.Options.Servers.Select(static server => server.Name));
        Assert.All(loaded.Options.Servers.Skip(1), server => Assert.Equal(home.Path("project"), server.WorkingDirectory));
        Assert.Equal([home.Path("project/x")], loaded.Options.Servers[2].Arguments);
    }

    [Fact]
    public void Import_WhenTwoInputsShareAnId_GivesOneAnother()
    {
        using var home = new UserHome();
        home.Write(".config/Code/User/mcp.json", """{"servers":{"a":{"command":"true","env":{"T":"${input:t}"}}},"inputs":[{"id":"t","type":"promptString","description":"one"}]}""");
        home.Write(".config/Code - Insiders/User/mcp.json", """{"servers":{"b":{"command":"true","env":{"T":"${input:t}"}}},"inputs":[{"id":"t","type":"promptString","description":"two"}]}""");
        Assert.Equal(ExitCodes.Ok, home.Import());
        var loaded = ConfigurationLoader.Load(home.Own, home.At.Environment);
        Assert.Equal(["FAIRLEAD_INPUT_T"], loaded.MissingVariables["a"]);
        Assert.Equal(["FAIRLEAD_INPUT_T_2"], loaded.MissingVariables["b"]);

        Assert.Equal(ExitCodes.Ok, home.Import());
        Assert.Contains("Nothing to write.", home.Printed, StringComparison.Ordinal);
    }

    [Fact]
    public void Import_WhenAFileIsNamed_ReadsItAlone()
    {
        using var home = new UserHome();
        home.Write(Desktop, Memory);
        var other = home.Write("project/other.json", """{"mcpServers":{"other":{"command":"./run"}}}""");
        Assert.Equal(ExitCodes.Ok, home.Import(new ImportRequest { From = "other.json", Into = "own.json", IsAgreed = true }));
        var server = Assert.Single(ConfigurationLoader.Load(home.Path("project/own.json"), home.At.Environment).Options.Servers);
        Assert.Equal(Path.GetDirectoryName(other), server.WorkingDirectory);
    }

    [Theory]
    [InlineData(ExitCodes.Failed, "no such file", "nothing.json", null)]
    [InlineData(ExitCodes.Failed, "no servers in it", "empty.json", null)]
    [InlineData(ExitCodes.Configuration, "belongs to Claude Desktop", "good.json", "../" + Desktop)]
    [InlineData(ExitCodes.Configuration, "has errors already", "good.json", "typo.json")]
    [InlineData(ExitCodes.Configuration, "servers is a list", "good.json", "list.json")]
    [InlineData(ExitCodes.Configuration, "broken.json:1:12: ", "good.json", "broken.json")]
    public void Import_WhenAFileCannotServe_SaysWhyAndWritesNothing(int exitCode, string reason, string from, string? into)
    {
        using var home = new UserHome();
        home.Write(Desktop, Memory);
        home.Write("project/good.json", Memory);
        home.Write("project/empty.json", "{}");
        home.Write("project/typo.json", """{"prot":1,"servers":{}}""");
        home.Write("project/list.json", """{"servers":[{"name":"x","command":"true"}]}""");
        home.Write("project/broken.json", """{"servers":}""");
        Assert.Equal(exitCode, home.Import(new ImportRequest { From = from, Into = into, IsAgreed = true }));
        Assert.Contains(reason, home.Printed, StringComparison.Ordinal);
        Assert.False(Directory.Exists(home.Path("state")));
    }

    [Fact]
    public void Import_WhenNoClientIsThere_SaysWhereItLooked()
    {
        using var home = new UserHome();
        Assert.Equal(ExitCodes.Failed, home.Import());
        Assert.Contains("Cursor: ~/.cursor/mcp.json", home.Printed, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Usage, home.Import(new ImportRequest { Clients = ["emacs"] }));
        Assert.Contains("emacs is no client that is known", home.Printed, StringComparison.Ordinal);
    }

    [Fact]
    public void Import_WhenTheFileIsALink_WritesWhatItLeadsTo()
    {
        using var home = new UserHome();
        home.Write(Desktop, Memory);
        var real = home.Write("dotfiles/fairlead.json", "{}");
        Directory.CreateDirectory(home.Path(".config/fairlead"));
        File.CreateSymbolicLink(home.Own, real);
        Assert.Equal(ExitCodes.Ok, home.Import());
        Assert.NotNull(new FileInfo(home.Own).LinkTarget);
        Assert.Equal("memory:m", Servers(real));
    }

    private static string Servers(string file) => string.Join(' ', ConfigurationLoader.Load(file, new Dictionary<string, string>()).Options.Servers.Select(static server => $"{server.Name}:{string.Join(',', server.Arguments)}"));

    private static UnixFileMode Mode(string file) => OperatingSystem.IsWindows() ? throw new PlatformNotSupportedException() : File.GetUnixFileMode(file);
}
