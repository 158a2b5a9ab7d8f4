using System.ComponentModel;
using System.Globalization;
using System.Text.RegularExpressions;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.BuiltIn.Git;

/// <summary>Tools that talk to other repositories.</summary>
internal sealed partial class GitRemoteTools(GitProgram git)
{
    private const string RepositoryText = "The repository: a path below the allowed roots; default: the first root.";
    private const string RemoteText = "The name of a remote of the repository.";

    /// <summary>Clones.</summary>
    [McpServerTool(Name = "clone", Title = "Clone", ReadOnly = false, Destructive = false, OpenWorld = true, UseStructuredContent = true, OutputSchemaType = typeof(GitText))]
    [Description("Copies a repository into a new folder below the allowed roots.")]
    public async Task<CallToolResult> CloneAsync(
        [Description("https://, http://, ssh://, git://, user@host:path, or a path below the allowed roots.")] string url,
        [Description("The new folder, below the allowed roots.")] string directory,
        [Description("The branch or tag to check out; default: the remote's own.")] string? branch = null,
        [Description("Only so many commits of the history.")] int? depth = null,
        CancellationToken cancellationToken = default)
    {
        if (depth is < 1)
        {
            throw new McpException($"depth is {depth}; it must be 1 or more.");
        }

        var source = Source(url);
        var target = git.Roots.Resolve(directory);
        if (File.Exists(target) || (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any()))
        {
            throw new McpException($"'{directory}' exists already and is not empty; choose another directory.");
        }

        string[] depthOption = depth is { } commits ? ["--depth=" + commits.ToString(CultureInfo.InvariantCulture)] : [];
        string[] branchOption = branch is null ? [] : ["--branch=" + GitProgram.Revision(branch, nameof(branch))];
        var result = GitProgram.Checked(await git.RunAsync(
            git.Roots.Folders[0], ["clone", "--template=", "--no-hardlinks", .. depthOption, .. branchOption, "--", source, target], GitProgram.RemoteLimit, mayCut: false, cancellationToken).ConfigureAwait(false));
        return Answer.Of(new GitText(target, result.Error, result.IsTruncated), $"Cloned into {target}.");
    }

    /// <summary>Fetches.</summary>
    [McpServerTool(Name = "fetch", Title = "Fetch", ReadOnly = false, Destructive = false, Idempotent = true, OpenWorld = true, UseStructuredContent = true, OutputSchemaType = typeof(GitText))]
    [Description("Gets new commits of a remote without touching the work tree.")]
    public Task<CallToolResult> FetchAsync(
        [Description(RemoteText)] string remote = "origin",
        [Description("Also forget branches that the remote has no more.")] bool prune = false,
        [Description(RepositoryText)] string repository = ".",
        CancellationToken cancellationToken = default) =>
        git.AnswerAsync(repository, ["fetch", .. GitReadTools.Flag("--prune", prune), "--", Remote(remote)], mayCut: false, cancellationToken, GitProgram.RemoteLimit);

    /// <summary>Pulls.</summary>
    [McpServerTool(Name = "pull", Title = "Pull", ReadOnly = false, Destructive = false, OpenWorld = true, UseStructuredContent = true, OutputSchemaType = typeof(GitText))]
    [Description("Fetches and brings the current branch forward; refuses when that would need a merge.")]
    public Task<CallToolResult> PullAsync(
        [Description(RemoteText)] string remote = "origin",
        [Description("The remote's branch; default: the one that is followed.")] string? branch = null,
        [Description(RepositoryText)] string repository = ".",
        CancellationToken cancellationToken = default) =>
        git.AnswerAsync(repository, ["pull", "--ff-only", "--", Remote(remote), .. Branch(branch)], mayCut: false, cancellationToken, GitProgram.RemoteLimit);

    /// <summary>Pushes.</summary>
    [McpServerTool(Name = "push", Title = "Push", ReadOnly = false, Destructive = true, OpenWorld = true, UseStructuredContent = true, OutputSchemaType = typeof(GitText))]
    [Description("Sends commits of a branch to a remote. Never forces. Only there when GIT_ALLOW_PUSH is true.")]
    public Task<CallToolResult> PushAsync(
        [Description(RemoteText)] string remote = "origin",
        [Description("The branch; default: HEAD, under its own name.")] string branch = "HEAD",
        [Description(RepositoryText)] string repository = ".",
        CancellationToken cancellationToken = default) =>
        git.AnswerAsync(repository, ["push", "--porcelain", "--no-signed", "--", Remote(remote), .. Branch(branch)], mayCut: false, cancellationToken, GitProgram.RemoteLimit);

    /// <summary>A plain branch: a colon or plus would name another target, delete or force.</summary>
    private static string[] Branch(string? branch) => branch is null ? []
        : GitProgram.Revision(branch, nameof(branch)).IndexOfAny([':', '+', '*']) >= 0 ? throw new McpException($"branch '{branch}' may not hold ':', '+' or '*'; name one branch.")
        : [branch];

    private static string Remote(string remote) => RemoteName().IsMatch(remote) ? remote : throw new McpException(
        $"remote '{remote}' is no name of a remote: letters, digits, '.', '_', '-' and '/', such as origin. A URL cannot be given here.");

    /// <summary>Where a clone may come from: another machine, or below the roots.</summary>
    private string Source(string url)
    {
        if (url.Length is 0 or > 2048 || url[0] == '-' || url.Any(static c => char.IsControl(c) || c == ' ') || url.Contains("::", StringComparison.Ordinal))
        {
            throw new McpException($"url '{url}' cannot be cloned: it must be 1 to 2048 characters, without spaces and '::', and not begin with '-'.");
        }

        if (RemoteUrl().IsMatch(url))
        {
            return url;
        }

        if (url.Contains("://", StringComparison.Ordinal) && !url.StartsWith("file://", StringComparison.Ordinal))
        {
            throw new McpException($"url '{url}' cannot be cloned: use https, http, ssh, git, user@host:path, or a path below the allowed roots.");
        }

        return git.Roots.Resolve(url.StartsWith("file://", StringComparison.Ordinal) ? url["file://".Length..] : url);
    }

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9._/-]{0,99}\z")]
    private static partial Regex RemoteName();

    [GeneratedRegex(@"^(?:(?:https?|ssh|git)://[^/\-]|[A-Za-z0-9._][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^-])", RegexOptions.IgnoreCase)]
    private static partial Regex RemoteUrl();
}
