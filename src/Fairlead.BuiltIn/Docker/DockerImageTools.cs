using System.ComponentModel;
using System.Text.Json;
using System.Text.RegularExpressions;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.BuiltIn.Docker;

/// <summary>An image.</summary>
internal sealed record DockerImage(string Id, IReadOnlyList<string> Tags, long SizeBytes, long CreatedUnixSeconds);

/// <summary>Images.</summary>
internal sealed record DockerImages(IReadOnlyList<DockerImage> Images);

/// <summary>Events.</summary>
internal sealed record DockerEvents(IReadOnlyList<JsonElement> Events, bool Truncated);

/// <summary>Tools for images and the engine itself.</summary>
internal sealed partial class DockerImageTools(DockerEngine engine)
{
    private static readonly TimeSpan s_pullLimit = TimeSpan.FromMinutes(10);

    /// <summary>Lists images.</summary>
    [McpServerTool(Name = "image_list", Title = "Images", ReadOnly = true, Idempotent = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(DockerImages))]
    [Description("Lists the images that are there.")]
    public async Task<CallToolResult> ListAsync(CancellationToken cancellationToken = default)
    {
        var list = await engine.GetAsync("images/json", cancellationToken).ConfigureAwait(false);
        DockerImage[] images = [.. list.EnumerateArray().Select(static row => new DockerImage(
            row.GetProperty("Id").GetString()!,
            row.TryGetProperty("RepoTags", out var tags) && tags.ValueKind == JsonValueKind.Array ? [.. tags.EnumerateArray().Select(static tag => tag.GetString()!)] : [],
            row.GetProperty("Size").GetInt64(), row.GetProperty("Created").GetInt64()))];
        return Answer.Of(new DockerImages(images), images.Length == 0 ? "There is no image." : string.Join('\n', images.Select(static image => $"{string.Join(", ", image.Tags)}  {image.Id}  {image.SizeBytes} bytes")));
    }

    /// <summary>Pulls an image.</summary>
    [McpServerTool(Name = "image_pull", Title = "Get an image", ReadOnly = false, Destructive = false, Idempotent = true, OpenWorld = true, UseStructuredContent = true, OutputSchemaType = typeof(DockerDone))]
    [Description("Gets an image from its registry; at most 10 minutes.")]
    public async Task<CallToolResult> PullAsync([Description("The image; without a tag: latest.")] string image, CancellationToken cancellationToken = default)
    {
        var name = DockerRules.Image(image);
        var hasTag = name.Contains('@', StringComparison.Ordinal) || name[(name.LastIndexOf('/') + 1)..].Contains(':', StringComparison.Ordinal);
        using var limit = new CancellationTokenSource(s_pullLimit, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        using var response = await engine.StreamAsync(HttpMethod.Post, $"images/create?fromImage={Uri.EscapeDataString(hasTag ? name : name + ":latest")}", null, either.Token).ConfigureAwait(false);
        var (bytes, _) = await DockerEngine.ReadAsync(await response.Content.ReadAsStreamAsync(either.Token).ConfigureAwait(false), DockerEngine.AnswerBytesMax, either.Token).ConfigureAwait(false);
        ThrowIfFailed(bytes, "pull " + name);
        return Answer.Of(new DockerDone(name, "pulled"), $"{name} pulled.");
    }

    /// <summary>The engine.</summary>
    [McpServerTool(Name = "system_info", Title = "The engine", ReadOnly = true, Idempotent = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(DockerData))]
    [Description("Shows what the engine says of itself and of its machine.")]
    public async Task<CallToolResult> InfoAsync(CancellationToken cancellationToken = default) => Answer.Of(new DockerData(await engine.GetAsync("info", cancellationToken).ConfigureAwait(false)));

    /// <summary>Past events.</summary>
    [McpServerTool(Name = "system_events", Title = "Events of the engine", ReadOnly = true, OpenWorld = false, UseStructuredContent = true, OutputSchemaType = typeof(DockerEvents))]
    [Description("Lists what happened to containers and images between two times; default: the last 10 minutes.")]
    public async Task<CallToolResult> EventsAsync(
        [Description("From: RFC 3339 or seconds since 1970.")] string? since = null,
        [Description("To: RFC 3339 or seconds since 1970; at most now.")] string? until = null,
        CancellationToken cancellationToken = default)
    {
        // Without an end, or with one to come, the engine would go on telling.
        var now = TimeProvider.System.GetUtcNow();
        var to = Moment(until, nameof(until)) is { } given && given < now ? given : now;
        var from = Moment(since, nameof(since)) ?? to - TimeSpan.FromMinutes(10);
        using var response = await engine.StreamAsync(HttpMethod.Get, $"events?since={from.ToUnixTimeSeconds()}&until={to.ToUnixTimeSeconds()}&stream=false", null, cancellationToken).ConfigureAwait(false);
        var (bytes, isTruncated) = await DockerEngine.ReadAsync(await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false), 1024 * 1024, cancellationToken).ConfigureAwait(false);
        return Answer.Of(new DockerEvents([.. Lines(bytes)], isTruncated));
    }

    /// <summary>Throws when a stream of progress ends with an error, which the engine tells with status 200.</summary>
    /// <exception cref="McpException">It did.</exception>
    public static void ThrowIfFailed(byte[] progress, string what)
    {
        foreach (var line in Lines(progress))
        {
            if (line.ValueKind == JsonValueKind.Object && line.TryGetProperty("error", out var error))
            {
                throw new McpException($"The engine could not {what}: {(error.ValueKind == JsonValueKind.String ? error.GetString() : error.GetRawText())}");
            }
        }
    }

    /// <summary>The JSON values of a stream that has one a line; a line that was cut off is left out.</summary>
    public static IEnumerable<JsonElement> Lines(byte[] bytes)
    {
        foreach (var line in System.Text.Encoding.UTF8.GetString(bytes).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (TryParse(line) is { } value)
            {
                yield return value;
            }
        }
    }

    private static JsonElement? TryParse(string line)
    {
        try
        {
            return JsonElement.Parse(line);
        }
        catch (JsonException)
        {
            return null; // Cut off at the bound.
        }
    }

    private static DateTimeOffset? Moment(string? text, string parameter) => text is null ? null
        : Seconds().IsMatch(text) ? DateTimeOffset.FromUnixTimeSeconds(long.Parse(text, System.Globalization.CultureInfo.InvariantCulture))
        : DateTimeOffset.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.AssumeUniversal, out var moment) ? moment
        : throw new McpException($"{parameter} '{text}' is no time; write it like 2026-01-31T12:00:00Z or 1769860800.");

    [GeneratedRegex(@"^\d{1,11}\z")]
    private static partial Regex Seconds();
}
