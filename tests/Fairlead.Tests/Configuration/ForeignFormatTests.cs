using Fairlead.Configuration;

namespace Fairlead.Tests.Configuration;

public sealed class ForeignFormatTests
{
    [Theory]
    [InlineData("""{ "mcpServers": {} }""", ConfigurationFormat.McpServers)]
    [InlineData("""{ "mcpServers": {}, "globalShortcut": "" }""", ConfigurationFormat.McpServers)]
    [InlineData("""{ "servers": {}, "inputs": [] }""", ConfigurationFormat.VsCode)]
    [InlineData("""{ "mcp": { "servers": {}, "inputs": [] }, "editor.fontSize": 12 }""", ConfigurationFormat.VsCode)]
    [InlineData("""{ "servers": {}, "inputs": [], "port": 8081 }""", ConfigurationFormat.Own)]
    [InlineData("""{ "servers": {} }""", ConfigurationFormat.Own)]
    public void Load_WhenTheKeysAreThoseOfAProgram_KnowsWhose(string json, ConfigurationFormat expected)
    {
        ConfigurationResult result = Loading.Text(json);

        Assert.Empty(result.Errors);
        Assert.Equal(expected, result.Format);
    }

    [Fact]
    public void Load_WhenTheFileLiesInTheFolderOfVsCode_IsItsFormatAndTheFolderAroundItTheWorkspace()
    {
        using var folder = new TempFolder();
        string path = folder.Write(".vscode/mcp.json", """{ "servers": { "a": { "type": "stdio", "command": "x", "args": [ "${workspaceFolder}/y" ], "dev": {} } } }""");

        ConfigurationResult result = ConfigurationLoader.Load(path, Loading.Variables());

        Assert.Equal(ConfigurationFormat.VsCode, result.Format);
        ServerConfig server = Loading.Only(result);
        Assert.Equal(($"{folder.Path}/y", folder.Path), (server.Arguments[0], server.WorkingDirectory));
        Assert.Equal("servers.a.dev", Assert.Single(result.Warnings).Key);
    }

    [Fact]
    public void Load_WhenAForeignFileUsesItsOwnKeys_UnderstandsWhatItCan()
    {
        ConfigurationResult result = Loading.Text("""
            { "mcpServers": {
                "off": { "command": "x", "enabled": false },
                "gemini": { "httpUrl": "https://h/mcp", "excludeTools": [ "drop" ], "includeTools": [ "a", "b" ], "trust": true },
                "cline": { "command": "x", "autoApprove": [ "s3cr3t" ], "disabledTools": [ "drop" ], "timeoutMs": 60000 },
                "copilot": { "type": "local", "command": "x", "tools": [ "*" ] },
                "cursor": { "serverUrl": "https://h/sse", "headers": { "Content-Type": "application/json", "X-Key": "${env:K}" }, "name": "Cursor's" } },
              "preferences": { "theme": "dark" } }
            """, ("K", "value-of-k"));

        Assert.Equal("", string.Join("\n", result.Errors));
        IList<ServerConfig> servers = result.Options.Servers;
        Assert.True(servers[0].Disabled);
        Assert.Equal(["drop"], servers[1].Expose.Hide);
        Assert.Equal(["a", "b"], servers[1].Expose.Tools);
        Assert.Equal(["drop"], servers[2].Expose.Hide);
        Assert.Equal(60_000, servers[2].TimeoutMs);
        Assert.Equal(ServerTransport.Stdio, servers[3].EffectiveTransport);
        Assert.Equal((ServerTransport.Sse, "Cursor's"), (servers[4].EffectiveTransport, servers[4].Title));
        Assert.Equal([new("X-Key", "value-of-k")], servers[4].Headers);
        Assert.Equal(
            ["mcpServers.gemini.trust", "mcpServers.cline.autoApprove", "mcpServers.copilot.tools", "mcpServers.cursor.headers.Content-Type", "preferences"],
            result.Warnings.Select(warning => warning.Key));
    }

    [Fact]
    public void Load_WhenAnInputHasNoAnswer_OnlyItsServerWaits()
    {
        const string Json = """
            { "inputs": [ { "id": "api key", "type": "promptString", "description": "Key", "password": true }, { "id": "level", "type": "pickString", "options": [ "a", { "label": "B", "value": "b" } ] } ],
              "servers": { "one": { "type": "http", "url": "https://h/", "headers": { "X": "${input:api key}" } }, "two": { "command": "x", "args": [ "${input:level}" ] }, "three": { "command": "x" } } }
            """;
        List<InputRequest> asked = [];

        ConfigurationResult result = ConfigurationLoader.LoadText(Json, Loading.Variables(("FAIRLEAD_INPUT_API_KEY", "from-variable")), new LoadSettings
        {
            WorkspaceFolder = Loading.Folder,
            AskInput = request =>
            {
                asked.Add(request);
                return "";
            },
        });

        Assert.Empty(result.Errors);
        Assert.Equal("from-variable", result.Options.Servers[0].Headers["X"]);
        InputRequest only = Assert.Single(asked);
        Assert.Equal(("level", false), (only.Id, only.IsPassword));
        Assert.Equal(["a", "b"], only.Options);
        Assert.Equal([KeyValuePair.Create("two", "FAIRLEAD_INPUT_LEVEL")], result.MissingVariables.Select(pair => KeyValuePair.Create(pair.Key, Assert.Single(pair.Value))));
    }

    [Fact]
    public void Load_WhenAForeignFileUsesAVariableOfItsEditor_OnlyItsServerWaits()
    {
        ConfigurationResult result = Loading.Text("""{ "mcpServers": { "a": { "command": "x", "args": [ "${command:pick}" ] }, "b": { "command": "x" } } }""");

        Assert.Empty(result.Errors);
        Assert.Equal(["command:pick"], result.MissingVariables["a"]);
        Assert.False(result.Options.Servers[1].IsMissingAuth);
    }
}
