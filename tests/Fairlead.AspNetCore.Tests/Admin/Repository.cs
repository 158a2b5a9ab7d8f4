namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>The clone that the tests were built in.</summary>
internal static class Repository
{
    /// <summary>The whole path of one of its files.</summary>
    public static string File(string path)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !System.IO.File.Exists(Path.Combine(folder.FullName, "Fairlead.slnx")))
        {
            folder = folder.Parent;
        }

        return Path.Combine(folder?.FullName ?? throw new DirectoryNotFoundException("Run the tests from a clone: Fairlead.slnx is in no folder above them."), path);
    }

    /// <summary>A page of the docs is what the code says; with FAIRLEAD_UPDATE_DOCS=1 it is written first.</summary>
    public static async Task AssertPageAsync(string page, string expected)
    {
        var file = File(page);
        if (Environment.GetEnvironmentVariable("FAIRLEAD_UPDATE_DOCS") == "1")
        {
            await System.IO.File.WriteAllTextAsync(file, expected);
        }

        Assert.True(System.IO.File.Exists(file) && await System.IO.File.ReadAllTextAsync(file) == expected, $"{page} is not what the code says. Run FAIRLEAD_UPDATE_DOCS=1 ./test --filter ReferencePage and commit the file.");
    }
}
