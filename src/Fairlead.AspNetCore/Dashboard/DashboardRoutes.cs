using System.Text.Json;
using Fairlead.AspNetCore.Admin;
using Fairlead.AspNetCore.Auth;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Fairlead.AspNetCore.Dashboard;

/// <summary>Serves the dashboard, and gives browsers what administration needs. Everything else the dashboard does over the public API.</summary>
/// <param name="sessions">Codes and tokens.</param>
/// <param name="bodyBytesMax">Longest body.</param>
internal sealed class DashboardRoutes(DashboardSessions sessions, int bodyBytesMax)
{
    /// <summary>Where the page is.</summary>
    public const string PagePath = "/dashboard/";

    private const string CodeShape = "Send {\"code\":\"...\"} with the code of a link that fairlead up or fairlead dashboard printed.";

    // Nothing but our own files, no text that becomes script or markup, no page around ours. Pictures and sound in results of tools are made into blobs.
    private const string Policy = "default-src 'self'; img-src 'self' blob:; media-src blob:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        + "require-trusted-types-for 'script'; trusted-types 'none'";

    private readonly Lazy<DashboardFiles> _files = new(DashboardFiles.Load);

    /// <summary>Maps the routes.</summary>
    /// <param name="rest">The API, of which they are a part.</param>
    /// <param name="routes">For the root, whose other verbs have nothing of their own, and for the audit log.</param>
    public void Map(RestRoutes rest, GuardedRoutes routes)
    {
        rest.Get("/dashboard/{**path}", RouteAccess.Open, FileAsync);
        rest.Post("/api/v1/dashboard/codes", RouteAccess.Admin, IssueAsync);
        rest.Post("/api/v1/dashboard/sessions", RouteAccess.Open, context => ExchangeAsync(context, routes.Audit));
        rest.Delete("/api/v1/dashboard/sessions/current", RouteAccess.Admin, EndAsync);
        routes.Map(HttpMethods.Get, "/", RouteAccess.Open, static context => IsBrowser(context.Request) ? Redirect(context) : RestRoutes.NothingHereAsync(context));
    }

    private static bool IsBrowser(HttpRequest request) =>
        request.GetTypedHeaders().Accept.Any(static type => type.MediaType.Equals("text/html", StringComparison.OrdinalIgnoreCase) && type.Quality is not 0);

    private static Task Redirect(HttpContext context)
    {
        context.Response.Redirect(PagePath);
        return Task.CompletedTask;
    }

    /// <summary>The page, or an asset of its version. The places inside the dashboard stand in the fragment, which is never sent.</summary>
    private async Task FileAsync(HttpContext context)
    {
        if (!context.Request.Path.StartsWithSegments("/dashboard", StringComparison.OrdinalIgnoreCase, out var rest) || !rest.HasValue)
        {
            // Without the slash at the end the page would look for its assets in the wrong place.
            await Redirect(context).ConfigureAwait(false);
            return;
        }

        var files = _files.Value;
        var path = (string?)context.Request.RouteValues["path"] ?? "";
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers.Vary = "Accept-Encoding";
        if (path.Length == 0)
        {
            headers.CacheControl = "no-cache";
            await SendAsync(context, files.Page, files.Version).ConfigureAwait(false);
            return;
        }

        var assets = $"assets/{files.Version}/";
        if (!path.StartsWith(assets, StringComparison.Ordinal) || !files.Assets.TryGetValue(path[assets.Length..], out var file))
        {
            throw new BadRequest("The dashboard has no such file. After an update of Fairlead the page has to be loaded again.", StatusCodes.Status404NotFound, "NotFound");
        }

        headers.CacheControl = "public, max-age=31536000, immutable";
        await SendAsync(context, file, files.Version).ConfigureAwait(false);
    }

    private static async Task SendAsync(HttpContext context, DashboardFile file, string version)
    {
        var encoding = EncodingFor(context.Request);
        var tag = new EntityTagHeaderValue($"\"{version}{(encoding is null ? "" : "-" + encoding)}\"");
        context.Response.GetTypedHeaders().ETag = tag;
        if (context.Request.GetTypedHeaders().IfNoneMatch.Any(known => known.Compare(tag, useStrongComparison: false) || known == EntityTagHeaderValue.Any))
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        if (encoding is not null)
        {
            context.Response.Headers.ContentEncoding = encoding;
        }

        var bytes = file.In(encoding);
        context.Response.ContentType = file.ContentType;
        context.Response.ContentLength = bytes.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await context.Response.BodyWriter.WriteAsync(bytes, context.RequestAborted).ConfigureAwait(false);
        }
    }

    /// <summary>The best encoding that the client takes; null = as it is.</summary>
    private static string? EncodingFor(HttpRequest request)
    {
        var taken = request.GetTypedHeaders().AcceptEncoding.Where(static one => one.Quality is not 0).Select(static one => one.Value).ToList();
        return Takes(taken, "br") ? "br" : Takes(taken, "gzip") ? "gzip" : null;

        static bool Takes(List<StringSegment> taken, string encoding) => taken.Exists(one => one.Equals(encoding, StringComparison.OrdinalIgnoreCase));
    }

    private async Task IssueAsync(HttpContext context)
    {
        var (code, expiresAt) = sessions.IssueCode();
        context.Response.Headers.CacheControl = "no-store";
        await RestApi.WriteAsync(context, StatusCodes.Status201Created, new { code, path = PathFor(code), expiresAt }).ConfigureAwait(false);
    }

    /// <summary>The path of a link with a code.</summary>
    public static string PathFor(string code) => $"{PagePath}#code={code}";

    private async Task ExchangeAsync(HttpContext context, ChangeAudit audit)
    {
        var body = await JsonBody.ObjectAsync(context, bodyBytesMax, CodeShape, "code").ConfigureAwait(false);
        if (!body.TryGetProperty("code", out var value) || value.ValueKind != JsonValueKind.String)
        {
            throw new BadRequest($"code is no string. {CodeShape}");
        }

        if (sessions.Exchange(value.GetString()!) is not var (token, expiresAt))
        {
            audit.Denied(context, nameof(Unauthenticated));
            throw new BadRequest(
                "This code was used already, is older than 10 minutes, or is of another run of Fairlead. fairlead dashboard prints a new link.", StatusCodes.Status401Unauthorized, nameof(Unauthenticated));
        }

        audit.Admitted(context);
        context.Response.Headers.CacheControl = "no-store";
        await RestApi.WriteAsync(context, StatusCodes.Status201Created, new { token, expiresAt }).ConfigureAwait(false);
    }

    private Task EndAsync(HttpContext context)
    {
        if (!sessions.End(AdminToken.TokenOf(context.Request.Headers.Authorization.ToString())!))
        {
            throw new BadRequest("The token that was sent is the admin token itself, which is no session and does not end.", StatusCodes.Status409Conflict, "NotASession");
        }

        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }
}
