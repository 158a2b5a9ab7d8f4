namespace Fairlead.Tests.Tidy;

public sealed class ProjectArrowsTests
{
    [Fact]
    public void Repository_WhenProjectsAreRead_NoArrowTurnsRound() => Findings.AssertNone(ProjectArrows.Check(Repository.Files));

    [Theory]
    [InlineData("Fairlead.Wire", "<ProjectReference Include=\"../Fairlead/Fairlead.csproj\" />", "must not reference Fairlead")]
    [InlineData("Fairlead", "<ProjectReference Include=\"..\\Fairlead.AspNetCore\\Fairlead.AspNetCore.csproj\" />", "must not reference Fairlead.AspNetCore")]
    [InlineData("Fairlead.Abstractions", "<PackageReference Include=\"Polly.Core\" />", "must not bring Polly.Core")]
    [InlineData("Fairlead", "<PackageReference Include=\"ModelContextProtocol.Core\" />", "must not bring ModelContextProtocol.Core")]
    [InlineData("Fairlead", "<FrameworkReference Include=\"Microsoft.AspNetCore.App\" />", "must not bring Microsoft.AspNetCore.App")]
    [InlineData("Fairlead", "<Using Include=\"Fairlead.Actors\" />", "hides arrows")]
    [InlineData("Fairlead.Unheard", "", "not in the table")]
    public void Check_WhenAProjectReachesTooFar_SaysSo(string project, string item, string expected)
    {
        var planted = PlantedFiles.File($"src/{project}/{project}.csproj", $"<Project><ItemGroup>{item}</ItemGroup></Project>");
        Assert.Contains(expected, Assert.Single(ProjectArrows.Check(planted)), StringComparison.Ordinal);
    }

    [Fact]
    public void Check_WhenTheArrowIsAllowed_IsSilent() => Assert.Empty(ProjectArrows.Check(PlantedFiles.File(
        "src/Fairlead/Fairlead.csproj", "<Project><ItemGroup><ProjectReference Include=\"../Fairlead.Wire/Fairlead.Wire.csproj\" /></ItemGroup></Project>")));
}
