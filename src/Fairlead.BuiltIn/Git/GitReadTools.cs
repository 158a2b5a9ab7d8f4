using System.ComponentModel;
using System.Globalization;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.BuiltIn.Git;

/// <summary>A file that differs from the last commit.</summary>
/// <param name="Path">Its path in the repository.</param>
/// <param name="Status">Two letters as git shows them: of the index, of the work tree; <c>.</c> = unchanged, <c>??</c> = untracked, <c>!!</c> = ignored.</param>
internal sealed record GitFile(string Path, string Status);

/// <summary>State of a work tree.</summary>
internal sealed record GitStatus(string Repository, string? Branch, string? Commit, string? Upstream, int Ahead, int Behind, IReadOnlyList<GitFile> Files, bool Truncated);

/// <summary>A commit.</summary>
internal sealed record GitCommit(string Commit, string Author, string Email, string Date, string Subject);

/// <summary>Commits, the newest first.</summary>
internal sealed record GitLog(string Repository, IReadOnlyList<GitCommit> Commits);

/// <summary>Tools that look and change nothing.</summary>
internal sealed class GitReadTools(GitProgram git)
{
    private const string RepositoryText = "The repository: a path below the allowed roots; default: the first root.";

    /// <summary>Where the work tree stands.</summary>
    [McpServerTool(Name = "status", Title = "State of the work tree", ReadOnly = true, Idempotent = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(GitStatus))]
    [Description("Shows the branch and the files that differ from the last commit.")]
    public async Task<CallToolResult> StatusAsync([Description(RepositoryText)] string repository = ".", CancellationToken cancellationToken = default)
    {
        var text = await git.TextAsync(repository, ["status", "--porcelain=v2", "--branch", "-z"], mayCut: true, cancellationToken).ConfigureAwait(false);
        var status = ReadStatus(text);
        string[] lines = [$"On {status.Branch ?? "no branch"}{(status.Upstream is null ? "" : $", {status.Ahead} ahead and {status.Behind} behind {status.Upstream}")}", .. status.Files.Select(static file => $"{file.Status} {file.Path}")];
        return Answer.Of(status, string.Join('\n', status.Files.Count == 0 ? [.. lines, "Nothing to commit."] : lines));
    }

    /// <summary>Differences.</summary>
    [McpServerTool(Name = "diff", Title = "Differences", ReadOnly = true, Idempotent = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(GitText))]
    [Description("Shows differences between the work tree, the index and commits.")]
    public Task<CallToolResult> DiffAsync(
        [Description(RepositoryText)] string repository = ".",
        [Description("A commit or a range such as main..topic; default: none, the index.")] string? revision = null,
        [Description("Compare the index with the commit, not the work tree.")] bool staged = false,
        [Description("Only these paths.")] string[]? paths = null,
        [Description("Only the numbers of changed lines of each file.")] bool stat = false,
        CancellationToken cancellationToken = default) => git.AnswerAsync(
            repository,
            ["diff", "--no-ext-diff", "--no-textconv", .. Flag("--cached", staged), .. Flag("--stat", stat), .. Optional(revision, nameof(revision)), .. GitProgram.Paths(paths)],
            mayCut: true, cancellationToken);

    /// <summary>Commits.</summary>
    [McpServerTool(Name = "log", Title = "Commits", ReadOnly = true, Idempotent = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(GitLog))]
    [Description("Lists commits, the newest first.")]
    public async Task<CallToolResult> LogAsync(
        [Description(RepositoryText)] string repository = ".",
        [Description("Where to begin, or a range such as v1..v2.")] string revision = "HEAD",
        [Description("How many at most, 1 to 500.")] int max_count = 20,
        [Description("Only commits that touch these paths.")] string[]? paths = null,
        CancellationToken cancellationToken = default)
    {
        InRange(max_count, 1, 500, nameof(max_count));
        var text = await git.TextAsync(
            repository,
            ["log", $"--max-count={max_count.ToString(CultureInfo.InvariantCulture)}", "--no-show-signature", "--format=%H%x1f%an%x1f%ae%x1f%aI%x1f%s", "-z", GitProgram.Revision(revision, nameof(revision)), .. GitProgram.Paths(paths)],
            mayCut: true, cancellationToken).ConfigureAwait(false);
        GitCommit[] commits = [.. text.Output.Split('\0', StringSplitOptions.RemoveEmptyEntries).Select(static line => line.Split('\x1f')).Where(static parts => parts.Length == 5)
            .Select(static parts => new GitCommit(parts[0], parts[1], parts[2], parts[3], parts[4]))];
        return Answer.Of(new GitLog(text.Repository, commits), string.Join('\n', commits.Select(static commit => $"{commit.Commit[..10]} {commit.Date[..10]} {commit.Author}: {commit.Subject}")));
    }

    /// <summary>A commit or a file of one.</summary>
    [McpServerTool(Name = "show", Title = "Commit or file of a commit", ReadOnly = true, Idempotent = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(GitText))]
    [Description("Shows a commit with its changes, or a file as it was in a commit (REVISION:PATH).")]
    public Task<CallToolResult> ShowAsync(
        [Description(RepositoryText)] string repository = ".",
        [Description("A commit, a tag, or REVISION:PATH.")] string revision = "HEAD",
        CancellationToken cancellationToken = default) =>
        git.AnswerAsync(repository, ["show", "--no-ext-diff", "--no-textconv", "--no-show-signature", GitProgram.Revision(revision, nameof(revision)), "--"], mayCut: true, cancellationToken);

    /// <summary>Who wrote which line.</summary>
    [McpServerTool(Name = "blame", Title = "Who wrote which line", ReadOnly = true, Idempotent = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(GitText))]
    [Description("Shows for each line of a file the commit and author that wrote it.")]
    public Task<CallToolResult> BlameAsync(
        [Description("The file, relative to the top of the repository.")] string path,
        [Description(RepositoryText)] string repository = ".",
        [Description("The commit to look at.")] string revision = "HEAD",
        [Description("First line, from 1.")] int? start_line = null,
        [Description("Last line.")] int? end_line = null,
        CancellationToken cancellationToken = default)
    {
        InRange(start_line ?? 1, 1, 10_000_000, nameof(start_line));
        InRange(end_line ?? 10_000_000, start_line ?? 1, 10_000_000, nameof(end_line));
        string[] range = start_line is null && end_line is null ? [] : [$"-L{start_line ?? 1},{(end_line is null ? "" : end_line.Value.ToString(CultureInfo.InvariantCulture))}"];
        return git.AnswerAsync(repository, ["blame", "--date=short", .. range, GitProgram.Revision(revision, nameof(revision)), .. GitProgram.Paths([path])], mayCut: true, cancellationToken);
    }

    /// <summary>Linked work trees.</summary>
    [McpServerTool(Name = "worktree_list", Title = "Work trees", ReadOnly = true, Idempotent = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(GitText))]
    [Description("Lists the work trees of the repository.")]
    public Task<CallToolResult> WorktreeListAsync([Description(RepositoryText)] string repository = ".", CancellationToken cancellationToken = default) =>
        git.AnswerAsync(repository, ["worktree", "list"], mayCut: true, cancellationToken);

    /// <summary>The option when it is wanted.</summary>
    internal static string[] Flag(string option, bool isWanted) => isWanted ? [option] : [];

    /// <summary>The revision when there is one.</summary>
    internal static string[] Optional(string? revision, string parameter) => string.IsNullOrEmpty(revision) ? [] : [GitProgram.Revision(revision, parameter)];

    private static void InRange(int value, int min, int max, string parameter)
    {
        if (value < min || value > max)
        {
            throw new McpException($"{parameter} is {value}; it must be from {min} to {max}.");
        }
    }

    private static GitStatus ReadStatus(GitText text)
    {
        var status = new GitStatus(text.Repository, null, null, null, 0, 0, [], text.Truncated);
        var files = new List<GitFile>();
        var entries = text.Output.Split('\0', StringSplitOptions.RemoveEmptyEntries);
        for (var i = 0; i < entries.Length; i++)
        {
            var parts = entries[i].Split(' ');
            switch (parts[0])
            {
                case "#" when parts[1] == "branch.oid" && parts[2] != "(initial)":
                    status = status with { Commit = parts[2] };
                    break;
                case "#" when parts[1] == "branch.head" && parts[2] != "(detached)":
                    status = status with { Branch = parts[2] };
                    break;
                case "#" when parts[1] == "branch.upstream":
                    status = status with { Upstream = parts[2] };
                    break;
                case "#" when parts[1] == "branch.ab":
                    status = status with { Ahead = int.Parse(parts[2].AsSpan(1), CultureInfo.InvariantCulture), Behind = int.Parse(parts[3].AsSpan(1), CultureInfo.InvariantCulture) };
                    break;
                case "1" when parts.Length > 8:
                    files.Add(new GitFile(string.Join(' ', parts[8..]), parts[1]));
                    break;
                case "2" when parts.Length > 9:
                    files.Add(new GitFile(string.Join(' ', parts[9..]), parts[1]));
                    i++; // The path before the renaming follows.
                    break;
                case "u" when parts.Length > 10:
                    files.Add(new GitFile(string.Join(' ', parts[10..]), parts[1]));
                    break;
                case "?" or "!":
                    files.Add(new GitFile(string.Join(' ', parts[1..]), parts[0] + parts[0]));
                    break;
                default:
                    break;
            }
        }

        return status with { Files = files };
    }
}
