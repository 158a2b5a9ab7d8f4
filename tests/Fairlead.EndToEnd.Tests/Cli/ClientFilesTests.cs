using Fairlead.Cli.Clients;
using Fairlead.Cli.Running;
using Fairlead.Configuration;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>The table of the clients' files, for all systems on one.</summary>
public sealed class ClientFilesTests
{
    private const string Mac = "/Users/u/Library/Application Support";

    [Theory]
    [InlineData("Linux", "claude-desktop", "", "/home/u/.config/Claude/claude_desktop_config.json")]
    [InlineData("Linux", "claude-desktop", "XDG_CONFIG_HOME=/c", "/c/Claude/claude_desktop_config.json")]
    [InlineData("Linux", "claude-code", "", "/home/u/.claude.json")]
    [InlineData("Linux", "claude-code", "CLAUDE_CONFIG_DIR=/cc/", "/cc/.claude.json")]
    [InlineData("Linux", "cursor", "", "/home/u/.cursor/mcp.json")]
    [InlineData("Linux", "vscode", "", "/home/u/.config/Code/User/mcp.json", "/home/u/.config/Code/User/profiles/*/mcp.json", "/home/u/.config/Code/User/settings.json")]
    [InlineData("Linux", "vscode-insiders", "", "/home/u/.config/Code - Insiders/User/mcp.json", "/home/u/.config/Code - Insiders/User/profiles/*/mcp.json", "/home/u/.config/Code - Insiders/User/settings.json")]
    [InlineData("Linux", "windsurf", "", "/home/u/.codeium/windsurf/mcp_config.json", "/home/u/.codeium/mcp_config.json")]
    [InlineData("Linux", "gemini", "", "/home/u/.gemini/settings.json")]
    [InlineData("Linux", "codex", "", "/home/u/.codex/config.toml")]
    [InlineData("Linux", "codex", "CODEX_HOME=/cx", "/cx/config.toml")]
    [InlineData("MacOs", "windsurf", "", "/Users/u/.codeium/windsurf/mcp_config.json", "/Users/u/.codeium/mcp_config.json")]
    [InlineData("MacOs", "gemini", "", "/Users/u/.gemini/settings.json")]
    [InlineData("MacOs", "codex", "", "/Users/u/.codex/config.toml")]
    [InlineData("Windows", "windsurf", "", @"C:\Users\u\.codeium\windsurf\mcp_config.json", @"C:\Users\u\.codeium\mcp_config.json")]
    [InlineData("Windows", "gemini", "", @"C:\Users\u\.gemini\settings.json")]
    [InlineData("Windows", "codex", "", @"C:\Users\u\.codex\config.toml")]
    [InlineData("Windows", "codex", @"CODEX_HOME=D:\cx", @"D:\cx\config.toml")]
    [InlineData("MacOs", "claude-desktop", "XDG_CONFIG_HOME=/c", Mac + "/Claude/claude_desktop_config.json")]
    [InlineData("MacOs", "claude-code", "", "/Users/u/.claude.json")]
    [InlineData("MacOs", "cursor", "", "/Users/u/.cursor/mcp.json")]
    [InlineData("MacOs", "vscode", "", Mac + "/Code/User/mcp.json", Mac + "/Code/User/profiles/*/mcp.json", Mac + "/Code/User/settings.json")]
    [InlineData("Windows", "claude-desktop", @"APPDATA=D:\r;LOCALAPPDATA=D:\l", @"D:\l\Packages\Claude_*\LocalCache\Roaming\Claude\claude_desktop_config.json", @"D:\r\Claude\claude_desktop_config.json")]
    [InlineData("Windows", "claude-desktop", "", @"C:\Users\u\AppData\Local\Packages\Claude_*\LocalCache\Roaming\Claude\claude_desktop_config.json", @"C:\Users\u\AppData\Roaming\Claude\claude_desktop_config.json")]
    [InlineData("Windows", "claude-code", "", @"C:\Users\u\.claude.json")]
    [InlineData("Windows", "cursor", "", @"C:\Users\u\.cursor\mcp.json")]
    [InlineData("Windows", "vscode", @"APPDATA=D:\r", @"D:\r\Code\User\mcp.json", @"D:\r\Code\User\profiles\*\mcp.json", @"D:\r\Code\User\settings.json")]
    public void OfUser_WhenAskedForASystem_FollowsItsCustoms(string system, string client, string variables, params string[] paths)
    {
        var kind = Enum.Parse<SystemKind>(system);
        var home = kind switch { SystemKind.Linux => "/home/u", SystemKind.MacOs => "/Users/u", _ => @"C:\Users\u" };
        var environment = variables.Split(';', StringSplitOptions.RemoveEmptyEntries).ToDictionary(static pair => pair.Split('=')[0], static pair => pair.Split('=')[1], StringComparer.Ordinal);
        var found = ClientFiles.OfUser(new Surroundings(kind, environment, "/here", home, "/state")).Where(place => place.Client.Word == client);
        Assert.Equal(paths, found.Select(static place => place.Path));
    }

    [Fact]
    public void OfProject_WhenAsked_NamesTheFilesThatStandInAProject() => Assert.Equal(
        ["/here/.mcp.json", "/here/.cursor/mcp.json", "/here/.vscode/mcp.json", "/here/.gemini/settings.json", "/here/.codex/config.toml"],
        ClientFiles.OfProject(new Surroundings(SystemKind.Linux, new Dictionary<string, string>(), "/here", "/home/u", "/state")).Select(static place => place.Path));

    [Fact]
    public void Existing_WhenAFolderHasAStar_FindsWhatMatches()
    {
        using var home = new UserHome();
        home.Write(".config/Code/User/profiles/b/mcp.json", "{}");
        home.Write(".config/Code/User/profiles/a/mcp.json", "{}");
        Assert.Equal(["a", "b"], ClientFiles.Existing(ClientFiles.OfUser(home.At)).Select(static place => Path.GetFileName(Path.GetDirectoryName(place.Path)!)));
    }

    [Fact]
    public void ToWrite_WhenAClientHasAPackageOfItsOwn_PrefersItsFolder()
    {
        using var home = new UserHome();
        var client = ClientProgram.Find("claude-desktop")!;
        var packaged = new ClientFile(client, home.Path("Packages/Claude_*/Claude/c.json"), FileScope.User, IsWritten: true);
        var plain = new ClientFile(client, home.Write("Claude/c.json", "{}"), FileScope.User, IsWritten: true);
        Assert.Equal(plain.Path, ClientFiles.ToWrite(client, [packaged, plain])!.Path);

        Directory.CreateDirectory(home.Path("Packages/Claude_pub/Claude"));
        Assert.Equal(home.Path("Packages/Claude_pub/Claude/c.json"), ClientFiles.ToWrite(client, [packaged, plain])!.Path);
    }
}
