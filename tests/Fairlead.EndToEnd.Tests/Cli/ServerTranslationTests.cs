using System.Text.Json.Nodes;
using Fairlead.Cli.Clients;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>Servers of other programs in Fairlead's words, and how they are shown.</summary>
public sealed class ServerTranslationTests
{
    [Theory]
    [InlineData("""{"type":"stdio","command":"a","args":[],"env":{}}""", """{"command":"a"}""")]
    [InlineData("""{"command":"a","enabled":false,"name":"A B"}""", """{"command":"a","disabled":true,"title":"A B"}""")]
    [InlineData("""{"command":"a","disabled":false,"enabled":true}""", """{"command":"a"}""")]
    [InlineData("""{"command":"a","env":{"A":1,"B":true,"C":null}}""", """{"command":"a","env":{"A":"1","B":"true"}}""")]
    [InlineData("""{"type":"http","url":"https://x/mcp"}""", """{"url":"https://x/mcp"}""")]
    [InlineData("""{"type":"streamable-http","serverUrl":"https://x/sse"}""", """{"transport":"http","url":"https://x/sse"}""")]
    [InlineData("""{"type":"sse","url":"https://x/events"}""", """{"transport":"sse","url":"https://x/events"}""")]
    [InlineData("""{"url":"https://x","auth":{"CLIENT_ID":"i","CLIENT_SECRET":"s","scopes":["r"]}}""", """{"url":"https://x","auth":{"type":"oauth2","clientId":"i","clientSecret":"s","scopes":["r"]}}""")]
    [InlineData("""{"command":"a","includeTools":["t"],"disabledTools":["u"]}""", """{"command":"a","expose":{"tools":["t"],"hide":["u"]}}""")]
    public void Of_WhenAnotherProgramWroteIt_UsesOurKeys(string entry, string expected)
    {
        var translation = ServerTranslation.Of(Parse(entry), null);
        Assert.True(JsonNode.DeepEquals(Parse(expected), translation.Entry), translation.Entry.ToJsonString());
        Assert.Empty(translation.LeftOut);
    }

    [Fact]
    public void Of_WhenKeysMeanNothingHere_LeavesThemOutAndNamesThem() =>
        Assert.Equal(["autoApprove", "gallery"], ServerTranslation.Of(Parse("""{"command":"a","autoApprove":[],"gallery":true}"""), null).LeftOut);

    [Fact]
    public void Of_WhenTheFileBelongsToAFolder_WritesTheFolderOut()
    {
        var own = ServerTranslation.Of(Parse("""{"command":"${workspaceFolder}/run","args":["${workspaceFolderBasename}","${HOME}"],"envFile":"a.env"}"""), "/p/q").Entry;
        Assert.True(JsonNode.DeepEquals(Parse("""{"command":"/p/q/run","args":["q","${HOME}"],"envFile":"/p/q/a.env","cwd":"/p/q"}"""), own), own.ToJsonString());
        Assert.Equal("/p/q/sub", (string?)ServerTranslation.Of(Parse("""{"command":"a","cwd":"sub"}"""), "/p/q").Entry["cwd"]);
        Assert.Null(ServerTranslation.Of(Parse("""{"url":"https://x/mcp"}"""), "/p/q").Entry["cwd"]);
    }

    [Fact]
    public void Differences_WhenOnlyTheWayOfRunningDiffers_AreNone() =>
        Assert.Empty(ServerTranslation.Differences(Parse("""{"command":"a","tags":["x"],"title":"A"}"""), Parse("""{"command":"a","disabled":true}""")));

    [Theory]
    [InlineData("""{"command":"npx","args":["-y","@a/b@1.2.3"],"env":{"K":"planted-secret"}}""", "npx -y @a/b@1.2.3 (env: K)")]
    [InlineData("""{"command":"a","args":["--api-key","planted-secret","--token=planted-secret"]}""", "a --api-key REDACTED --token=REDACTED")]
    [InlineData("""{"command":"a","args":["postgres://me:planted-secret@db/x"]}""", "a postgres://REDACTED@db/x")]
    [InlineData("""{"command":"a","args":["plAntedSecretW1thoutAName"]}""", "a REDACTED")]
    [InlineData("""{"command":"a","args":["--token","${TOKEN}","two words"]}""", "a --token ${TOKEN} \"two words\"")]
    [InlineData("""{"url":"https://x/mcp?key=planted-secret","headers":{"X-Key":"planted-secret"}}""", "https://x/mcp?REDACTED (headers: X-Key)")]
    public void Shown_WhenThereAreSecrets_HidesTheirValues(string entry, string expected) => Assert.Equal(expected, ShownServer.Of(Parse(entry)));

    [Theory]
    [InlineData("x", """{"command":"/opt/dotnet","args":["/a/Fairlead.Cli.dll","stdio"]}""", true)]
    [InlineData("x", """{"command":"C:\\f\\fairlead.exe","args":["stdio"]}""", true)]
    [InlineData("fairlead", """{"url":"http://127.0.0.1:8080/mcp"}""", true)]
    [InlineData("fairlead-git", """{"url":"http://[::1]:8080/mcp/git"}""", true)]
    [InlineData("fairlead", """{"url":"https://fairlead.example.com/mcp"}""", false)]
    [InlineData("other", """{"url":"http://127.0.0.1:9000/mcp"}""", false)]
    [InlineData("x", """{"command":"fairlead","args":["server","git"]}""", false)]
    public void FairleadItself_WhenAClientLeadsHere_IsKnown(string name, string entry, bool expected) => Assert.Equal(expected, FairleadItself.Is(name, Parse(entry)));

    private static JsonObject Parse(string text) => (JsonObject)JsonNode.Parse(text)!;
}
