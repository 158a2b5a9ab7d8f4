namespace Fairlead.Tests.Tidy;

public sealed class LinkRulesTests
{
    [Fact]
    public void Repository_WhenPagesAreRead_EveryLinkLeadsSomewhere() => Findings.AssertNone(LinkRules.Check(Repository.Files, Repository.Exists));

    [Theory]
    [InlineData("See [it](gone.md).", "'docs/gone.md', which does not exist")]
    [InlineData("See [it](../../gone).", "'gone', which does not exist")]
    [InlineData("# Title\n[it](#nowhere)", "no heading for '#nowhere'")]
    [InlineData("![picture](gone.png \"title\")", "'docs/gone.png'")]
    public void Check_WhenALinkLeadsNowhere_SaysSo(string text, string expected) =>
        Assert.Contains(expected, Assert.Single(LinkRules.Check(PlantedFiles.File("docs/page.md", text), path => path == "docs/page.md")), StringComparison.Ordinal);

    [Theory]
    [InlineData("[it](other.md) [self](#the-road-of-a-call-1-to-9)\n## The road of a call (1 to 9)")]
    [InlineData("[web](https://example.com/x#y) [mail](mailto:a@example.com)")]
    [InlineData("`[not](a-link)`\n```\n[nor](this)\n```")]
    public void Check_WhenAllLeadSomewhere_IsSilent(string text) =>
        Assert.Empty(LinkRules.Check(PlantedFiles.File("docs/page.md", text), path => path is "docs/page.md" or "docs/other.md"));
}
