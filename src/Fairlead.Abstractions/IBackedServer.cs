namespace Fairlead;

/// <summary>An in-process server that stands on something outside: an engine, a cluster, a program.</summary>
public interface IBackedServer : IMcpServer
{
    /// <summary>Looks whether the backend is there. Asked before each start, and from time to time afterwards; a server whose backend is away is not run.</summary>
    /// <param name="cancellationToken">Cancelled when the answer takes too long.</param>
    /// <returns>What was found. An exception counts as <see cref="BackendState.Unreachable"/>.</returns>
    Task<BackendReport> CheckAsync(CancellationToken cancellationToken);
}

/// <summary>How it stands with a backend.</summary>
public enum BackendState
{
    /// <summary>It answers.</summary>
    Ready,

    /// <summary>It does not answer, or not as it should. The server is Unhealthy and comes back by itself when the backend does.</summary>
    Unreachable,

    /// <summary>A variable is not set. The server is MissingAuth until it is restarted with a value.</summary>
    MissingCredential,

    /// <summary>It refuses the credential. The server is AuthRequired until it is restarted with another.</summary>
    CredentialRefused,
}

/// <summary>What a look at a backend found.</summary>
/// <param name="State">How it stands.</param>
/// <param name="Text">When ready, what the server is connected to, such as <c>Docker 28.0 at unix:///run/docker.sock</c>; otherwise what is wrong and how to
/// mend it, in words that follow the server's name. One line, without secrets.</param>
public sealed record BackendReport(BackendState State, string Text)
{
    /// <summary>The backend answers.</summary>
    public static BackendReport Ready(string text) => new(BackendState.Ready, text);

    /// <summary>The backend does not answer.</summary>
    public static BackendReport Unreachable(string text) => new(BackendState.Unreachable, text);
}
