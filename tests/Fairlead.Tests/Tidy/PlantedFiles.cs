namespace Fairlead.Tests.Tidy;

/// <summary>Small made-up files for the tests that prove that a rule can fail.</summary>
internal static class PlantedFiles
{
    public static readonly AllowList NothingAllowed = new("");

    public static SourceFile[] File(string path, string text) => [new(path, text)];

    public static bool Anything(string path) => path.Length > 0;

    public static bool Nothing(string path) => path.Length == 0;
}
