using ModelContextProtocol;
using ModelContextProtocol.Protocol;

namespace Fairlead.BuiltIn.Git;

/// <summary>What a git command printed.</summary>
/// <param name="Repository">The top folder of the repository.</param>
/// <param name="Output">The text.</param>
/// <param name="Truncated">Whether there was more than is shown.</param>
internal sealed record GitText(string Repository, string Output, bool Truncated);

/// <summary>Runs git so that neither arguments nor repositories reach beyond the allowed roots or start programs.</summary>
internal sealed class GitProgram(FileRoots roots, bool runsHooks, McpServerSettings settings)
{
    /// <summary>Longest output that is shown, in bytes.</summary>
    public const int OutputBytesMax = 256 * 1024;

    /// <summary>How long a command on local files may take.</summary>
    public static readonly TimeSpan LocalLimit = TimeSpan.FromSeconds(60);

    /// <summary>How long a command that talks to another machine may take.</summary>
    public static readonly TimeSpan RemoteLimit = TimeSpan.FromMinutes(10);

    private readonly ProgramRun _program = new("git", "git", settings);

    /// <summary>Where repositories may lie.</summary>
    public FileRoots Roots => roots;

    /// <summary>What git says of itself, such as <c>git version 2.39.5</c>.</summary>
    /// <exception cref="McpException">There is no git.</exception>
    public async Task<string> VersionAsync(CancellationToken cancellationToken) =>
        (await RunAsync(roots.Folders[0], ["--version"], LocalLimit, mayCut: true, cancellationToken).ConfigureAwait(false)).Output.Trim();

    /// <summary>The top folder of the repository that a caller names.</summary>
    /// <param name="repository">A path as the caller gave it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="McpException">There is none, or it or its data lie outside of the roots.</exception>
    public async Task<string> OpenAsync(string repository, CancellationToken cancellationToken)
    {
        var folder = roots.Resolve(repository);
        if (!Directory.Exists(folder))
        {
            throw new McpException($"There is no folder '{repository}' below {roots.Folders[0]}.");
        }

        var found = await RunAsync(
            folder, ["rev-parse", "--path-format=absolute", "--show-toplevel", "--absolute-git-dir", "--git-common-dir"], LocalLimit, mayCut: true, cancellationToken).ConfigureAwait(false);
        string[] places = [.. found.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)];
        if (found.ExitCode != 0 || places.Length < 3)
        {
            throw new McpException($"'{repository}' is no git repository with a work tree that this server may use: {found.Error}");
        }

        // A .git file, a linked work tree or core.worktree may lead anywhere.
        return places.FirstOrDefault(place => !roots.Holds(FileRoots.RealPath(place))) is { } outside
            ? throw new McpException($"The repository '{repository}' keeps data in {outside}, outside of what this server may touch ({string.Join(", ", roots.Folders)}).")
            : places[0];
    }

    /// <summary>Runs a command in a repository and gives what it printed.</summary>
    /// <param name="repository">As the caller gave it.</param>
    /// <param name="arguments">The command; what came from the caller in them was checked.</param>
    /// <param name="mayCut">Whether it only reads.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="limit">How long it may take; null = <see cref="LocalLimit"/>.</param>
    /// <exception cref="McpException">Git failed; the message is git's.</exception>
    public async Task<GitText> TextAsync(string repository, IEnumerable<string> arguments, bool mayCut, CancellationToken cancellationToken, TimeSpan? limit = null)
    {
        var top = await OpenAsync(repository, cancellationToken).ConfigureAwait(false);
        var result = Checked(await RunAsync(top, arguments, limit ?? LocalLimit, mayCut, cancellationToken).ConfigureAwait(false));

        // Commands that change something tell of it on stderr as often as on stdout.
        var output = mayCut || result.Error.Length == 0 ? result.Output : (result.Output + "\n" + result.Error).Trim();
        return new GitText(top, output, result.IsTruncated);
    }

    /// <summary><see cref="TextAsync"/> as the result of a tool.</summary>
    public async Task<CallToolResult> AnswerAsync(string repository, IEnumerable<string> arguments, bool mayCut, CancellationToken cancellationToken, TimeSpan? limit = null)
    {
        var text = await TextAsync(repository, arguments, mayCut, cancellationToken, limit).ConfigureAwait(false);
        return Answer.Of(text, text.Output.Length == 0 ? "(nothing)" : text.Truncated ? text.Output + "\n... truncated; narrow the request" : text.Output);
    }

    /// <summary>Runs git. Never throws for what git says.</summary>
    public Task<ProgramResult> RunAsync(string folder, IEnumerable<string> arguments, TimeSpan limit, bool mayCut, CancellationToken cancellationToken) =>
        _program.RunAsync(folder, [.. SafeOptions(), .. arguments], Environment(), OutputBytesMax, mayCut, limit, cancellationToken);

    /// <summary>The result, when git was content.</summary>
    public static ProgramResult Checked(ProgramResult result) => result.ExitCode == 0 || (result.ExitCode == -1 && result.IsTruncated)
        ? result
        : throw new McpException($"git failed with code {result.ExitCode}: {(result.Error.Length == 0 ? result.Output.Trim() : result.Error)}");

    /// <summary>A name of a branch, tag, commit or remote, or a range, that cannot be taken for an option.</summary>
    /// <exception cref="McpException">It can.</exception>
    public static string Revision(string text, string parameter) =>
        text.Length is 0 or > 512 || text[0] == '-' || text.Any(static c => char.IsControl(c) || c == ' ')
            ? throw new McpException($"{parameter} '{text}' is no name of a revision: it must be 1 to 512 characters, without spaces and not begin with '-'.")
            : text;

    /// <summary>Paths as arguments after <c>--</c>; git takes them literally.</summary>
    /// <exception cref="McpException">One is empty or holds NUL.</exception>
    public static IEnumerable<string> Paths(IReadOnlyList<string>? paths)
    {
        if (paths is { Count: > 1000 } || paths?.Any(static path => path.Length is 0 or > 4096 || path.Contains('\0', StringComparison.Ordinal)) == true)
        {
            throw new McpException("paths may hold up to 1000 paths of 1 to 4096 characters without NUL.");
        }

        return ["--", .. paths ?? []];
    }

    private IEnumerable<string> SafeOptions() =>
    [
        "--no-pager", "--literal-pathspecs", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-c", "color.ui=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false",
        .. runsHooks ? (string[])[] : ["-c", "core.hooksPath=/dev/null"],
    ];

    private IEnumerable<KeyValuePair<string, string>> Environment() =>
    [
        new("GIT_TERMINAL_PROMPT", "0"), new("GIT_ASKPASS", ""), new("SSH_ASKPASS", ""), new("GIT_SSH_COMMAND", "ssh -oBatchMode=yes"), new("GIT_EDITOR", "true"),

        // ext:: and the like would run what a URL says.
        new("GIT_ALLOW_PROTOCOL", "https:http:ssh:git:file"), new("GIT_OPTIONAL_LOCKS", "0"),

        // A search for .git must not climb out of a root.
        new("GIT_CEILING_DIRECTORIES", string.Join(Path.PathSeparator, roots.Folders.Select(static folder => Path.GetDirectoryName(folder)).Where(static folder => folder is not null))),
    ];
}
