using Fairlead.Configuration;

namespace Fairlead;

/// <summary>No server has this id. The message names the nearest one, if any is near.</summary>
public sealed class ServerNotFound(string message, Exception? innerException = null) : McpException(message, innerException)
{
    private const int NamesMax = 20;

    /// <summary>The error for an id that none of these servers has.</summary>
    internal static ServerNotFound For(string id, IEnumerable<string> names)
    {
        var known = names.ToList();
        var hint = OptionWords.Nearest(id, known) is { } near ? $"Did you mean '{near}'?"
            : known.Count == 0 ? "No server is deployed yet."
            : $"There are: {string.Join(", ", known.Take(NamesMax))}{(known.Count > NamesMax ? ", ..." : "")}.";
        return new ServerNotFound($"There is no server '{id}'. {hint}") { ServerId = id };
    }
}

/// <summary>A server of this name is deployed already: undeploy it, update it, or choose another name.</summary>
public sealed class AlreadyExists(string message, Exception? innerException = null) : McpException(message, innerException);

/// <summary>Somebody else owns the server: one of the configuration file is changed there, and one that a program deployed by that program. The message names the place.</summary>
public sealed class OwnedElsewhere(string message, Exception? innerException = null) : McpException(message, innerException);

/// <summary>Somebody else changed the server meanwhile: it is not in the version that the change was meant for. Read it again and decide anew.</summary>
public sealed class PreconditionFailed(string message, Exception? innerException = null) : McpException(message, innerException)
{
    /// <summary>The version that it is in: <see cref="ServerInfo.ConfigurationVersion"/>.</summary>
    public string? ConfigurationVersion { get; init; }
}

/// <summary>The configuration breaks a rule; the message names key, value, rule and fix.</summary>
public sealed class InvalidConfiguration(string message, Exception? innerException = null) : McpException(message, innerException);

/// <summary>The server is part of the fleet but could not be brought into service.</summary>
public sealed class DeploymentFailed(string message, Exception? innerException = null) : McpException(message, innerException);

/// <summary>The server could not be reached, or was lost while it worked. A call that was lost may have had its effect.</summary>
public sealed class ConnectionFailed(string message, Exception? innerException = null) : McpException(message, innerException)
{
    /// <summary>Whether the server has certainly not heard of the call, so that it may be made again whatever it does.</summary>
    internal bool IsUnsent { get; init; }

    /// <inheritdoc/>
    public override bool IsTransient => true;
}

/// <summary>The server did not prove that it is healthy.</summary>
public sealed class HealthCheckFailed(string message, Exception? innerException = null) : McpException(message, innerException)
{
    /// <inheritdoc/>
    public override bool IsTransient => true;
}
