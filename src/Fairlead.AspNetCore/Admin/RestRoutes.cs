using Fairlead.AspNetCore.Auth;
using Fairlead.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Fairlead.AspNetCore.Admin;

/// <summary>Maps routes of the API so that everything that can go wrong in one is answered as problem+json: its own errors, other verbs, other paths.</summary>
/// <remarks>Used while the application is put together, by one thread.</remarks>
internal sealed partial class RestRoutes(GuardedRoutes routes, ILogger logger)
{
    private readonly Dictionary<string, List<string>> _verbs = new(StringComparer.Ordinal);

    /// <summary>Maps GET, and HEAD with it.</summary>
    /// <param name="pattern">The path.</param>
    /// <param name="access">Who may use it.</param>
    /// <param name="handler">What answers.</param>
    /// <param name="query">The parameters that it knows; others are refused, because whoever sends one expects something of it.</param>
    /// <param name="atOwnPorts">Whether the own ports of servers have it, too.</param>
    public void Get(string pattern, RouteAccess access, RequestDelegate handler, string[]? query = null, bool atOwnPorts = false)
    {
        Map(HttpMethods.Get, pattern, access, handler, ifMatch: true, query, atOwnPorts);
        Map(HttpMethods.Head, pattern, access, handler, ifMatch: true, query, atOwnPorts);
    }

    /// <summary>Maps POST.</summary>
    /// <param name="pattern">The path.</param>
    /// <param name="access">Who may use it.</param>
    /// <param name="handler">What answers.</param>
    /// <param name="ifMatch">Whether it checks If-Match; where it is not checked it is refused, because whoever sends it relies on it.</param>
    /// <param name="onlyAsks">Whether it changes nothing, and is posted for its long question alone.</param>
    public void Post(string pattern, RouteAccess access, RequestDelegate handler, bool ifMatch = false, bool onlyAsks = false) => Map(HttpMethods.Post, pattern, access, handler, ifMatch, onlyAsks: onlyAsks);

    /// <summary>Maps PUT.</summary>
    /// <param name="pattern">The path.</param>
    /// <param name="access">Who may use it.</param>
    /// <param name="handler">What answers.</param>
    /// <param name="ifMatch">As for <see cref="Post"/>.</param>
    public void Put(string pattern, RouteAccess access, RequestDelegate handler, bool ifMatch = false) => Map(HttpMethods.Put, pattern, access, handler, ifMatch);

    /// <summary>Maps DELETE.</summary>
    /// <inheritdoc cref="Put"/>
    public void Delete(string pattern, RouteAccess access, RequestDelegate handler, bool ifMatch = false) => Map(HttpMethods.Delete, pattern, access, handler, ifMatch);

    /// <summary>Maps what is left: other verbs of the paths so far, then all other paths. Call last.</summary>
    public void Rest()
    {
        foreach (var (pattern, verbs) in _verbs)
        {
            var allow = string.Join(", ", verbs);
            routes.Map(null, pattern, RouteAccess.Open, context =>
            {
                context.Response.Headers.Allow = allow;
                return Problems.WriteAsync(context, StatusCodes.Status405MethodNotAllowed, "MethodNotAllowed", $"{context.Request.Method} is not used here; use {allow}.");
            });
        }

        routes.Map(null, "/{**path}", RouteAccess.Open, NothingHereAsync);
    }

    /// <summary>Answers at a path where nothing is.</summary>
    public static Task NothingHereAsync(HttpContext context) => Problems.WriteAsync(
        context, StatusCodes.Status404NotFound, "NotFound",
        "There is nothing at this path. MCP clients connect to /mcp or /mcp/<server>; the API is /api/v1/servers, /health and /ready; people open /dashboard/.");

    private void Map(string verb, string pattern, RouteAccess access, RequestDelegate handler, bool ifMatch, string[]? query = null, bool atOwnPorts = false, bool onlyAsks = false)
    {
        if (!_verbs.TryGetValue(pattern, out var verbs))
        {
            _verbs[pattern] = verbs = [];
        }

        verbs.Add(verb);
        routes.Map(verb, pattern, access, context => AnswerAsync(context, handler, ifMatch, query ?? []), atOwnPorts, onlyAsks);
    }

    private async Task AnswerAsync(HttpContext context, RequestDelegate handler, bool ifMatch, string[] query)
    {
        try
        {
            if (!ifMatch && context.Request.Headers.IfMatch.Count != 0)
            {
                throw new BadRequest("If-Match is not checked here, because this changes no configuration; leave it out.");
            }

            if (context.Request.Query.Keys.FirstOrDefault(key => !query.Contains(key)) is { } stranger)
            {
                throw new BadRequest($"The query parameter '{stranger}' is not known here. {(query.Length == 0 ? "There are none; leave it out." : $"Known are: {string.Join(", ", query)}.")}");
            }

            await handler(context).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has gone: nobody reads an answer.
            return;
        }
        catch (McpException exception) when (!context.Response.HasStarted)
        {
            await Problems.WriteAsync(context, exception).ConfigureAwait(false);
        }
        catch (BadRequest refusal) when (!context.Response.HasStarted)
        {
            await Problems.WriteAsync(context, refusal.Status, refusal.Title, refusal.Message).ConfigureAwait(false);
        }
        catch (BadHttpRequestException exception) when (!context.Response.HasStarted)
        {
            // The web server's own judgement of a broken request, such as a body that ends too early.
            await Problems.WriteAsync(context, exception.StatusCode, "InvalidRequest", exception.Message).ConfigureAwait(false);
        }
        catch (Exception exception) when (!context.Response.HasStarted)
        {
            // The edge of a request: a bug of ours must not show its insides.
            LogFault(logger, exception, context.Request.Method, context.Request.Path);
            await Problems.WriteAsync(
                context, StatusCodes.Status500InternalServerError, "InternalError", "An unexpected error in Fairlead; its log on stderr says more.").ConfigureAwait(false);
        }
    }

    [LoggerMessage(EventIds.RestFault, LogLevel.Error, "{Method} {Path} failed unexpectedly.")]
    private static partial void LogFault(ILogger logger, Exception exception, string method, PathString path);
}
