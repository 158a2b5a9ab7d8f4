using Fairlead.Processes;

namespace Fairlead.Tests.Processes;

public sealed class ExecutableSearchTests
{
    private static ExecutableSearch Search(bool windows, params (string Path, string Verdict)[] files) => new(
        path => files.FirstOrDefault(file => string.Equals(file.Path, path, windows ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal)).Verdict switch
        {
            "program" => ExecutableProbe.Executable,
            "data" => ExecutableProbe.NotExecutable,
            "directory" => ExecutableProbe.Directory,
            _ => ExecutableProbe.Missing,
        },
        windows);

    [Fact]
    public void Find_WhenSeveralDirectoriesHoldIt_FirstOfPathWins() =>
        Assert.Equal("/b/npx", Search(false, ("/b/npx", "program"), ("/c/npx", "program")).Find("npx", "/home/a", "/a:/b:/c", null).Path);

    [Fact]
    public void Find_WhenFirstHitIsNotExecutable_GoesOn() =>
        Assert.Equal("/b/npx", Search(false, ("/a/npx", "data"), ("/b/npx", "program")).Find("npx", "/home/a", "/a:/b", null).Path);

    [Fact]
    public void Find_WhenPathEntryIsRelative_StartsFromTheWorkingDirectory() =>
        Assert.Equal("/home/a/node_modules/.bin/x", Search(false, ("/home/a/node_modules/.bin/x", "program")).Find("x", "/home/a", "node_modules/.bin", null).Path);

    [Theory]
    [InlineData("./run", "/home/a/./run")]
    [InlineData("bin/run", "/home/a/bin/run")]
    [InlineData("/opt/run", "/opt/run")]
    public void Find_WhenCommandHasADirectory_PathIsNotSearched(string command, string expected) =>
        Assert.Equal(expected, Search(false, (expected, "program"), ("/a/run", "program")).Find(command, "/home/a", "/a", null).Path);

    [Theory]
    [InlineData("npx", "/a:/b", "searched PATH: /a, /b", "Install it")]
    [InlineData("npx", "", "PATH is empty", "add its directory to PATH")]
    [InlineData("npx", null, "PATH is empty", "full path")]
    [InlineData("./npx", "/a", "there is no file '/home/a/./npx'", "Correct the path")]
    [InlineData("/data", "/a", "'/data', which may not be executed", "chmod +x")]
    [InlineData("data", "/", "'/data', which may not be executed", "chmod +x")]
    [InlineData("/tmp", "/a", "is the directory '/tmp'", "Name the program inside it")]
    [InlineData("  ", "/a", "The command is empty", "npx")]
    public void Find_WhenNothingCanBeStarted_SaysWhatAndHowToMend(string command, string? path, string what, string how)
    {
        var finding = Search(false, ("/data", "data"), ("/tmp", "directory")).Find(command, "/home/a", path, null);

        Assert.Null(finding.Path);
        Assert.Contains(what, finding.Problem, StringComparison.Ordinal);
        Assert.Contains(how, finding.Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("npx", ".EXE;.CMD", @"C:\node\npx.cmd")]
    [InlineData("npx.cmd", ".EXE;.CMD", @"C:\node\npx.cmd")]
    [InlineData("NPX.CMD", ".EXE;.CMD", @"C:\node\NPX.CMD")]
    [InlineData("node", ".EXE;.CMD", @"C:\node\node.exe")]
    [InlineData("node", null, @"C:\node\node.exe")]
    [InlineData("server.v2", ".EXE", @"C:\node\server.v2.exe")]
    [InlineData("both", ".EXE;.CMD", @"C:\node\both.exe")]
    [InlineData("both", ".CMD;.EXE", @"C:\node\both.cmd")]
    [InlineData(@"C:\node\npx", ".EXE;.CMD", @"C:\node\npx.cmd")]
    [InlineData(@"tools\own", ".EXE;.CMD", @"C:\here\tools\own.exe")]
    public void Find_OnWindows_TriesTheExtensionsInOrder(string command, string? pathExt, string expected)
    {
        var search = Search(
            true, (@"C:\node\npx", "program"), (@"C:\node\npx.cmd", "program"), (@"C:\node\node.exe", "program"), (@"C:\node\server.v2.exe", "program"),
            (@"C:\node\both.exe", "program"), (@"C:\node\both.cmd", "program"), (@"C:\here\tools\own.exe", "program"));

        Assert.Equal(expected, search.Find(command, @"C:\here", "C:\\Windows;\"C:\\node\"", pathExt).Path);
    }

    [Fact]
    public void Find_OnWindowsWhenOnlyTheShellScriptIsThere_IsNotFound()
    {
        var finding = Search(true, (@"C:\node\npx", "program")).Find("npx", @"C:\here", @"C:\node", null);

        Assert.Null(finding.Path);
        Assert.Contains("PATHEXT", finding.Problem, StringComparison.Ordinal);
    }
}
