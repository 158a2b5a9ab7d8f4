namespace Fairlead.Tests.Tidy;

public sealed class WordRulesTests
{
    [Fact]
    public void Repository_WhenWordsAreRead_NoneIsBanned() => Findings.AssertNone(WordRules.Check(Repository.Files));

    [Theory]
    [InlineData("class StringHelper { }", "StringHelper ends in a word that says nothing")]
    [InlineData("internal static class PathUtils { }", "PathUtils")]
    [InlineData("interface ICommon { }", "ICommon")]
    [InlineData("record struct RouterV2(int A);", "RouterV2")]
    [InlineData("sealed class SessionManager { }", "SessionManager")]
    [InlineData("class ServerImpl { }", "ServerImpl")]
    [InlineData("class A { void M() => throw new NotImplementedException(); }", "Leave out what is not there yet")]
    [InlineData("class A { void M() => Thread.Sleep(1); }", "Wait for an event")]
    [InlineData("class A { void M() { try { X(); } catch { } } }", "swallowed")]
    [InlineData("class A { void M() { try { X(); } catch (Exception e) { /* nothing */ // why\n } } }", "swallowed")]
    [InlineData("class A { void M() { try { X(); } catch (IOException) { } } }", "swallowed")]
    [InlineData("#pragma warning disable CA1001", "without a reason")]
    [InlineData("#pragma warning disable CA1001 //", "without a reason")]
    [InlineData("class T { [Fact(Skip = \"later\")] void M() { } }", "skipped test")]
    [InlineData("class T { [Theory(DisplayName = \"x\", Skip = \"later\")] void M() { } }", "skipped test")]
    [InlineData("// TO" + "DO: later", "write a full sentence")]
    [InlineData("class A { string p = \"/ro" + "ot/project\"; }", "path of one machine")]
    [InlineData("// see https://registry.npm" + "js.org/x", "own configuration")]
    public void Check_WhenABannedWordIsPlanted_SaysSo(string code, string expected) =>
        Assert.Contains(expected, Assert.Single(WordRules.Check(PlantedFiles.File("src/Fairlead/Planted.cs", code))), StringComparison.Ordinal);

    [Theory]
    [InlineData("class McpManager { }")]
    [InlineData("class Implementation { }")]
    [InlineData("// Thread.Sleep would hold the thread, NotImplementedException would lie.")]
    [InlineData("class A { void M() { try { X(); } catch (IOException) {\n // The peer is gone already, which is what was wanted.\n } } }")]
    [InlineData("class A { void M() { try { X(); } catch (Exception) when (done) { Log(); } } }")]
    [InlineData("#pragma warning disable CA1001 // The owner disposes it.")]
    [InlineData("class A { int Skip = 1; string s = \"[Fact(Skip = 1)]\"; }")]
    [InlineData("class A { string s = \"https://host.example/root/x\"; string t = \"~/work/x\"; }")]
    public void Check_WhenItOnlyLooksLikeOne_IsSilent(string code) =>
        Assert.Empty(WordRules.Check(PlantedFiles.File("src/Fairlead/Planted.cs", code)));

    [Fact]
    public void Check_WhenAScriptHoldsUnfinishedWork_SaysSo() =>
        Assert.Single(WordRules.Check(PlantedFiles.File("eng/planted.sh", "# FIX" + "ME")));
}
