using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.AspNetCore.Auth;
using Fairlead.Configuration;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Admin;

/// <summary>Rollouts over the API (product A9).</summary>
internal sealed class RolloutRoutes(McpManager manager)
{
    private const string StartShape = "Send {} to replace the instances as the configuration says, or members of rollout such as {\"strategy\":\"canary\",\"percent\":10}, and \"server\" with a changed entry.";
    private const string AbortShape = "Send {} or {\"reason\":\"why\"}.";

    /// <summary>Maps the routes.</summary>
    public void Map(RestRoutes rest)
    {
        rest.Get("/api/v1/rollouts", RouteAccess.Open, ListAllAsync, Paging.Parameters);
        rest.Get("/api/v1/servers/{id}/rollouts", RouteAccess.Open, ListAsync);
        rest.Post("/api/v1/servers/{id}/rollouts", RouteAccess.Admin, StartAsync, ifMatch: true);
        rest.Post("/api/v1/servers/{id}/rollouts/promote", RouteAccess.Admin, PromoteAsync);
        rest.Post("/api/v1/servers/{id}/rollouts/abort", RouteAccess.Admin, AbortAsync);
    }

    private async Task ListAllAsync(HttpContext context)
    {
        var all = new List<RolloutInfo>();
        foreach (var cell in manager.Fleet.Current.InOrder)
        {
            all.AddRange(await manager.GetRolloutsAsync(cell.Name, context.RequestAborted).ConfigureAwait(false));
        }

        var (rollouts, nextCursor) = Paging.Of(
            context, "rollouts", [.. all.OrderByDescending(static rollout => rollout.StartedAt)], static rollout => string.Create(CultureInfo.InvariantCulture, $"{rollout.Server} {rollout.Number}"));
        await RestApi.WriteAsync(context, StatusCodes.Status200OK, new { rollouts, nextCursor }).ConfigureAwait(false);
    }

    private async Task ListAsync(HttpContext context) => await RestApi.WriteAsync(
        context, StatusCodes.Status200OK, new { rollouts = await manager.GetRolloutsAsync(RestApi.Id(context), context.RequestAborted).ConfigureAwait(false) }).ConfigureAwait(false);

    private async Task StartAsync(HttpContext context)
    {
        var cell = RestApi.Require(manager.Fleet, context);
        var body = JsonNode.Parse((await JsonBody.ObjectAsync(
            context, manager.Options.Limits.RequestBodyBytesMax, StartShape,
            "server", "strategy", "percent", "observeMs", "errorRateMax", "minimumCalls", "latencyP99MaxMs", "failuresInARow").ConfigureAwait(false)).GetRawText())!.AsObject();
        body.Remove("server", out var entry);
        if (entry is not null and not JsonObject)
        {
            throw new BadRequest($"server is no object. {StartShape}");
        }

        var now = cell.Current.Config.Rollout;
        var rules = Rules(cell.Name, (entry as JsonObject)?["rollout"] as JsonObject is { } own ? Merge(Words(now), own) : Words(now), body);
        if (entry is null)
        {
            await manager.Live.StartRolloutAsync(cell.Name, null, rules, IfMatch.Of(context), context.RequestAborted).ConfigureAwait(false);
        }
        else
        {
            await manager.Live.UpdateEntryAsync(cell.Name, entry.ToJsonString(), rules, IfMatch.Of(context), context.RequestAborted).ConfigureAwait(false);
        }

        await AnswerAsync(context, StatusCodes.Status202Accepted).ConfigureAwait(false);
    }

    private async Task PromoteAsync(HttpContext context)
    {
        await manager.PromoteRolloutAsync(RestApi.Id(context), context.RequestAborted).ConfigureAwait(false);
        await AnswerAsync(context, StatusCodes.Status202Accepted).ConfigureAwait(false);
    }

    private async Task AbortAsync(HttpContext context)
    {
        var body = await JsonBody.ObjectAsync(context, manager.Options.Limits.RequestBodyBytesMax, AbortShape, "reason").ConfigureAwait(false);
        if (body.TryGetProperty("reason", out var reason) && reason.ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
        {
            throw new BadRequest($"reason is no string. {AbortShape}");
        }

        await manager.AbortRolloutAsync(RestApi.Id(context), reason.ValueKind == JsonValueKind.String ? reason.GetString() : null, context.RequestAborted).ConfigureAwait(false);
        await AnswerAsync(context, StatusCodes.Status202Accepted).ConfigureAwait(false);
    }

    /// <summary>Answers with the latest rollout of the server.</summary>
    private async Task AnswerAsync(HttpContext context, int status) =>
        await RestApi.WriteAsync(context, status, (await manager.GetRolloutsAsync(RestApi.Id(context), context.RequestAborted).ConfigureAwait(false))[0]).ConfigureAwait(false);

    /// <summary>The rules that a body asks for, checked as those of a configuration are.</summary>
    private RolloutOptions Rules(string server, JsonObject now, JsonObject body)
    {
        // The words and bounds are those of the configuration, so its loader reads them.
        var entry = new JsonObject { ["name"] = server, ["url"] = "http://127.0.0.1/", ["rollout"] = Merge(now, body) };
        var result = ConfigurationLoader.LoadServer(entry.ToJsonString(), server, manager.Options);
        return result is { Errors.Count: 0, Config: { } config } ? config.Rollout : throw new InvalidConfiguration(string.Join('\n', result.Errors)) { ServerId = server };
    }

    private static JsonObject Merge(JsonObject rules, JsonObject more)
    {
        foreach (var (key, value) in more)
        {
            rules[key] = value?.DeepClone();
        }

        return rules;
    }

    private static JsonObject Words(RolloutOptions rules)
    {
        var words = new JsonObject
        {
            ["strategy"] = OptionWords.Word(rules.Strategy),
            ["percent"] = rules.Percent,
            ["observeMs"] = rules.ObserveMs,
            ["errorRateMax"] = rules.ErrorRateMax,
            ["minimumCalls"] = rules.MinimumCalls,
            ["failuresInARow"] = rules.FailuresInARow,
        };
        if (rules.LatencyP99MaxMs is { } latency)
        {
            words["latencyP99MaxMs"] = latency;
        }

        return words;
    }
}
