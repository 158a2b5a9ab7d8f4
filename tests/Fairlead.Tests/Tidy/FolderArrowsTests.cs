namespace Fairlead.Tests.Tidy;

public sealed class FolderArrowsTests
{
    [Fact]
    public void Repository_WhenFoldersAreRead_NoArrowTurnsRound() => Findings.AssertNone(FolderArrows.Check(Repository.Files));

    [Theory]
    [InlineData("Exchanges", "using Fairlead.Actors;")]
    [InlineData("Upstreams", "class A { global::Fairlead.Actors.Mailbox m; }")]
    [InlineData("Sessions", "class A { Actors.Mailbox m; }")]
    [InlineData("Routing", "using Box = Fairlead.Actors.Mailbox;")]
    [InlineData("Guards", "using Fairlead.Exchanges;")]
    [InlineData("Upstreams", "using Fairlead.Exchanges;")]
    [InlineData("Upstreams", "using Fairlead.Routing;")]
    [InlineData("Actors", "using Fairlead.Servers;")]
    [InlineData("Processes", "using static Fairlead.Servers.ServerState;")]
    [InlineData("Catalog", "using Fairlead.Adaptive;")]
    public void Check_WhenAFolderSeesWhatItMustNot_SaysSo(string folder, string code)
    {
        SourceFile[] planted =
        [
            new($"src/Fairlead/{folder}/Planted.cs", code),
            new("src/Fairlead/Actors/Mailbox.cs", "namespace Fairlead.Actors;\nclass Mailbox { }"),
        ];
        Assert.Contains($"src/Fairlead/{folder}/Planted.cs:1:", Assert.Single(FolderArrows.Check(planted)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("// using Fairlead.Actors;")]
    [InlineData("/// <see cref=\"Fairlead.Actors.Mailbox\"/>")]
    [InlineData("class A { string s = \"Fairlead.Actors\"; }")]
    [InlineData("class A { int Actors; int n = Actors.Length; object o = x.Actors.Mailbox; }")]
    [InlineData("using Fairlead.ActorsElsewhere;")]
    public void Check_WhenTheNameIsNoReference_IsSilent(string code) =>
        Assert.Empty(FolderArrows.Check(PlantedFiles.File("src/Fairlead/Exchanges/Planted.cs", code)));

    [Theory]
    [InlineData("namespace Fairlead.Upstreams;")]
    [InlineData("namespace Fairlead;\ninternal sealed class A { }")]
    public void Check_WhenTheNamespaceIsNotTheFolder_SaysSo(string code) => Assert.Contains(
        "the folder says Fairlead.Upstreams.Stdio",
        Assert.Single(FolderArrows.Check(PlantedFiles.File("src/Fairlead/Upstreams/Stdio/Planted.cs", code))),
        StringComparison.Ordinal);

    [Fact]
    public void Check_WhenPublicTypesStandInTheRootNamespace_IsSilent() =>
        Assert.Empty(FolderArrows.Check(PlantedFiles.File("src/Fairlead/Routing/Planted.cs", "namespace Fairlead;\npublic enum A { }")));

    [Theory]
    [InlineData("class A { async void M() { } }")]
    [InlineData("class A { Task M() => x; }")]
    [InlineData("class A { void M(Stream s) { } }")]
    [InlineData("class A { string s = File.ReadAllText(p); }")]
    public void Check_WhenTheWireDoesInputOrOutput_SaysSo(string code) => Assert.Contains(
        "It does no I/O", Assert.Single(FolderArrows.Check(PlantedFiles.File("src/Fairlead.Wire/Planted.cs", code))), StringComparison.Ordinal);
}
