namespace Fairlead.BuiltIn.Tests;

/// <summary>A folder of the test's own, gone when the test has ended.</summary>
internal sealed class TempFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fairlead-builtin-");

    /// <summary>The folder.</summary>
    public string FullName => _folder.FullName;

    /// <summary>A path in it.</summary>
    public string At(string name) => Path.Combine(FullName, name);

    /// <summary>Writes a file in it, with the folders on the way.</summary>
    public string Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllText(At(name), text);
        return At(name);
    }

    /// <inheritdoc/>
    public void Dispose() => _folder.Delete(recursive: true);
}
