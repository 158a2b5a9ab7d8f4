using Fairlead.AspNetCore.Admin;
using Fairlead.Audit;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Fairlead.AspNetCore.Auth;

/// <summary>Records in the audit log what administrators do over HTTP, and what others were kept from doing.</summary>
/// <param name="log">Null = there is none.</param>
/// <param name="time">The clock.</param>
internal sealed class ChangeAudit(AuditLog? log, TimeProvider time)
{
    private const string Rest = "rest";
    private const int ClientLengthMax = 200;

    /// <summary>Runs what somebody with the token asks for. Reading is not recorded.</summary>
    public Task RunAsync(HttpContext context, RequestDelegate handler) =>
        log is null || HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method) ? handler(context) : RecordAsync(log, context, handler);

    /// <summary>Somebody was refused.</summary>
    /// <param name="context">The request.</param>
    /// <param name="why">The word of the error.</param>
    public void Denied(HttpContext context, string why) => log?.Add(Entry(context) with { Principal = "unknown", Verdict = "denied", Outcome = why });

    /// <summary>The program that a request comes from, as it says; null when it does not.</summary>
    public static string? ClientOf(HttpContext context)
    {
        var agent = context.Request.Headers.UserAgent.ToString();
        return agent.Length == 0 ? null : agent.Length <= ClientLengthMax ? agent : agent[..ClientLengthMax];
    }

    /// <summary>Somebody was let in who had no token before.</summary>
    /// <param name="context">The request.</param>
    public void Admitted(HttpContext context) => log?.Add(Entry(context) with { Principal = "admin", Verdict = "allowed", Outcome = "ok" });

    private async Task RecordAsync(AuditLog log, HttpContext context, RequestDelegate handler)
    {
        var started = time.GetTimestamp();
        var outcome = "aborted";
        OwnChanges.AreRecorded = true;
        try
        {
            await handler(context).ConfigureAwait(false);
            outcome = context.Response.StatusCode < 400 ? "ok" : Problems.TitleOf(context) ?? "failed";
        }
        finally
        {
            log.Add(Entry(context) with { Principal = "admin", Verdict = "allowed", Outcome = outcome, Micros = (long)time.GetElapsedTime(started).TotalMicroseconds });
        }
    }

    private static AuditEntry Entry(HttpContext context)
    {
        var location = context.Response.Headers.Location.ToString();
        return new AuditEntry
        {
            Kind = AuditKind.Change,
            Principal = "",
            Verdict = "",
            Outcome = "",
            Client = ClientOf(context),
            Via = Rest,

            // A server that was deployed is named by the answer alone.
            Server = context.Request.RouteValues["id"] as string ?? (location.Length == 0 ? null : Uri.UnescapeDataString(location[(location.LastIndexOf('/') + 1)..])),
            Target = context.Request.RouteValues["tool"] as string ?? context.Request.RouteValues["faultId"] as string,
            Method = $"{context.Request.Method} {(context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? context.Request.Path}",
        };
    }
}
