using System.Text.Json;

namespace Fairlead.Audit;

/// <summary>Which records of an audit log are wanted. What is null does not matter.</summary>
public sealed record AuditQuery
{
    /// <summary>One of begin, start, stop, call, change, gap.</summary>
    public string? Kind { get; init; }

    /// <summary>The server's id.</summary>
    public string? Server { get; init; }

    /// <summary>The tool, prompt or URI.</summary>
    public string? Target { get; init; }

    /// <summary>Who did it.</summary>
    public string? Principal { get; init; }

    /// <summary>The program that it said to be: what its name begins with.</summary>
    public string? Client { get; init; }

    /// <summary>allowed or denied.</summary>
    public string? Verdict { get; init; }

    /// <summary>ok, or the word of an error; <c>failed</c> = whatever is not ok.</summary>
    public string? Outcome { get; init; }

    /// <summary>From then on.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Up to then, exclusive.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Only records with a lower number.</summary>
    public long? Before { get; init; }

    /// <summary>How many records are looked at; then it ends, and <see cref="StoppedAt"/> says where. Default: no bound.</summary>
    public int LooksMax { get; init; } = int.MaxValue;

    /// <summary>The number of the last record that was looked at when <see cref="LooksMax"/> ended the last reading; null when something else did.</summary>
    public long? StoppedAt { get; private set; }

    /// <summary>Reads records, the latest first, until the caller has enough. The whole log is never in memory.</summary>
    /// <param name="folder">The folder <c>audit</c> of a state folder. Fairlead may be writing to it.</param>
    /// <returns>Each record as it stands in the file; lines that cannot be understood are passed over (<see cref="AuditVerification"/> finds them).</returns>
    public IEnumerable<JsonElement> LatestFirst(string folder)
    {
        StoppedAt = null;
        var looks = 0;
        foreach (var file in AuditFiles.In(folder).Reverse())
        {
            foreach (var line in AuditFiles.LinesFromEnd(AuditFiles.PathOf(folder, file)))
            {
                if (TryParse(line) is not { } record)
                {
                    continue;
                }

                // Numbers and times only fall from here on.
                if (Since is { } since && record.GetProperty("at").GetDateTimeOffset() < since)
                {
                    yield break;
                }

                if (Takes(record))
                {
                    yield return record;
                }

                if (++looks == LooksMax)
                {
                    StoppedAt = record.GetProperty("seq").GetInt64();
                    yield break;
                }
            }
        }
    }

    /// <summary>Reads records, the oldest first; as <see cref="LatestFirst"/>.</summary>
    public IEnumerable<JsonElement> OldestFirst(string folder)
    {
        foreach (var file in AuditFiles.In(folder))
        {
            foreach (var (line, isWhole) in AuditFiles.Lines(AuditFiles.PathOf(folder, file)))
            {
                if (isWhole && TryParse(line) is { } record && (Since is not { } since || record.GetProperty("at").GetDateTimeOffset() >= since) && Takes(record))
                {
                    yield return record;
                }
            }
        }
    }

    private bool Takes(JsonElement record) =>
        (Before is not { } before || record.GetProperty("seq").GetInt64() < before)
        && (Until is not { } until || record.GetProperty("at").GetDateTimeOffset() < until)
        && Is(record, "kind", Kind) && Is(record, "server", Server) && Is(record, "target", Target) && Is(record, "principal", Principal) && Is(record, "verdict", Verdict)
        && (Client is null || (record.TryGetProperty("client", out var client) && client.ToString().StartsWith(Client, StringComparison.OrdinalIgnoreCase)))
        && (Outcome == "failed" ? record.TryGetProperty("outcome", out var outcome) && outcome.ToString() != "ok" : Is(record, "outcome", Outcome));

    private static bool Is(JsonElement record, string name, string? wanted) => wanted is null || (record.TryGetProperty(name, out var value) && value.ToString() == wanted);

    /// <summary>A member that is a whole number; null when it is not there, or something else.</summary>
    internal static long? NumberOf(JsonElement record, string name) =>
        record.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : null;

    /// <summary>A line as a record; null when it is none with a number and a time.</summary>
    internal static JsonElement? TryParse(ReadOnlyMemory<byte> line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var record = document.RootElement.Clone();
            return record.ValueKind == JsonValueKind.Object && NumberOf(record, "seq") is not null
                && record.TryGetProperty("at", out var at) && at.ValueKind == JsonValueKind.String && at.TryGetDateTimeOffset(out _) ? record : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
