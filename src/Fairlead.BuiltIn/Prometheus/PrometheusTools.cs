using System.ComponentModel;
using System.Text.Json;
using System.Text.RegularExpressions;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.BuiltIn.Prometheus;

/// <summary>What Prometheus answered.</summary>
/// <param name="Data">The <c>data</c> of its answer, as it documents it.</param>
internal sealed record PrometheusData([property: Description("The data of the answer, as the HTTP API of Prometheus documents it.")] JsonElement Data);

/// <summary>The tools; all of them only read.</summary>
internal sealed partial class PrometheusTools(PrometheusApi api)
{
    private const int QueryCharsMax = 1000;
    private const string TimeText = "A time as RFC 3339 or seconds since 1970.";

    /// <summary>One moment.</summary>
    [McpServerTool(Name = "prometheus_query", Title = "Query at one time", ReadOnly = true, Idempotent = true, OpenWorld = true, UseStructuredContent = true, OutputSchemaType = typeof(PrometheusData))]
    [Description("Evaluates a PromQL expression at one time.")]
    public Task<CallToolResult> QueryAsync(
        [Description("PromQL, at most 1000 characters.")] string query,
        [Description(TimeText + " Default: now.")] string? time = null,
        CancellationToken cancellationToken = default) =>
        AnswerAsync("prometheus_query", "query", [new("query", Query(query)), new("time", Time(time, nameof(time)))], isGet: false, cancellationToken);

    /// <summary>A range.</summary>
    [McpServerTool(Name = "prometheus_query_range", Title = "Query over a time", ReadOnly = true, Idempotent = true, OpenWorld = true, UseStructuredContent = true, OutputSchemaType = typeof(PrometheusData))]
    [Description("Evaluates a PromQL expression over a range of time.")]
    public Task<CallToolResult> QueryRangeAsync(
        [Description("PromQL, at most 1000 characters.")] string query,
        [Description("From: " + TimeText)] string start,
        [Description("To: " + TimeText)] string end,
        [Description("Distance of the points, such as 15s or 1m.")] string step = "15s",
        CancellationToken cancellationToken = default) => AnswerAsync(
            "prometheus_query_range", "query_range",
            [
                new("query", Query(query)), new("start", Time(start, nameof(start))), new("end", Time(end, nameof(end))),
                new("step", Step().IsMatch(step) ? step : throw new McpException($"step '{step}' is no distance; write it like 15s, 1m or 2h.")),
            ],
            isGet: false, cancellationToken);

    /// <summary>Series.</summary>
    [McpServerTool(Name = "prometheus_series", Title = "Series", ReadOnly = true, Idempotent = true, OpenWorld = true, UseStructuredContent = true, OutputSchemaType = typeof(PrometheusData))]
    [Description("Lists the series that match selectors.")]
    public Task<CallToolResult> SeriesAsync(
        [Description("Selectors such as up{job=\"node\"}; 1 to 50.")] string[] match,
        [Description(TimeText)] string? start = null,
        [Description(TimeText)] string? end = null,
        CancellationToken cancellationToken = default) => match.Length is < 1 or > 50
            ? throw new McpException($"match has {match.Length} selectors; give 1 to 50.")
            : AnswerAsync(
                "prometheus_series", "series",
                [.. match.Select(static selector => new KeyValuePair<string, string?>("match[]", Query(selector))), new("start", Time(start, nameof(start))), new("end", Time(end, nameof(end)))],
                isGet: false, cancellationToken);

    /// <summary>Labels.</summary>
    [McpServerTool(Name = "prometheus_labels", Title = "Labels", ReadOnly = true, Idempotent = true, OpenWorld = true, UseStructuredContent = true, OutputSchemaType = typeof(PrometheusData))]
    [Description("Lists the names of labels, or the values of one.")]
    public Task<CallToolResult> LabelsAsync([Description("The label whose values are wanted.")] string? label = null, CancellationToken cancellationToken = default) =>
        label is null ? AnswerAsync("prometheus_labels", "labels", [], isGet: true, cancellationToken)
        : LabelName().IsMatch(label) ? AnswerAsync("prometheus_labels", $"label/{label}/values", [], isGet: true, cancellationToken)
        : throw new McpException($"label '{label}' is no name of a label: letters, digits and '_', not beginning with a digit.");

    /// <summary>Targets.</summary>
    [McpServerTool(Name = "prometheus_targets", Title = "Targets", ReadOnly = true, Idempotent = true, OpenWorld = true, UseStructuredContent = true, OutputSchemaType = typeof(PrometheusData))]
    [Description("Lists what is scraped, and how it went.")]
    public Task<CallToolResult> TargetsAsync([Description("active, dropped or any.")] string state = "active", CancellationToken cancellationToken = default) =>
        AnswerAsync("prometheus_targets", "targets", [new("state", OneOf(state, nameof(state), "active", "dropped", "any"))], isGet: true, cancellationToken);

    /// <summary>Alerts.</summary>
    [McpServerTool(Name = "prometheus_alerts", Title = "Alerts", ReadOnly = true, Idempotent = true, OpenWorld = true, UseStructuredContent = true, OutputSchemaType = typeof(PrometheusData))]
    [Description("Lists alerts; inactive ones are the alerting rules that do not fire.")]
    public async Task<CallToolResult> AlertsAsync([Description("firing, pending or inactive; default: firing and pending.")] string? state = null, CancellationToken cancellationToken = default)
    {
        if (state is null)
        {
            return await AnswerAsync("prometheus_alerts", "alerts", [], isGet: true, cancellationToken).ConfigureAwait(false);
        }

        OneOf(state, nameof(state), "firing", "pending", "inactive");
        var isInactive = state == "inactive";
        var data = await api.AskAsync(
            "prometheus_alerts", isInactive ? "rules" : "alerts", isInactive ? [new("type", "alert")] : [], isGet: true, cancellationToken).ConfigureAwait(false);
        var rows = isInactive ? data.GetProperty("groups").EnumerateArray().SelectMany(static group => group.GetProperty("rules").EnumerateArray()) : data.GetProperty("alerts").EnumerateArray();
        var alerts = rows.Where(row => row.TryGetProperty("state", out var found) && found.ValueEquals(state)).ToArray();
        return Answer.Of(new PrometheusData(JsonSerializer.SerializeToElement(new { alerts }, Answer.Json)));
    }

    /// <summary>Rules.</summary>
    [McpServerTool(Name = "prometheus_rules", Title = "Rules", ReadOnly = true, Idempotent = true, OpenWorld = true, UseStructuredContent = true, OutputSchemaType = typeof(PrometheusData))]
    [Description("Lists recording and alerting rules.")]
    public Task<CallToolResult> RulesAsync(CancellationToken cancellationToken = default) => AnswerAsync("prometheus_rules", "rules", [], isGet: true, cancellationToken);

    /// <summary>Metadata.</summary>
    [McpServerTool(Name = "prometheus_metadata", Title = "Metadata", ReadOnly = true, Idempotent = true, OpenWorld = true, UseStructuredContent = true, OutputSchemaType = typeof(PrometheusData))]
    [Description("Lists type, help and unit of metrics.")]
    public Task<CallToolResult> MetadataAsync(CancellationToken cancellationToken = default) => AnswerAsync("prometheus_metadata", "metadata", [], isGet: true, cancellationToken);

    private async Task<CallToolResult> AnswerAsync(string tool, string path, IEnumerable<KeyValuePair<string, string?>> parameters, bool isGet, CancellationToken cancellationToken) =>
        Answer.Of(new PrometheusData(await api.AskAsync(tool, path, parameters, isGet, cancellationToken).ConfigureAwait(false)));

    private static string Query(string query) => string.IsNullOrWhiteSpace(query) || query.Length > QueryCharsMax
        ? throw new McpException($"A query or selector must have 1 to {QueryCharsMax} characters; this one has {query.Length}.")
        : query;

    private static string? Time(string? time, string parameter) => time is null || TimeForm().IsMatch(time) ? time : throw new McpException(
        $"{parameter} '{time}' is no time; write it like 2026-01-31T12:00:00Z or 1769860800.");

    private static string OneOf(string value, string parameter, params string[] words) =>
        words.Contains(value) ? value : throw new McpException($"{parameter} '{value}' is unknown; use {string.Join(", ", words)}.");

    [GeneratedRegex(@"^(?:\d{1,12}(?:\.\d{1,9})?|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d))\z")]
    private static partial Regex TimeForm();

    [GeneratedRegex(@"^(?:\d{1,9}(?:\.\d{1,3})?|(?:\d{1,9}(?:ms|[smhdwy]))+)\z")]
    private static partial Regex Step();

    [GeneratedRegex(@"^[a-zA-Z_][a-zA-Z0-9_]{0,199}\z")]
    private static partial Regex LabelName();
}
