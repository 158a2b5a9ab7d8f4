namespace Fairlead;

/// <summary>The base of every error that <see cref="McpManager"/> throws on purpose: one class for each word of the API, the same words in REST and Python.</summary>
/// <remarks>Messages say what was wrong and how to mend it, and hold no secrets. Anything else that comes out of the manager is a bug of Fairlead.</remarks>
public abstract class McpException : Exception
{
    /// <summary>Makes an error with a message for people and, where one exists, the cause.</summary>
    protected McpException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The word for this error in REST, Python and logs, such as <c>ServerNotFound</c>.</summary>
    public virtual string Word => GetType().Name;

    /// <summary>Whether the same request can succeed later without anything being changed.</summary>
    public virtual bool IsTransient => false;

    /// <summary>When to try again at the earliest. Null: unknown, or trying again does not help.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The server concerned; null when it is about none, or about several.</summary>
    public string? ServerId { get; init; }
}
