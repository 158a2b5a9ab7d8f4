using System.Text.Json;
using Fairlead.AspNetCore.Auth;
using Fairlead.Configuration;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Admin;

/// <summary>Injects faults into servers on purpose, shows and ends them (product D11). Changing routes need the admin token.</summary>
internal sealed class FaultRoutes(McpManager manager)
{
    private const string Shape = "Send {\"kind\":\"latency\",\"latencyMs\":500,\"jitterMs\":100,\"percent\":20,\"tool\":\"NAME\",\"durationMs\":30000,\"by\":\"who\"}; all but kind may be left out, and latencyMs and jitterMs belong to latency.";

    /// <summary>Maps the routes.</summary>
    public void Map(RestRoutes rest)
    {
        rest.Post("/api/v1/servers/{id}/faults", RouteAccess.Admin, InjectAsync);
        rest.Get("/api/v1/faults", RouteAccess.Open, ListAsync, Paging.Parameters);
        rest.Delete("/api/v1/faults", RouteAccess.Admin, EndAllAsync);
        rest.Delete("/api/v1/faults/{faultId}", RouteAccess.Admin, EndAsync);
    }

    private async Task InjectAsync(HttpContext context)
    {
        var body = await JsonBody.ObjectAsync(context, manager.Options.Limits.RequestBodyBytesMax, Shape, "kind", "tool", "percent", "durationMs", "latencyMs", "jitterMs", "by").ConfigureAwait(false);
        var request = new FaultRequest(KindOf(body))
        {
            Tool = TextOf(body, "tool"),
            Percent = NumberOf(body, "percent"),
            Duration = TimeOf(body, "durationMs"),
            Latency = TimeOf(body, "latencyMs"),
            Jitter = TimeOf(body, "jitterMs"),
            By = TextOf(body, "by") ?? $"the API, from {context.Connection.RemoteIpAddress}",
        };
        var fault = await manager.InjectFaultAsync(RestApi.Id(context), request, context.RequestAborted).ConfigureAwait(false);
        await RestApi.WriteAsync(context, StatusCodes.Status201Created, fault).ConfigureAwait(false);
    }

    /// <summary>Those that are active are few: pages are of those that have ended.</summary>
    private async Task ListAsync(HttpContext context)
    {
        var faults = await manager.ListFaultsAsync(context.RequestAborted).ConfigureAwait(false);
        var (ended, nextCursor) = Paging.Of(context, "faults", faults.Ended, static fault => fault.Id);
        await RestApi.WriteAsync(context, StatusCodes.Status200OK, new { faults.Enabled, faults.Active, ended, nextCursor }).ConfigureAwait(false);
    }

    private async Task EndAsync(HttpContext context) => await RestApi.WriteAsync(
        context, StatusCodes.Status200OK, await manager.EndFaultAsync(RestApi.Segment(context, "faultId"), context.RequestAborted).ConfigureAwait(false)).ConfigureAwait(false);

    private async Task EndAllAsync(HttpContext context)
    {
        var ended = await manager.EndAllFaultsAsync(context.RequestAborted).ConfigureAwait(false);
        await RestApi.WriteAsync(context, StatusCodes.Status200OK, new { ended }).ConfigureAwait(false);
    }

    private static FaultKind KindOf(JsonElement body)
    {
        var words = string.Join(", ", OptionWords.Words(typeof(FaultKind)));
        return TextOf(body, "kind") is not { } word ? throw new BadRequest($"kind is missing; it is one of {words}. {Shape}")
            : OptionWords.TryWord(typeof(FaultKind), word, out var kind) ? (FaultKind)kind
            : throw new BadRequest($"kind = '{word}' is none of {words}. {Shape}");
    }

    private static string? TextOf(JsonElement body, string name) =>
        !body.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw new BadRequest($"{name} is no string. {Shape}");

    private static double? NumberOf(JsonElement body, string name) =>
        !body.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number) ? number
        : throw new BadRequest($"{name} is no number. {Shape}");

    private static TimeSpan? TimeOf(JsonElement body, string name) =>
        NumberOf(body, name) is not { } ms ? null
        : Math.Abs(ms) <= int.MaxValue ? TimeSpan.FromMilliseconds(ms)
        : throw new BadRequest($"{name} is beyond all bounds. {Shape}");
}
