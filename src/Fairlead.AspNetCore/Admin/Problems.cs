using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Admin;

/// <summary>Errors of the API as problem+json (RFC 9457): <c>title</c> is the error class of product B, the same word as in .NET and Python.</summary>
internal static class Problems
{
    private static readonly object s_title = new();

    // A name, not a place: a client compares it, and it must be the same wherever Fairlead runs (RFC 9457, section 3.1.1).
    private const string TypePrefix = "urn:fairlead:error:";

    /// <summary>Writes what the manager threw.</summary>
    public static Task WriteAsync(HttpContext context, McpException exception)
    {
        if (exception is PreconditionFailed { ConfigurationVersion: { } version })
        {
            context.Response.Headers.ETag = $"\"{version}\"";
        }

        if (exception.RetryAfter is { } wait)
        {
            context.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        }

        return WriteAsync(context, StatusOf(exception), exception.Word, exception.Message, (exception as ToolFailed)?.Code);
    }

    /// <summary>The problem as it stands in an event of a stream.</summary>
    public static object Of(McpException exception) =>
        Of(StatusOf(exception), exception.Word, exception.Message, (exception as ToolFailed)?.Code);

    /// <summary>The word of the problem that was written as the answer; null when none was.</summary>
    public static string? TitleOf(HttpContext context) => context.Items[s_title] as string;

    /// <summary>Writes a problem.</summary>
    /// <param name="context">The request.</param>
    /// <param name="status">The HTTP status.</param>
    /// <param name="title">The word of the error.</param>
    /// <param name="detail">A sentence that says what was wrong and how to mend it.</param>
    /// <param name="code">The JSON-RPC code of the server's answer, where there was one.</param>
    public static Task WriteAsync(HttpContext context, int status, string title, string detail, int? code = null)
    {
        context.Items[s_title] = title;
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(Of(status, title, detail, code), RestApi.Json, "application/problem+json", context.RequestAborted);
    }

    private static object Of(int status, string title, string detail, int? code) => new { type = TypePrefix + title, title, status, detail, code };

    private static int StatusOf(McpException exception) => exception switch
    {
        ServerNotFound or ToolNotFound or FaultNotFound => StatusCodes.Status404NotFound,
        AlreadyExists or OwnedElsewhere or FaultRefused => StatusCodes.Status409Conflict,
        InvalidConfiguration => StatusCodes.Status400BadRequest,
        Forbidden => StatusCodes.Status403Forbidden,
        PreconditionFailed => StatusCodes.Status412PreconditionFailed,
        ResourceExhausted => StatusCodes.Status429TooManyRequests,
        CircuitOpen or RuntimeShutdown => StatusCodes.Status503ServiceUnavailable,
        McpTimeout => StatusCodes.Status504GatewayTimeout,

        // Unauthenticated is about Fairlead's credentials at the server, which the caller of this API can do nothing about.
        _ => StatusCodes.Status502BadGateway,
    };
}
