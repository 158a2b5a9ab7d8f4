using System.Text.Json;
using Fairlead.Configuration;

namespace Fairlead.Interop;

/// <summary>Errors as JSON: <c>word</c>, <c>message</c>, <c>isTransient</c>, and where known <c>serverId</c>, <c>retryAfterMs</c>, <c>code</c>.</summary>
internal static class ErrorText
{
    /// <summary>The word of a request that cannot be understood; the same as in REST.</summary>
    public const string InvalidRequest = "InvalidRequest";

    /// <summary>The word of a bug of Fairlead's own; the same as in REST.</summary>
    public const string InternalError = "InternalError";

    /// <summary>The words of all errors that <see cref="McpManager"/> throws on purpose.</summary>
    public static IReadOnlyList<string> Words { get; } = [.. typeof(McpException).Assembly.GetExportedTypes()
        .Where(static type => type.IsSubclassOf(typeof(McpException)) && !type.IsAbstract)
        .Select(static type => ((McpException)Activator.CreateInstance(type, "", null)!).Word)
        .Order(StringComparer.Ordinal)];

    /// <summary>The JSON of an error.</summary>
    public static byte[] Of(Exception exception) => exception switch
    {
        McpException known => Compose(
            known.Word, known.Message, known.IsTransient, known.ServerId, known.RetryAfter?.TotalMilliseconds, (known as ToolFailed)?.Code),
        ArgumentException or JsonException => Compose(InvalidRequest, exception.Message),

        // The type helps to find the bug; the text of an unknown exception may hold anything, but it goes to the program that the manager runs in.
        _ => Compose(InternalError, $"{exception.GetType().Name}: {exception.Message}"),
    };

    private static byte[] Compose(string word, string message, bool isTransient = false, string? serverId = null, double? retryAfterMs = null, int? code = null) =>
        JsonSerializer.SerializeToUtf8Bytes(new { word, message, isTransient, serverId, retryAfterMs, code }, ApiJson.Options);
}
