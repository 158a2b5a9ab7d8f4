using Fairlead.Configuration;

namespace Fairlead.Cli.Clients;

/// <summary>An MCP client whose configuration files are known.</summary>
/// <param name="Word">Its name on the command line.</param>
/// <param name="Title">Its name for people.</param>
/// <param name="ServersKey">The member of its files that holds the servers.</param>
/// <param name="SpeaksHttp">Whether its files take the address of a Streamable HTTP server; otherwise it starts a command.</param>
/// <param name="NamesTransport">Whether an address needs <c>"type": "http"</c> beside it.</param>
/// <param name="AddressKey">The member of an entry that holds the address of a Streamable HTTP server.</param>
/// <param name="Reload">What a person does so that a changed file is read.</param>
internal sealed record ClientProgram(string Word, string Title, string ServersKey, bool SpeaksHttp, bool NamesTransport, string AddressKey, string Reload)
{
    /// <summary>All of them, in the order in which their servers are taken over.</summary>
    public static IReadOnlyList<ClientProgram> All { get; } =
    [
        new("claude-desktop", "Claude Desktop", "mcpServers", SpeaksHttp: false, NamesTransport: false, "url", "Quit Claude Desktop completely and start it again."),
        new("claude-code", "Claude Code", "mcpServers", SpeaksHttp: true, NamesTransport: true, "url",
            "Start a new session of Claude Code; one that ran meanwhile may write its own copy of the file back, so check with: claude mcp list"),
        new("cursor", "Cursor", "mcpServers", SpeaksHttp: true, NamesTransport: false, "url", "Cursor reads it by itself; the switch is in Settings, MCP."),
        new("vscode", "VS Code", "servers", SpeaksHttp: true, NamesTransport: true, "url", "VS Code reads it by itself; MCP: List Servers starts it."),
        new("vscode-insiders", "VS Code Insiders", "servers", SpeaksHttp: true, NamesTransport: true, "url", "VS Code reads it by itself; MCP: List Servers starts it."),
        new("windsurf", "Windsurf", "mcpServers", SpeaksHttp: true, NamesTransport: false, "serverUrl", "Press the refresh button of Cascade's MCP servers."),
        new("gemini", "Gemini CLI", "mcpServers", SpeaksHttp: true, NamesTransport: false, "httpUrl", "Start Gemini CLI again; gemini mcp list shows it."),
        new("codex", "Codex", "mcp_servers", SpeaksHttp: true, NamesTransport: false, "url", "Start a new session of Codex; codex mcp list shows it."),
    ];

    /// <summary>The client of a word; null when there is none.</summary>
    public static ClientProgram? Find(string word) => All.FirstOrDefault(client => string.Equals(client.Word, word, StringComparison.OrdinalIgnoreCase));

    /// <summary>The words, for messages.</summary>
    public static string Words() => string.Join(", ", All.Select(static client => client.Word));

    /// <summary>What is wrong with words that are none, and which was meant or which there are.</summary>
    /// <param name="words">One at least.</param>
    /// <param name="otherwise">What can be done for any other client, in words that end the sentence.</param>
    public static string Unknown(IReadOnlyCollection<string> words, string otherwise)
    {
        var near = words.Select(static word => OptionWords.Nearest(word, All.Select(static client => client.Word))).OfType<string>().Distinct().ToArray();
        return $"{string.Join(", ", words)} is no client that is known. {(near.Length == 0 ? "" : $"Did you mean {string.Join(", ", near)}? ")}Known are {Words()}; {otherwise}.";
    }
}
