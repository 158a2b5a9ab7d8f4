using System.ComponentModel;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.BuiltIn.Git;

/// <summary>Tools that change a repository and talk to no other machine.</summary>
internal sealed class GitChangeTools(GitProgram git)
{
    private const string RepositoryText = "The repository: a path below the allowed roots; default: the first root.";

    /// <summary>Branches.</summary>
    [McpServerTool(Name = "branch", Title = "Branches", ReadOnly = false, Destructive = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(GitText))]
    [Description("Lists, creates, switches to or deletes branches. A branch that is not merged is only deleted with force.")]
    public Task<CallToolResult> BranchAsync(
        [Description("list, create, switch or delete.")] string action = "list",
        [Description("The branch; required but for list.")] string? name = null,
        [Description("create: where it begins.")] string start_point = "HEAD",
        [Description("delete: also when it is not merged.")] bool force = false,
        [Description(RepositoryText)] string repository = ".",
        CancellationToken cancellationToken = default)
    {
        string Name() => GitProgram.Revision(name ?? "", nameof(name));
        return action switch
        {
            "list" => git.AnswerAsync(repository, ["branch", "--all", "--verbose"], mayCut: true, cancellationToken),
            "create" => git.AnswerAsync(repository, ["branch", "--", Name(), GitProgram.Revision(start_point, nameof(start_point))], mayCut: false, cancellationToken),
            "switch" => git.AnswerAsync(repository, ["switch", "--no-guess", Name()], mayCut: false, cancellationToken),
            "delete" => git.AnswerAsync(repository, ["branch", force ? "-D" : "-d", "--", Name()], mayCut: false, cancellationToken),
            _ => throw Unknown(action, "list, create, switch or delete"),
        };
    }

    /// <summary>Stages files.</summary>
    [McpServerTool(Name = "add", Title = "Stage files", ReadOnly = false, Destructive = false, Idempotent = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(GitText))]
    [Description("Puts the current content of files into the index, for the next commit.")]
    public Task<CallToolResult> AddAsync(
        [Description("The paths, relative to the top of the repository; [\".\"] for everything.")] string[] paths,
        [Description(RepositoryText)] string repository = ".",
        CancellationToken cancellationToken = default) => paths.Length == 0
            ? throw new McpException("paths is empty; name what to stage, [\".\"] for everything.")
            : git.AnswerAsync(repository, ["add", "--verbose", .. GitProgram.Paths(paths)], mayCut: false, cancellationToken);

    /// <summary>Commits.</summary>
    [McpServerTool(Name = "commit", Title = "Commit", ReadOnly = false, Destructive = false, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(GitText))]
    [Description("Records what is staged as a commit.")]
    public Task<CallToolResult> CommitAsync(
        [Description("The message.")] string message,
        [Description("Stage all changed tracked files first.")] bool all = false,
        [Description(RepositoryText)] string repository = ".",
        CancellationToken cancellationToken = default) =>
        git.AnswerAsync(repository, ["commit", .. GitReadTools.Flag("--all", all), "--no-gpg-sign", Message(message)], mayCut: false, cancellationToken);

    /// <summary>Merges.</summary>
    [McpServerTool(Name = "merge", Title = "Merge", ReadOnly = false, Destructive = false, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(GitText))]
    [Description("Merges a branch into the current one. With conflicts it fails and leaves them in the files; abort takes that back.")]
    public Task<CallToolResult> MergeAsync(
        [Description("What to merge; required unless abort.")] string? revision = null,
        [Description("The message of the merge commit; default: git's.")] string? message = null,
        [Description("Give up a merge that has conflicts.")] bool abort = false,
        [Description(RepositoryText)] string repository = ".",
        CancellationToken cancellationToken = default) => git.AnswerAsync(
            repository,
            abort ? ["merge", "--abort"] : ["merge", "--no-edit", "--no-gpg-sign", .. message is null ? (string[])[] : [Message(message)], GitProgram.Revision(revision ?? "", nameof(revision))],
            mayCut: false, cancellationToken);

    /// <summary>Gives up a rebase.</summary>
    [McpServerTool(Name = "rebase_abort", Title = "Give up a rebase", ReadOnly = false, Destructive = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(GitText))]
    [Description("Gives up a rebase that is under way and goes back to where it began.")]
    public Task<CallToolResult> RebaseAbortAsync([Description(RepositoryText)] string repository = ".", CancellationToken cancellationToken = default) =>
        git.AnswerAsync(repository, ["rebase", "--abort"], mayCut: false, cancellationToken);

    /// <summary>Stashes.</summary>
    [McpServerTool(Name = "stash", Title = "Stash", ReadOnly = false, Destructive = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(GitText))]
    [Description("Puts changes aside (push), brings them back (pop, apply), lists or drops what is aside.")]
    public Task<CallToolResult> StashAsync(
        [Description("push, pop, apply, list or drop.")] string action = "push",
        [Description("push: a note.")] string? message = null,
        [Description("push: untracked files, too.")] bool include_untracked = false,
        [Description("pop, apply, drop: which one, 0 is the newest.")] int index = 0,
        [Description(RepositoryText)] string repository = ".",
        CancellationToken cancellationToken = default) => action switch
        {
            "push" => git.AnswerAsync(
                repository, ["stash", "push", .. GitReadTools.Flag("--include-untracked", include_untracked), .. message is null ? (string[])[] : [Message(message)]], mayCut: false, cancellationToken),
            "list" => git.AnswerAsync(repository, ["stash", "list"], mayCut: true, cancellationToken),
            "pop" or "apply" or "drop" => index is < 0 or > 10_000
                ? throw new McpException($"index is {index}; it must be from 0 to 10000.")
                : git.AnswerAsync(repository, ["stash", action, $"stash@{{{index}}}"], mayCut: false, cancellationToken),
            _ => throw Unknown(action, "push, pop, apply, list or drop"),
        };

    /// <summary>Tags.</summary>
    [McpServerTool(Name = "tag", Title = "Tags", ReadOnly = false, Destructive = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(GitText))]
    [Description("Lists, creates or deletes tags.")]
    public Task<CallToolResult> TagAsync(
        [Description("list, create or delete.")] string action = "list",
        [Description("The tag; required but for list.")] string? name = null,
        [Description("create: what it marks.")] string revision = "HEAD",
        [Description("create: a message, which makes it an annotated tag.")] string? message = null,
        [Description(RepositoryText)] string repository = ".",
        CancellationToken cancellationToken = default)
    {
        string Name() => GitProgram.Revision(name ?? "", nameof(name));
        return action switch
        {
            "list" => git.AnswerAsync(repository, ["tag", "--list", "-n1"], mayCut: true, cancellationToken),
            "create" => git.AnswerAsync(
                repository,
                ["tag", "--no-sign", .. message is null ? (string[])[] : ["--annotate", Message(message)], "--", Name(), GitProgram.Revision(revision, nameof(revision))],
                mayCut: false, cancellationToken),
            "delete" => git.AnswerAsync(repository, ["tag", "--delete", "--", Name()], mayCut: false, cancellationToken),
            _ => throw Unknown(action, "list, create or delete"),
        };
    }

    private static string Message(string message) => string.IsNullOrWhiteSpace(message) || message.Length > 64 * 1024 || message.Contains('\0', StringComparison.Ordinal)
        ? throw new McpException("message must be 1 to 65536 characters without NUL.")
        : "--message=" + message;

    private static McpException Unknown(string action, string known) => new($"action '{action}' is unknown; use {known}.");
}
