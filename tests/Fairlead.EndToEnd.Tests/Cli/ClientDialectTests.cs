using System.Text.Json.Nodes;
using Fairlead.Cli.Clients;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>Entries of clients with words and references of their own, as Fairlead writes them.</summary>
public sealed class ClientDialectTests
{
    [Theory]
    [InlineData("""{"command":"npx","args":["-y","${HOME}"],"env":{"A":"${B}"},"env_vars":["TOKEN",{"name":"OTHER","source":"remote"}]}""", """{"command":"npx","args":["-y","$${HOME}"],"env":{"A":"$${B}","TOKEN":"${TOKEN:-}","OTHER":"${OTHER:-}"}}""")]
    [InlineData("""{"url":"https://x/mcp","bearer_token_env_var":"TOKEN","http_headers":{"X-A":"1"},"env_http_headers":{"X-B":"B"}}""", """{"url":"https://x/mcp","headers":{"Authorization":"Bearer ${TOKEN}","X-A":"1","X-B":"${B}"}}""")]
    [InlineData("""{"command":"a","enabled":false,"enabled_tools":["t"],"disabled_tools":["u"],"tool_timeout_sec":1.5}""", """{"command":"a","disabled":true,"expose":{"tools":["t"],"hide":["u"]},"timeoutMs":1500}""")]
    public void OfCodex_WhenVariablesAreNamedInKeys_RefersToThem(string entry, string expected) => Check(ClientDialect.OfCodex(Parse(entry)), expected);

    [Theory]
    [InlineData("""{"command":"a","args":["$A/${B}","5$"],"env":{"KEY":"$MY_TOKEN"},"timeout":5000,"includeTools":["t"]}""", """{"command":"a","args":["${A}/${B}","5$"],"env":{"KEY":"${MY_TOKEN}"},"timeoutMs":5000,"expose":{"tools":["t"]}}""")]
    [InlineData("""{"httpUrl":"https://x/mcp","headers":{"Authorization":"Bearer $T"}}""", """{"url":"https://x/mcp","headers":{"Authorization":"Bearer ${T}"}}""")]
    [InlineData("""{"url":"https://x/sse","type":"sse"}""", """{"url":"https://x/sse"}""")]
    public void OfGemini_WhenReferencesHaveNoBraces_GivesThemSome(string entry, string expected) => Check(ClientDialect.OfGemini(Parse(entry)), expected);

    [Fact]
    public void Of_WhenKeysMeanNothingHere_NamesThem()
    {
        Assert.Equal(["startup_timeout_sec"], ServerTranslation.Of(ClientDialect.OfCodex(Parse("""{"command":"a","startup_timeout_sec":20}""")), null).LeftOut);
        Assert.Equal(["trust"], ServerTranslation.Of(ClientDialect.OfGemini(Parse("""{"command":"a","trust":true}""")), null).LeftOut);
    }

    private static void Check(JsonObject common, string expected)
    {
        var (entry, leftOut) = ServerTranslation.Of(common, null);
        Assert.Empty(leftOut);
        Assert.True(JsonNode.DeepEquals(Parse(expected), entry), entry.ToJsonString());
    }

    private static JsonObject Parse(string text) => (JsonObject)JsonNode.Parse(text)!;
}
