using System.Diagnostics;
using Fairlead.TestKit;

namespace Fairlead.BuiltIn.Tests.Git;

/// <summary>The git server with real repositories.</summary>
public sealed class GitServerTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly string _repository;

    public GitServerTests()
    {
        _repository = _folder.At("root/repo");
        Directory.CreateDirectory(_repository);
        Git(_repository, "init", "--initial-branch=main");
        Git(_repository, "config", "user.name", "Ada");
        Git(_repository, "config", "user.email", "ada@example.com");
        _folder.Write("root/repo/a.txt", "one\ntwo\n");
        Git(_repository, "add", ".");
        Git(_repository, "commit", "--message=first");
    }

    public void Dispose() => _folder.Dispose();

    private static string Git(string folder, params string[] arguments)
    {
        var info = new ProcessStartInfo("git", arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(info)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"git {string.Join(' ', arguments)}: {error.Result}");
        return output;
    }

    private Task<ToolClient> ConnectAsync(params (string, string)[] variables) => ToolClient.ConnectAsync("git", _folder.At("root"), variables);

    [Fact]
    public async Task Check_WhenGitAndRootAreThere_NamesBoth()
    {
        var report = await ToolClient.Make("git", _folder.At("root"), TimeProvider.System).CheckAsync(CancellationToken.None);
        Assert.Equal(BackendState.Ready, report.State);
        Assert.Contains("git version", report.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_WhenARootIsMissing_SaysWhich()
    {
        var report = await ToolClient.Make("git", _folder.At("root"), TimeProvider.System, ("GIT_ROOTS", "nowhere")).CheckAsync(CancellationToken.None);
        Assert.Equal(BackendState.Unreachable, report.State);
        Assert.Contains("nowhere", report.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Changes_WhenMadeStagedAndCommitted_AreSeenByEveryTool()
    {
        await using var client = await ConnectAsync();
        _folder.Write("root/repo/a.txt", "one\nTWO\n");
        _folder.Write("root/repo/b c.txt", "new\n");
        var status = (await client.CallAsync("status", new { repository = "repo" })).Good();
        Assert.Equal("main", status.GetProperty("branch").GetString());
        Assert.Equal([(".M", "a.txt"), ("??", "b c.txt")], status.GetProperty("files").EnumerateArray().Select(static file => (file.GetProperty("status").GetString()!, file.GetProperty("path").GetString()!)));
        Assert.Contains("+TWO", (await client.CallAsync("diff", new { repository = "repo" })).Good().GetProperty("output").GetString(), StringComparison.Ordinal);

        (await client.CallAsync("add", new { repository = "repo", paths = new[] { "." } })).Good();
        Assert.Contains("b c.txt", (await client.CallAsync("diff", new { repository = "repo", staged = true, stat = true })).Good().GetProperty("output").GetString(), StringComparison.Ordinal);
        (await client.CallAsync("commit", new { repository = "repo", message = "second; rm -rf $HOME" })).Good();

        var commits = (await client.CallAsync("log", new { repository = "repo" })).Good().GetProperty("commits");
        Assert.Equal(["second; rm -rf $HOME", "first"], commits.EnumerateArray().Select(static commit => commit.GetProperty("subject").GetString()));
        Assert.Equal("ada@example.com", commits[0].GetProperty("email").GetString());
        Assert.Equal("one\ntwo\n", (await client.CallAsync("show", new { repository = "repo", revision = "HEAD~1:a.txt" })).Good().GetProperty("output").GetString());
        Assert.Contains("Ada", (await client.CallAsync("blame", new { repository = "repo", path = "a.txt", start_line = 2, end_line = 2 })).Good().GetProperty("output").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Branches_WhenCreatedSwitchedMergedAndDeleted_BehaveAsInGit()
    {
        await using var client = await ConnectAsync();
        (await client.CallAsync("branch", new { repository = "repo", action = "create", name = "topic" })).Good();
        (await client.CallAsync("branch", new { repository = "repo", action = "switch", name = "topic" })).Good();
        _folder.Write("root/repo/t.txt", "t\n");
        (await client.CallAsync("add", new { repository = "repo", paths = new[] { "t.txt" } })).Good();
        (await client.CallAsync("commit", new { repository = "repo", message = "topic" })).Good();
        (await client.CallAsync("branch", new { repository = "repo", action = "switch", name = "main" })).Good();
        Assert.Contains("not fully merged", (await client.CallAsync("branch", new { repository = "repo", action = "delete", name = "topic" })).Bad(), StringComparison.Ordinal);
        (await client.CallAsync("merge", new { repository = "repo", revision = "topic" })).Good();
        (await client.CallAsync("branch", new { repository = "repo", action = "delete", name = "topic" })).Good();
        (await client.CallAsync("tag", new { repository = "repo", action = "create", name = "v1", message = "one" })).Good();
        Assert.Contains("v1", (await client.CallAsync("tag", new { repository = "repo" })).Good().GetProperty("output").GetString(), StringComparison.Ordinal);
        Assert.Contains("main", (await client.CallAsync("branch", new { repository = "repo" })).Good().GetProperty("output").GetString(), StringComparison.Ordinal);

        _folder.Write("root/repo/t.txt", "changed\n");
        (await client.CallAsync("stash", new { repository = "repo", message = "aside" })).Good();
        Assert.Contains("aside", (await client.CallAsync("stash", new { repository = "repo", action = "list" })).Good().GetProperty("output").GetString(), StringComparison.Ordinal);
        (await client.CallAsync("stash", new { repository = "repo", action = "pop" })).Good();
        Assert.Equal("changed\n", await File.ReadAllTextAsync(_folder.At("root/repo/t.txt")));
    }

    [Fact]
    public async Task Remotes_WhenClonedFetchedAndPulled_BringNewCommits()
    {
        await using var client = await ConnectAsync();
        (await client.CallAsync("clone", new { url = "repo", directory = "copy" })).Good();
        Git(_repository, "commit", "--allow-empty", "--message=later");
        (await client.CallAsync("fetch", new { repository = "copy" })).Good();
        Assert.Equal(1, (await client.CallAsync("status", new { repository = "copy" })).Good().GetProperty("behind").GetInt32());
        (await client.CallAsync("pull", new { repository = "copy" })).Good();
        Assert.Equal("later", (await client.CallAsync("log", new { repository = "copy", max_count = 1 })).Good().GetProperty("commits")[0].GetProperty("subject").GetString());
        Assert.Contains("not empty", (await client.CallAsync("clone", new { url = "repo", directory = "copy" })).Bad(), StringComparison.Ordinal);
        Assert.Contains("copy", (await client.CallAsync("worktree_list", new { repository = "copy" })).Good().GetProperty("output").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Push_WhenItIsNotAllowed_IsNotOffered()
    {
        await using var client = await ConnectAsync();
        Assert.DoesNotContain("push", (await client.ToolsAsync()).Select(static tool => tool.Name));
    }

    [Fact]
    public async Task Push_WhenItIsAllowed_SendsTheBranchAndNeverForces()
    {
        Git(_folder.At("root"), "clone", "--bare", "repo", "bare");
        Git(_repository, "remote", "add", "origin", _folder.At("root/bare"));
        Git(_repository, "commit", "--allow-empty", "--message=pushed");
        await using var client = await ConnectAsync(("GIT_ALLOW_PUSH", "true"));
        (await client.CallAsync("push", new { repository = "repo", branch = "main" })).Good();
        Assert.Contains("pushed", Git(_folder.At("root/bare"), "log", "-1", "--format=%s", "main"), StringComparison.Ordinal);
        Assert.Contains("'+'", (await client.CallAsync("push", new { repository = "repo", branch = "+main" })).Bad(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("log", """{"repository":"repo","revision":"--output=/tmp/x"}""")]
    [InlineData("show", """{"repository":"repo","revision":"--ext-diff"}""")]
    [InlineData("diff", """{"repository":"repo","revision":"--no-index"}""")]
    [InlineData("blame", """{"repository":"repo","path":"a.txt","revision":"--contents=/etc/passwd"}""")]
    [InlineData("branch", """{"repository":"repo","action":"create","name":"-d"}""")]
    [InlineData("branch", """{"repository":"repo","action":"burn","name":"x"}""")]
    [InlineData("tag", """{"repository":"repo","action":"create","name":"--file=/etc/passwd"}""")]
    [InlineData("merge", """{"repository":"repo","revision":"--exec"}""")]
    [InlineData("fetch", """{"repository":"repo","remote":"--upload-pack=touch x"}""")]
    [InlineData("fetch", """{"repository":"repo","remote":"ext::sh -c touch"}""")]
    [InlineData("pull", """{"repository":"repo","remote":"origin","branch":"--force"}""")]
    [InlineData("clone", """{"url":"--upload-pack=touch x","directory":"d"}""")]
    [InlineData("clone", """{"url":"ext::sh -c touch","directory":"d"}""")]
    [InlineData("clone", """{"url":"file:///etc","directory":"d"}""")]
    [InlineData("clone", """{"url":"ftp://example.com/x","directory":"d"}""")]
    [InlineData("clone", """{"url":"repo","directory":"../out"}""")]
    [InlineData("clone", """{"url":"repo","directory":"d","depth":0}""")]
    [InlineData("status", """{"repository":"/etc"}""")]
    [InlineData("status", """{"repository":"../.."}""")]
    [InlineData("status", """{"repository":"nothing-here"}""")]
    [InlineData("status", """{"repository":"."}""")]
    [InlineData("log", """{"repository":"repo","max_count":0}""")]
    [InlineData("log", """{"repository":"repo","max_count":"many"}""")]
    [InlineData("commit", """{"repository":"repo","message":" "}""")]
    [InlineData("add", """{"repository":"repo","paths":[]}""")]
    [InlineData("add", """{"repository":"repo","paths":["../../../etc/passwd"]}""")]
    [InlineData("stash", """{"repository":"repo","action":"drop","index":-1}""")]
    public async Task Tool_WhenItsInputIsBad_RefusesAndChangesNothing(string tool, string arguments)
    {
        await using var client = await ConnectAsync();
        var text = (await client.CallAsync(tool, System.Text.Json.JsonElement.Parse(arguments))).Bad();
        Assert.DoesNotContain("An error occurred", text, StringComparison.Ordinal);
        Assert.Equal("## main", Git(_repository, "status", "--short", "--branch").Trim());
        Assert.Equal(["main"], Git(_repository, "branch", "--format=%(refname:short)").Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(["repo"], Directory.GetFileSystemEntries(_folder.At("root")).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Repository_WhenALinkOrAGitFileLeadsOut_IsRefused()
    {
        var outside = _folder.At("outside");
        Directory.CreateDirectory(outside);
        Git(outside, "init");
        File.CreateSymbolicLink(_folder.At("root/link"), outside);
        _folder.Write("root/pointed/.git", "gitdir: " + _folder.At("outside/.git"));
        await using var client = await ConnectAsync();
        Assert.Contains("outside of what", (await client.CallAsync("status", new { repository = "link" })).Bad(), StringComparison.Ordinal);
        Assert.Contains("outside of what", (await client.CallAsync("status", new { repository = "pointed" })).Bad(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Commit_WhenTheRepositoryHasHooks_RunsThemOnlyWhenAllowed()
    {
        var hook = _folder.Write("root/repo/.git/hooks/pre-commit", "#!/bin/sh\necho ran > hook-ran\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(hook, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        _folder.Write("root/repo/a.txt", "other\n");
        await using (var client = await ConnectAsync())
        {
            (await client.CallAsync("commit", new { repository = "repo", message = "no hook", all = true })).Good();
        }

        Assert.False(File.Exists(_folder.At("root/repo/hook-ran")));
        _folder.Write("root/repo/a.txt", "again\n");
        await using (var client = await ConnectAsync(("GIT_ALLOW_HOOKS", "yes")))
        {
            (await client.CallAsync("commit", new { repository = "repo", message = "hook", all = true })).Good();
        }

        Assert.True(File.Exists(_folder.At("root/repo/hook-ran")));
    }

    [Fact]
    public async Task Diff_WhenItIsTooLong_IsCutAndSaysSo()
    {
        _folder.Write("root/repo/a.txt", string.Concat(Enumerable.Repeat("a line of some length\n", 40_000)));
        await using var client = await ConnectAsync();
        var answer = await client.CallAsync("diff", new { repository = "repo" });
        Assert.True(answer.Good().GetProperty("truncated").GetBoolean());
        Assert.InRange(answer.Text.Length, 200_000, 300_000);
        Assert.EndsWith("truncated; narrow the request", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_WhenAVariableIsWrong_NamesIt() =>
        Assert.Contains("GIT_ALLOW_PUSH", Assert.Throws<ArgumentException>(() => ToolClient.Make("git", _folder.FullName, TimeProvider.System, ("GIT_ALLOW_PUSH", "perhaps"))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Tools_WhenListed_ReadersAreMarkedAndEveryOneHasAnOutputSchema()
    {
        await using var client = await ConnectAsync(("GIT_ALLOW_PUSH", "true"));
        var tools = await client.ToolsAsync();
        Assert.Equal(
            ["blame", "diff", "log", "show", "status", "worktree_list"], tools.Where(static tool => tool.Annotations?.ReadOnlyHint == true).Select(static tool => tool.Name).Order());
        Assert.Equal(
            ["branch", "push", "rebase_abort", "stash", "tag"], tools.Where(static tool => tool.Annotations is { ReadOnlyHint: false, DestructiveHint: true }).Select(static tool => tool.Name).Order());
        Assert.All(tools, static tool => Assert.NotNull(tool.OutputSchema));
        Assert.Equal(17, tools.Count);
    }
}
