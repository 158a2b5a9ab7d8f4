using ModelContextProtocol;

namespace Fairlead.BuiltIn.Git;

/// <summary>Makes git servers.</summary>
internal sealed class GitServerFactory : IMcpServerFactory
{
    /// <summary>Folders below which repositories may lie.</summary>
    public const string Roots = "GIT_ROOTS";

    /// <summary>Whether <c>push</c> is offered.</summary>
    public const string AllowPush = "GIT_ALLOW_PUSH";

    /// <summary>Whether hooks of repositories run.</summary>
    public const string AllowHooks = "GIT_ALLOW_HOOKS";

    /// <inheritdoc/>
    public string Type => "git";

    /// <inheritdoc/>
    public IReadOnlyList<string> Variables { get; } = [Roots, AllowPush, AllowHooks];

    /// <inheritdoc/>
    public IMcpServer Create(McpServerSettings settings) => new GitServer(settings);
}

/// <summary>The git server: local repositories below allowed roots, through the program <c>git</c>.</summary>
internal sealed class GitServer : SdkServer
{
    private readonly GitProgram _git;

    /// <summary>Reads the variables.</summary>
    /// <exception cref="ArgumentException">One has a value that cannot be used.</exception>
    public GitServer(McpServerSettings settings)
        : base("fairlead-git", "Git repositories")
    {
        var mayPush = Flag(settings, GitServerFactory.AllowPush);
        _git = new GitProgram(new FileRoots(GitServerFactory.Roots, settings.Find(GitServerFactory.Roots), settings.WorkingDirectory), Flag(settings, GitServerFactory.AllowHooks), settings);
        Add(new GitReadTools(_git));
        Add(new GitChangeTools(_git));
        Add(new GitRemoteTools(_git), name => mayPush || name != "push");
    }

    /// <inheritdoc/>
    public override async Task<BackendReport> CheckAsync(CancellationToken cancellationToken)
    {
        if (_git.Roots.Folders.FirstOrDefault(static folder => !Directory.Exists(folder)) is { } missing)
        {
            return BackendReport.Unreachable($"the folder {missing} of {GitServerFactory.Roots} does not exist; create it or name another");
        }

        try
        {
            return BackendReport.Ready($"{await _git.VersionAsync(cancellationToken).ConfigureAwait(false)}, repositories below {string.Join(", ", _git.Roots.Folders)}");
        }
        catch (McpException exception)
        {
            return BackendReport.Unreachable(exception.Message);
        }
    }

    private static bool Flag(McpServerSettings settings, string variable) => settings.Find(variable) switch
    {
        null or "false" or "0" or "no" => false,
        "true" or "1" or "yes" => true,
        var other => throw new ArgumentException($"{variable} is '{other}'; write true or false"),
    };
}
