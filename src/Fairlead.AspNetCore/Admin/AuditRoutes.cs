using System.Globalization;
using Fairlead.AspNetCore.Auth;
using Fairlead.Audit;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Admin;

/// <summary>Looks into the audit log.</summary>
internal sealed class AuditRoutes(McpManager manager)
{
    private const int LimitMax = 1000;
    private const int LimitDefault = 100;

    // How many records one request looks at: a filter that nothing fits must not read the whole log. The cursor goes on from there.
    private const int LooksMax = 200_000;

    private static readonly string[] s_words = ["kind", "server", "target", "tool", "principal", "client", "verdict", "outcome", "since", "until", "limit", "cursor"];

    /// <summary>Maps the routes.</summary>
    public void Map(RestRoutes rest) => rest.Get("/api/v1/audit", RouteAccess.Admin, FindAsync, s_words);

    private Task FindAsync(HttpContext context)
    {
        if (manager.Audit is not { } audit)
        {
            throw new BadRequest("There is no audit log: audit.record is off, or there is no state folder.", StatusCodes.Status404NotFound, "NotFound");
        }

        var limit = Number(context, "limit") ?? LimitDefault;
        if (limit is < 1 or > LimitMax)
        {
            throw new BadRequest($"limit = '{limit}' is no number from 1 to {LimitMax}; give one, or leave it out for {LimitDefault}.");
        }

        // What was done a moment ago is wanted, too.
        audit.Flush();
        var query = new AuditQuery
        {
            Kind = Text(context, "kind"), Server = Text(context, "server"), Target = Text(context, "target") ?? Text(context, "tool"), Principal = Text(context, "principal"),
            Client = Text(context, "client"), Verdict = Text(context, "verdict"), Outcome = Text(context, "outcome"), Since = Time(context, "since"), Until = Time(context, "until"), Before = Number(context, "cursor"),
            LooksMax = LooksMax,
        };
        var found = query.LatestFirst(audit.Folder).Take((int)limit + 1).ToList();
        var records = found.Take((int)limit).ToList();
        var next = found.Count > limit ? records[^1].GetProperty("seq").GetInt64() : query.StoppedAt;
        return RestApi.WriteAsync(context, StatusCodes.Status200OK, new { records, nextCursor = next?.ToString(CultureInfo.InvariantCulture), lost = audit.Lost });
    }

    private static string? Text(HttpContext context, string name) => context.Request.Query[name].ToString() is { Length: > 0 } text ? text : null;

    private static long? Number(HttpContext context, string name) => Text(context, name) is not { } text ? null
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number
        : throw new BadRequest($"{name} = '{text}' is no {(name == "cursor" ? "cursor; take it from nextCursor of the answer before" : $"number above 0; give one from 1 to {LimitMax}, or leave it out for {LimitDefault}")}.");

    private static DateTimeOffset? Time(HttpContext context, string name) => Text(context, name) is not { } text ? null
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time
        : throw new BadRequest($"{name} = '{text}' is no time; a time looks like 2026-11-30T16:00:00Z.");
}
