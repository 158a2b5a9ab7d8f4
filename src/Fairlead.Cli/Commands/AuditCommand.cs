using System.Buffers;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;
using Fairlead.Audit;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead audit verify|tail|export</c>: the audit log in the state folder, whether an instance is running or not.</summary>
internal static class AuditCommand
{
    private const int TailDefault = 20;

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(500);
    private static readonly SearchValues<char> s_hex = SearchValues.Create("0123456789abcdef");

    /// <summary>The command.</summary>
    public static Command Create() => new("audit", "Reads the audit log: who did what, with which outcome. It works without a running instance.\nExample: fairlead audit tail --server git --outcome failed")
    {
        Verify(),
        Tail(),
        Export(),
    };

    private static Command Verify()
    {
        var known = new Option<string?>("--known") { HelpName = "NUMBER:HASH", Description = "A record that was noted earlier: proves that nothing up to it was written anew. verify prints the last one." };
        known.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && Known(result.Tokens[0].Value) is null)
            {
                result.AddError($"--known '{result.Tokens[0].Value}' is no record. Give its number and its hash, as fairlead audit verify printed them: 1042:9f86d0...");
            }
        });
        var json = CommonOptions.Json();
        var state = CommonOptions.State();
        var command = new Command("verify", "Follows the chain of all records; says where the first is that was changed, removed or inserted (exit code 9).\nExample: fairlead audit verify --known 1042:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08") { known, json, state };
        command.SetAction(parsed => Read(parsed.GetValue(state), folder =>
        {
            var result = AuditVerification.Of(folder, parsed.GetValue(known) is { } text ? Known(text) : null);
            if (parsed.GetValue(json))
            {
                Terminal.Current.Line(JsonSerializer.Serialize(result, JsonSerializerOptions.Web));
            }
            else
            {
                Tell(result);
            }

            return result.IsSound ? ExitCodes.Ok : ExitCodes.Unhealthy;
        }));
        return command;
    }

    private static void Tell(AuditVerification result)
    {
        var terminal = Terminal.Current;
        if (result.Records > 0)
        {
            terminal.Line($"{result.Records} records in {result.Files} {(result.Files == 1 ? "file" : "files")} are sound: {result.First} to {result.Last}.");
            terminal.Line($"The last: {result.Last}:{result.LastHash}");
        }

        foreach (var note in result.Notes)
        {
            terminal.Line(note);
        }

        if (result.Break is { } broken)
        {
            terminal.Error($"fairlead: the chain is broken at record {broken.Record} ({broken.File}{(broken.Line > 0 ? $", line {broken.Line}" : "")}): {broken.What}. What stands before it is sound.");
        }
    }

    private static Command Tail()
    {
        var count = WholeNumber.Option("--lines", "N", $"The last N records. Default: {TailDefault}.", "fairlead audit tail --lines 50", "-n");
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on with what comes, until Ctrl+C." };
        var json = CommonOptions.Json();
        var state = CommonOptions.State();
        var filter = new Filter();
        var command = new Command("tail", "Shows the last records.\nExample: fairlead audit tail -f --server git") { count, follow, json, state };
        filter.AddTo(command);
        command.SetAction((parsed, _) => ReadAsync(parsed.GetValue(state), async folder =>
        {
            Func<JsonElement, string> line = parsed.GetValue(json) ? static record => record.GetRawText() : TextLine;
            var query = filter.Of(parsed);

            // Whoever has seen the first line may end it.
            using var signals = parsed.GetValue(follow) ? new StopSignals(TimeProvider.System, static () => Environment.Exit(ExitCodes.Interrupted)) : null;
            var last = Show(query.LatestFirst(folder).Take(parsed.GetValue(count) ?? TailDefault), line);
            if (signals is not null)
            {
                await FollowAsync(folder, query, last ?? 0, line, signals.Stop).ConfigureAwait(false);
            }

            return ExitCodes.Ok;
        }));
        return command;
    }

    private static async Task FollowAsync(string folder, AuditQuery query, long last, Func<JsonElement, string> line, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            last = Show(query.LatestFirst(folder).TakeWhile(record => Number(record) > last), line) ?? last;
            await Task.Delay(s_look, TimeProvider.System, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static Command Export()
    {
        var format = new Option<string>("--format") { DefaultValueFactory = static _ => "jsonl", Description = "jsonl, as the records stand in the files, or csv." };
        format.AcceptOnlyFromAmong("jsonl", "csv");
        var output = new Option<string?>("--output", "-o") { HelpName = "FILE", Description = "The file to write; it must not be there yet. Default: standard output." };
        var state = CommonOptions.State();
        var filter = new Filter();
        var command = new Command("export", "Writes records, the oldest first.\nExample: fairlead audit export --since 2026-11-01 --format csv --output november.csv") { format, output, state };
        filter.AddTo(command);
        command.SetAction(parsed => Read(parsed.GetValue(state), folder =>
        {
            var file = parsed.GetValue(output);
            using var writer = new StreamWriter(file is null ? Console.OpenStandardOutput() : new FileStream(file, FileMode.CreateNew, FileAccess.Write));
            var isCsv = parsed.GetValue(format) == "csv";
            if (isCsv)
            {
                writer.Write(string.Join(',', s_columns) + "\r\n");
            }

            var records = 0;
            foreach (var record in filter.Of(parsed).OldestFirst(folder))
            {
                writer.Write(isCsv ? CsvLine(record) + "\r\n" : record.GetRawText() + "\n");
                records++;
            }

            writer.Flush();
            if (file is not null)
            {
                Terminal.Current.Error($"fairlead: {records} records are in {file}.");
            }

            return ExitCodes.Ok;
        }));
        return command;
    }

    private static readonly string[] s_columns =
        ["seq", "at", "kind", "principal", "client", "via", "server", "method", "target", "verdict", "outcome", "durationMs", "argumentsDigest", "arguments", "lost", "hash"];

    private static string CsvLine(JsonElement record) => string.Join(',', s_columns.Select(name => record.TryGetProperty(name, out var value) ? Quoted(value.ToString()) : ""));

    // Texts of clients: a spreadsheet must not take one for a formula.
    private static string Quoted(string text)
    {
        var safe = text.Length > 0 && text[0] is '=' or '+' or '-' or '@' or '\t' or '\r' ? "'" + text : text;
        return safe.AsSpan().ContainsAny(",\"\r\n") ? $"\"{safe.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : safe;
    }

    private static long? Show(IEnumerable<JsonElement> latestFirst, Func<JsonElement, string> line)
    {
        var records = latestFirst.Reverse().ToList();
        records.ForEach(record => Terminal.Current.Line(line(record)));
        return records.Count == 0 ? null : Number(records[^1]);
    }

    private static long Number(JsonElement record) => record.GetProperty("seq").GetInt64();

    private static string TextLine(JsonElement record)
    {
        var terminal = Terminal.Current;
        var time = record.GetProperty("at").GetDateTimeOffset().ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
        var kind = EventsCommand.Text(record, "kind");
        var text = kind switch
        {
            AuditKind.Call or AuditKind.Change => Done(terminal, record),
            AuditKind.Gap => $"{EventsCommand.Text(record, "lost")} records are missing: they came faster than the disk took them",
            AuditKind.Start => $"Fairlead {EventsCommand.Text(record, "version")} has started (process {EventsCommand.Text(record, "pid")})",
            AuditKind.Stop => "Fairlead has stopped",
            _ => $"file {EventsCommand.Text(record, "file")}",
        };
        return $"{Number(record),7} {time} {kind,-6} {text}";
    }

    private static string Done(Terminal terminal, JsonElement record)
    {
        var outcome = EventsCommand.Text(record, "outcome");
        var isGood = outcome == "ok" && EventsCommand.Text(record, "verdict") != "denied";
        var shown = $"{(EventsCommand.Text(record, "verdict") == "denied" ? "denied: " : "")}{outcome}";
        var took = record.TryGetProperty("durationMs", out var duration) ? string.Create(CultureInfo.InvariantCulture, $" {duration.GetDouble():0.0} ms") : "";
        return $"{EventsCommand.Text(record, "server") ?? "-"}  {EventsCommand.Text(record, "method")} {EventsCommand.Text(record, "target")}  {terminal.Paint(isGood ? Colour.Green : Colour.Red, shown)}{took}  {EventsCommand.Text(record, "principal")}{(EventsCommand.Text(record, "client") is { } client ? $" ({client})" : "")} via {EventsCommand.Text(record, "via")}";
    }

    private static (long Number, string Hash)? Known(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && long.TryParse(text.AsSpan(0, colon), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && text.Length == colon + 65
            && text.AsSpan(colon + 1).IndexOfAnyExcept(s_hex) < 0 ? (number, text[(colon + 1)..]) : null;
    }

    private static int Read(string? state, Func<string, int> command) => ReadAsync(state, folder => Task.FromResult(command(folder))).GetAwaiter().GetResult();

    private static async Task<int> ReadAsync(string? state, Func<string, Task<int>> command)
    {
        var folder = Path.Combine(StateFolder.PathFor(state), AuditFiles.FolderName);
        try
        {
            if (AuditFiles.In(folder).Length == 0)
            {
                Terminal.Current.Error($"fairlead: there is no audit log in {folder}. An instance writes one unless audit.record is off; name its state folder with --state.");
                return ExitCodes.NotFound;
            }

            return await command(folder).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Terminal.Current.Error($"fairlead: {exception.Message}");
            return ExitCodes.Failed;
        }
    }

    /// <summary>The options that choose records.</summary>
    private sealed class Filter
    {
        private readonly Option<string?> _kind = new("--kind") { Description = "Only call, change, start, stop, begin or gap." };
        private readonly Option<string?> _server = new("--server") { HelpName = "SERVER", Description = "Only of this server." };
        private readonly Option<string?> _target = new("--target", "--tool") { HelpName = "NAME", Description = "Only of this tool, prompt or URI." };
        private readonly Option<string?> _principal = new("--principal") { HelpName = "WHO", Description = "Only what this principal did: local or admin." };
        private readonly Option<string?> _client = new("--client") { HelpName = "NAME", Description = "Only of programs whose name begins so." };
        private readonly Option<string?> _verdict = new("--verdict") { Description = "Only allowed or denied." };
        private readonly Option<string?> _outcome = new("--outcome") { HelpName = "OUTCOME", Description = "Only with this outcome: ok, the word of an error, or failed for all that are not ok." };
        private readonly Option<DateTimeOffset?> _since = Time("--since", "Only from then on");
        private readonly Option<DateTimeOffset?> _until = Time("--until", "Only what was before");

        public Filter()
        {
            _kind.AcceptOnlyFromAmong(AuditKind.Call, AuditKind.Change, AuditKind.Start, AuditKind.Stop, AuditKind.Begin, AuditKind.Gap);
            _verdict.AcceptOnlyFromAmong("allowed", "denied");
            _server.CompletionSources.Add(static _ => CommonOptions.ServerNames());
        }

        public void AddTo(Command command)
        {
            foreach (var option in (Option[])[_kind, _server, _target, _principal, _client, _verdict, _outcome, _since, _until])
            {
                command.Options.Add(option);
            }
        }

        public AuditQuery Of(ParseResult parsed) => new()
        {
            Kind = parsed.GetValue(_kind), Server = parsed.GetValue(_server), Target = parsed.GetValue(_target), Principal = parsed.GetValue(_principal), Client = parsed.GetValue(_client),
            Verdict = parsed.GetValue(_verdict), Outcome = parsed.GetValue(_outcome), Since = parsed.GetValue(_since), Until = parsed.GetValue(_until),
        };

        private static Option<DateTimeOffset?> Time(string name, string what) => new(name)
        {
            HelpName = "TIME",
            Description = $"{what}: 2026-11-30, 2026-11-30T16:00:00Z, or how long ago, such as 30m, 6h or 7d.",
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (Parse(text) is { } time)
                {
                    return time;
                }

                result.AddError($"{name} '{text}' is no time. Give 2026-11-30, 2026-11-30T16:00:00Z, or how long ago, such as 30m, 6h or 7d.");
                return null;
            },
        };

        private static DateTimeOffset? Parse(string text)
        {
            if (text.Length > 1 && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number < 100_000)
            {
                var ago = text[^1] switch { 's' => TimeSpan.FromSeconds(number), 'm' => TimeSpan.FromMinutes(number), 'h' => TimeSpan.FromHours(number), 'd' => TimeSpan.FromDays(number), _ => TimeSpan.Zero };
                if (ago > TimeSpan.Zero)
                {
                    return TimeProvider.System.GetUtcNow() - ago;
                }
            }

            return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out var time) ? time : null;
        }
    }
}
