using System.Text;

namespace Fairlead.EndToEnd.Tests.Hostile;

/// <summary>The measured parts of <c>docs/resilience.md</c>. Figures are of one machine on one day: they are written with <c>FAIRLEAD_UPDATE_DOCS=1</c> and never compared.</summary>
internal static class ResilienceDocument
{
    private const string Document = "docs/resilience.md";

    /// <summary>Writes the lines between the two marks of a part.</summary>
    /// <param name="part">As in the marks.</param>
    /// <param name="measured">What takes the place of what stands there.</param>
    public static void Record(string part, string[] measured)
    {
        if (Environment.GetEnvironmentVariable("FAIRLEAD_UPDATE_DOCS") != "1")
        {
            return;
        }

        var path = RepositoryPaths.Source(Document);
        var lines = File.ReadAllLines(path);
        var begin = Array.IndexOf(lines, $"<!-- {part}: written by its test -->");
        var end = Array.IndexOf(lines, $"<!-- end of {part} -->");
        Assert.True(begin >= 0 && end > begin, $"{Document} has no marks for '{part}'; add them where its figures shall stand.");
        File.WriteAllText(path, string.Join('\n', [.. lines[..(begin + 1)], .. measured, .. lines[end..]]) + "\n", new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
    }
}
