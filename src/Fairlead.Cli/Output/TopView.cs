using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Cli.Commands;

namespace Fairlead.Cli.Output;

/// <summary>The traffic of the servers as a table, sorted as a key says: what <c>fairlead top</c> shows.</summary>
/// <remarks>Any thread. Figures are those of the API, of the last minute; the sparkline shows the calls between one look and the next.</remarks>
/// <param name="terminal">For widths and colours.</param>
/// <param name="time">Tells how long ago the last look was.</param>
/// <param name="isLive">Whether keys are pressed, so that the head names them.</param>
internal sealed class TopView(Terminal terminal, TimeProvider time, bool isLive)
{
    private const string SparkSteps = "▁▂▃▄▅▆▇█";
    private const int SparkLooks = 12;
    private const int StateColumn = 1;
    private const int ErrorsColumn = 3;

    private static readonly int[] s_numbers = [2, 3, 4, 5, 6, 7, 8];

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (double Calls, Queue<double> Rates)> _before = new(StringComparer.Ordinal);
    private Row[] _rows = [];
    private double _callsInAll;
    private long _lookedAt;
    private char _sort = 'c';
    private string? _wait;

    /// <summary>Takes in a look at the instance.</summary>
    /// <param name="metrics">What <c>/api/v1/metrics</c> answered.</param>
    /// <param name="servers">The servers as the API lists them, of the same moment.</param>
    public void Take(JsonElement metrics, JsonElement servers)
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            var seconds = _lookedAt == 0 ? 0 : time.GetElapsedTime(_lookedAt, now).TotalSeconds;
            _lookedAt = now;
            _wait = null;
            var figures = metrics.GetProperty("servers");
            List<Row> rows = [];
            foreach (var server in servers.EnumerateArray())
            {
                var id = PsCommand.Text(server, "id");

                // One that came between the two questions has no figures yet.
                rows.Add(figures.TryGetProperty(id, out var one) ? Row_NeedsLock(id, server, one, seconds) : new Row(id, PsCommand.Text(server, "state")));
            }

            _rows = [.. rows];
            _callsInAll = rows.Sum(static row => row.Calls);
            foreach (var gone in _before.Keys.Except(rows.Select(static row => row.Name)).ToArray())
            {
                _before.Remove(gone);
            }
        }
    }

    /// <summary>The instance is gone, and is waited for.</summary>
    /// <param name="reason">What is known of it.</param>
    public void Wait(string reason)
    {
        lock (_gate)
        {
            _wait = CellText.OneLine(reason);
        }
    }

    /// <summary>A key was pressed: c sorts by calls, e by errors, p by p99, n by name. Others do nothing.</summary>
    public void Press(char key)
    {
        lock (_gate)
        {
            _sort = char.ToLowerInvariant(key) is var lower && "cepn".Contains(lower, StringComparison.Ordinal) ? lower : _sort;
        }
    }

    /// <summary>The view: head, then a line for each server.</summary>
    public IReadOnlyList<string> Lines()
    {
        lock (_gate)
        {
            Row[] sorted = _sort switch
            {
                'e' => [.. _rows.OrderByDescending(static row => row.ErrorRate).ThenByDescending(static row => row.Rate)],
                'p' => [.. _rows.OrderByDescending(static row => row.P99 ?? -1)],
                'n' => [.. _rows.OrderBy(static row => row.Name, StringComparer.Ordinal)],
                _ => [.. _rows.OrderByDescending(static row => row.Rate)],
            };
            string[] headers = ["SERVER", "STATE", "CALLS/S", "ERRORS", "P50", "P95", "P99", "IN FLIGHT", "RESTARTS", .. terminal.HasUnicode ? (string[])["CALLS"] : []];
            var table = new TextTable(headers) { NumberColumns = s_numbers };
            foreach (var row in sorted)
            {
                table.Add(Cells(row));
            }

            return [.. Head_NeedsLock(), .. table.Lines(terminal.Width, Paint)];
        }
    }

    /// <summary>A look as one JSON object: the metrics as the API gives them, with <c>at</c>, and with <c>state</c> for each server.</summary>
    public static string Json(JsonElement metrics, JsonElement servers, DateTimeOffset now)
    {
        var states = servers.EnumerateArray().ToDictionary(static server => PsCommand.Text(server, "id"), static server => PsCommand.Text(server, "state"), StringComparer.Ordinal);
        var look = new JsonObject { ["at"] = now };
        foreach (var member in metrics.EnumerateObject())
        {
            look[member.Name] = JsonNode.Parse(member.Value.GetRawText());
        }

        foreach (var (id, figures) in look["servers"]!.AsObject())
        {
            figures!["state"] = states.GetValueOrDefault(id);
        }

        return look.ToJsonString();
    }

    private Row Row_NeedsLock(string id, JsonElement server, JsonElement figures, double seconds)
    {
        var calls = figures.GetProperty("calls").GetDouble();
        if (!_before.TryGetValue(id, out var before))
        {
            before = (calls, new Queue<double>(SparkLooks));
        }

        // Counts begin anew with the instance: fewer than before says nothing of the time between.
        if (seconds > 0 && calls >= before.Calls)
        {
            before.Rates.Enqueue((calls - before.Calls) / seconds);
            while (before.Rates.Count > SparkLooks)
            {
                before.Rates.Dequeue();
            }
        }

        _before[id] = (calls, before.Rates);
        return new Row(id, PsCommand.Text(server, "state"))
        {
            Calls = calls,
            Rate = figures.GetProperty("requestsPerSecond").GetDouble(),
            Recent = figures.GetProperty("requestsPerSecond").GetDouble() * figures.GetProperty("windowSeconds").GetDouble(),
            ErrorRate = figures.GetProperty("errorRate").GetDouble(),
            P50 = Number(figures, "p50Us"),
            P95 = Number(figures, "p95Us"),
            P99 = Number(figures, "p99Us"),
            InFlight = figures.GetProperty("inFlight").GetInt64(),
            Restarts = figures.GetProperty("restarts").GetInt64(),
            Spark = Sparkline(before.Rates),
        };
    }

    private List<string> Head_NeedsLock()
    {
        var clock = time.GetLocalNow().ToString("HH:mm:ss", CultureInfo.InvariantCulture);
        var recent = _rows.Sum(static row => row.Recent);
        var errors = recent == 0 ? 0 : _rows.Sum(static row => row.ErrorRate * row.Recent) / recent;
        var serving = _rows.Count(static row => row.State is "Healthy" or "Degraded");
        List<string> head = [string.Create(
            CultureInfo.InvariantCulture,
            $"fairlead top  {clock}  {serving} of {_rows.Length} serving  {Rate(_rows.Sum(static row => row.Rate))} calls/s  {Share(errors)} errors  {_rows.Sum(static row => row.InFlight)} in flight  {_callsInAll:0} calls in all")];
        if (_wait is not null)
        {
            head.Add(terminal.Paint(Colour.Yellow, "waiting for the instance to come back") + $" ({_wait}); as it was:");
        }

        if (isLive)
        {
            head.Add($"sorted by {_sort switch { 'e' => "errors", 'p' => "p99", 'n' => "name", _ => "calls/s" }}; keys: c calls, e errors, p p99, n name, q ends");
        }

        return head;
    }

    private string[] Cells(Row row) =>
    [
        row.Name, row.State, Rate(row.Rate), Share(row.ErrorRate), Latency(row.P50), Latency(row.P95), Latency(row.P99),
        row.InFlight.ToString(CultureInfo.InvariantCulture), row.Restarts.ToString(CultureInfo.InvariantCulture), .. terminal.HasUnicode ? (string[])[row.Spark] : [],
    ];

    private string Paint(string[] row, int column, string text) => column switch
    {
        StateColumn => terminal.Paint(States.ColourOf(row[column]), text),
        ErrorsColumn when row[column] != "0 %" => terminal.Paint(Colour.Red, text),
        _ => text,
    };

    private static string Sparkline(Queue<double> rates)
    {
        var max = rates.Append(0).Max();
        return string.Concat(rates.Select(rate => SparkSteps[max == 0 ? 0 : (int)Math.Round(rate / max * (SparkSteps.Length - 1))]));
    }

    private static string Rate(double rate) => rate.ToString(rate >= 100 ? "0" : "0.0", CultureInfo.InvariantCulture);

    private static string Share(double share) => (share * 100).ToString(share is > 0 and < 0.0001 ? "0.0000" : "0.##", CultureInfo.InvariantCulture) + " %";

    private static string Latency(double? us) => us switch
    {
        null => "-",
        < 1_000 => us.Value.ToString("0", CultureInfo.InvariantCulture) + "us",
        < 1_000_000 => (us.Value / 1_000).ToString(us < 100_000 ? "0.0" : "0", CultureInfo.InvariantCulture) + "ms",
        _ => (us.Value / 1_000_000).ToString("0.0", CultureInfo.InvariantCulture) + "s",
    };

    private static double? Number(JsonElement figures, string name) => figures.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;

    private sealed record Row(string Name, string State)
    {
        public double Calls { get; init; }

        public double Rate { get; init; }

        public double Recent { get; init; }

        public double ErrorRate { get; init; }

        public double? P50 { get; init; }

        public double? P95 { get; init; }

        public double? P99 { get; init; }

        public long InFlight { get; init; }

        public long Restarts { get; init; }

        public string Spark { get; init; } = "";
    }
}
