using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Admin;

/// <summary>Errors of the API as problem+json (RFC 9457): <c>title</c> is the error class of product B, the same word as in .NET and Python.</summary>
internal static class Problems
{
    /// <summary>Writes what the manager threw.</summary>
    public static Task WriteAsync(HttpContext context, McpException exception)
    {
        if (exception.RetryAfter is { } wait)
        {
            context.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        return WriteAsync(context, StatusOf(exception), NameOf(exception), exception.Message);
    }

    /// <summary>Writes a problem.</summary>
    public static Task WriteAsync(HttpContext context, int status, string code, string detail)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(
            new { type = "about:blank", title = code, status, detail }, RestApi.Json, "application/problem+json", context.RequestAborted);
    }

    private static string NameOf(McpException exception) => exception.GetType().Name;

    private static int StatusOf(McpException exception) => NameOf(exception) switch
    {
        "ServerNotFound" or "ToolNotFound" => 404,
        "AlreadyExists" => 409,
        "InvalidConfiguration" => 400,
        "Unauthenticated" => 401,
        "Forbidden" => 403,
        "ResourceExhausted" => 429,
        "CircuitOpen" or "RuntimeShutdown" => 503,
        "Timeout" or "McpTimeout" => 504,
        _ => 502,
    };
}
