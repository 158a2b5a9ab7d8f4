namespace Fairlead.Tests.Tidy;

public sealed class ShapeRulesTests
{
    [Fact]
    public void Repository_WhenFilesAreMeasured_NoneIsTooLong() => Findings.AssertNone(ShapeRules.CheckLength(Repository.Files, Repository.Allowed));

    [Fact]
    public void Repository_WhenTestsAreRead_EachFolderMirrorsTheProduct() => Findings.AssertNone(ShapeRules.CheckMirror(Repository.Files, Repository.Allowed, Repository.Exists));

    [Fact]
    public void Repository_WhenTypesAreRead_EachHasADocstring() => Findings.AssertNone(ShapeRules.CheckDocstrings(Repository.Files));

    [Fact]
    public void AllowList_WhenRead_EachEntryIsNeeded() => Findings.AssertNone(Repository.Allowed.Check(Repository.Exists));

    [Theory]
    [InlineData(500, 0)]
    [InlineData(501, 1)]
    public void CheckLength_WhenTheFileHasLines_CountsThemExactly(int lines, int problems)
    {
        var planted = PlantedFiles.File("src/Fairlead/Planted.cs", string.Concat(Enumerable.Repeat("// line\n", lines)));
        Assert.Equal(problems, ShapeRules.CheckLength(planted, PlantedFiles.NothingAllowed).Count());
        Assert.Empty(ShapeRules.CheckLength(planted, new AllowList("src/Fairlead/Planted.cs a table of constants")));
    }

    [Fact]
    public void CheckMirror_WhenTheProductHasNoSuchFolder_SaysSo()
    {
        var planted = PlantedFiles.File("tests/Fairlead.Tests/Nowhere/PlantedTests.cs", "");
        Assert.Contains("src/Fairlead/Nowhere", Assert.Single(ShapeRules.CheckMirror(planted, PlantedFiles.NothingAllowed, PlantedFiles.Nothing)), StringComparison.Ordinal);
        Assert.Empty(ShapeRules.CheckMirror(planted, PlantedFiles.NothingAllowed, path => path == "src/Fairlead/Nowhere"));
        Assert.Empty(ShapeRules.CheckMirror(planted, new AllowList("tests/Fairlead.Tests/Nowhere about everything at once"), PlantedFiles.Nothing));
    }

    [Theory]
    [InlineData("internal sealed class Planted { }")]
    [InlineData("/// <summary>Of the other one.</summary>\ninternal enum Other { }\n\ninternal readonly record struct Planted(int A);")]
    [InlineData("// Not a docstring.\ninternal interface IPlanted { }")]
    public void CheckDocstrings_WhenATypeHasNone_SaysSo(string code) =>
        Assert.Contains("Planted has no docstring", Assert.Single(ShapeRules.CheckDocstrings(PlantedFiles.File("src/Fairlead/Planted.cs", code))), StringComparison.Ordinal);

    [Theory]
    [InlineData("/// <summary>What it is.</summary>\n[Flags]\ninternal enum Planted { A }")]
    [InlineData("/// <summary>What it is.</summary>\ninternal class Planted\n{\n    private sealed class Inner { }\n}")]
    [InlineData("/// <summary>What it is.</summary>\n[Attribute(\n    Name = 1)]\ninternal partial class Planted { }")]
    public void CheckDocstrings_WhenItIsThere_IsSilent(string code) =>
        Assert.Empty(ShapeRules.CheckDocstrings(PlantedFiles.File("src/Fairlead/Planted.cs", code)));

    [Theory]
    [InlineData("src/a.cs", "has no reason")]
    [InlineData("src/a.cs because", "has no reason")]
    public void AllowList_WhenAnEntryHasNoReason_SaysSo(string text, string expected) =>
        Assert.Contains(expected, Assert.Single(new AllowList(text).Check(PlantedFiles.Anything)), StringComparison.Ordinal);

    [Fact]
    public void AllowList_WhenTheFileIsGone_SaysSo() =>
        Assert.Contains("does not exist", Assert.Single(new AllowList("# remark\nsrc/a.cs a table of constants").Check(PlantedFiles.Nothing)), StringComparison.Ordinal);
}
