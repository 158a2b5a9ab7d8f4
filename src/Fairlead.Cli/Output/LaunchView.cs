using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.Wire;

namespace Fairlead.Cli.Output;

/// <summary>Tells how the servers come up and what becomes of them: live lines on a terminal, a line per change elsewhere, or JSON lines.</summary>
/// <remarks>One task at a time calls <see cref="FollowAsync"/>; the rest may be called from any thread.</remarks>
internal sealed class LaunchView(Terminal terminal, bool isJson, TimeProvider time)
{
    private const int ReasonCharsMax = 500;

    private static readonly JsonWriterOptions s_json = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly TimeSpan s_tick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_slow = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan s_remindEvery = TimeSpan.FromSeconds(15);

    private readonly Dictionary<string, (ServerState State, string? Reason)> _shown = new(StringComparer.Ordinal);
    private readonly HashSet<string> _settled = new(StringComparer.Ordinal);
    private readonly long _since = time.GetTimestamp();
    private TimeSpan _nextReminder = s_slow;

    /// <summary>One JSON line on stdout, when JSON was asked for.</summary>
    /// <param name="name">The event.</param>
    /// <param name="members">Writes what more stands in it. Member by member: the first lines come early in a start, and a serializer that looks at types would be its dearest part.</param>
    public void Event(string name, Action<Utf8JsonWriter>? members = null)
    {
        if (isJson)
        {
            var line = new ArrayBufferWriter<byte>();
            using (var json = new Utf8JsonWriter(line, s_json))
            {
                json.WriteStartObject();
                json.WriteString("event", name);
                members?.Invoke(json);
                json.WriteEndObject();
            }

            terminal.Line(Encoding.UTF8.GetString(line.WrittenSpan));
        }
    }

    /// <summary>One line for people on stdout.</summary>
    public void Say(string text)
    {
        if (!isJson)
        {
            terminal.Line(text);
        }
    }

    /// <summary>Why it could not go on: a sentence on stderr, and the event <c>failed</c>.</summary>
    /// <returns>The exit code given.</returns>
    public int Fail(int exitCode, string reason)
    {
        Event("failed", json =>
        {
            json.WriteNumber("exitCode", exitCode);
            json.WriteString("reason", reason);
        });
        terminal.Error("fairlead: " + CellText.Clean(reason));
        return exitCode;
    }

    /// <summary>Shows every change of every server; the summary once none is in its first start any more. Ends by cancellation alone.</summary>
    public async Task FollowAsync(Fleet fleet, CancellationToken cancellationToken)
    {
        try
        {
            var change = Task.CompletedTask;
            for (var isStarting = true; ;)
            {
                // Taken before the snapshots are read: a change in between completes the task already taken.
                change = change.IsCompleted ? fleet.AnyChange() : change;
                var cells = fleet.Current.InOrder;
                var width = cells.Select(static cell => cell.Name.Length).Append(0).Max();
                foreach (var cell in cells)
                {
                    Show(cell.Current, width);
                }

                ServerCell[] pending = [.. cells.Where(cell => !_settled.Contains(cell.Name))];
                ShowPending(pending, width);
                if (isStarting && pending.Length == 0)
                {
                    isStarting = false;
                    Summarize(cells);
                }

                var wait = change.WaitAsync(cancellationToken);
                await (isStarting ? Task.WhenAny(wait, Task.Delay(s_tick, time, cancellationToken)).Unwrap() : wait).ConfigureAwait(false);
            }
        }
        finally
        {
            terminal.Live([]);
        }
    }

    private static bool IsUp(ServerSnapshot server) => server.State is ServerState.Healthy or ServerState.Degraded or ServerState.Idle;

    private static bool IsSkipped(ServerSnapshot server) => server.State is ServerState.MissingAuth or ServerState.Disabled or ServerState.Maintenance;

    /// <summary>A member that is a text; none when there is no text.</summary>
    public static void WriteText(Utf8JsonWriter json, string member, string? text)
    {
        if (text is not null)
        {
            json.WriteString(member, text);
        }
    }

    /// <summary>A member that is a list of texts; none when there is no list.</summary>
    public static void WriteTexts(Utf8JsonWriter json, string member, IEnumerable<string>? texts)
    {
        if (texts is not null)
        {
            json.WriteStartArray(member);
            foreach (var text in texts)
            {
                json.WriteStringValue(text);
            }

            json.WriteEndArray();
        }
    }

    private static void WriteServers(Utf8JsonWriter json, string member, ServerSnapshot[] servers, bool isSkipped)
    {
        json.WriteStartArray(member);
        foreach (var server in servers)
        {
            json.WriteStartObject();
            WriteState(json, server);
            if (isSkipped)
            {
                WriteTexts(json, "missing", server.Config.MissingVariables);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteState(Utf8JsonWriter json, ServerSnapshot server)
    {
        json.WriteString("id", server.Config.Name);
        json.WriteString("state", server.State.ToString());
        WriteText(json, "reason", server.Reason);
    }

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString(time.TotalSeconds < 10 ? "0.0" : "0", CultureInfo.InvariantCulture) + " s";

    private static string ReasonOf(ServerSnapshot server)
    {
        var reason = CellText.OneLine(server.Reason ?? "");
        return reason.Length <= ReasonCharsMax ? reason : $"{reason[..ReasonCharsMax]}... (fairlead logs {server.Config.Name} shows all)";
    }

    private void Show(ServerSnapshot server, int width)
    {
        var name = server.Config.Name;
        if (_shown.TryGetValue(name, out var before) && before == (server.State, server.Reason))
        {
            return;
        }

        var isFirst = !_settled.Contains(name);
        _shown[name] = (server.State, server.Reason);
        if (server.State != ServerState.Initializing)
        {
            _settled.Add(name);
        }

        Event("server", json =>
        {
            WriteState(json, server);
            json.WriteNumber("tools", server.Catalog.Tools.Length);
            WriteText(json, "protocolVersion", server.Catalog.Identity?.Version.Format());
            json.WriteNumber("elapsedMs", (long)time.GetElapsedTime(_since).TotalMilliseconds);
        });
        if (server.State == ServerState.Initializing)
        {
            return; // A start is shown as long as it lasts; of a restart its outcome tells.
        }

        var detail = ReasonOf(server);
        if (IsUp(server))
        {
            detail = detail.Length == 0 ? CellText.OneLine(server.Backend ?? "") : detail;
            detail = $"{server.Catalog.Tools.Length} {(server.Catalog.Tools.Length == 1 ? "tool" : "tools")}{(isFirst ? ", " + Seconds(time.GetElapsedTime(_since)) : "")}{(detail.Length == 0 ? "" : "; " + detail)}";
        }
        else if (server.NextRetry is { } retry)
        {
            detail += $"; next try in {Seconds(retry - time.GetUtcNow())}";
        }

        var clock = isFirst ? "" : time.GetLocalNow().ToString("HH:mm:ss ", CultureInfo.InvariantCulture);
        Say($"  {clock}{CellText.Pad(name, width)}  {terminal.Paint(States.ColourOf(server.State.ToString()), server.State.ToString())}  {detail}");
    }

    private void ShowPending(ServerCell[] pending, int width)
    {
        if (isJson)
        {
            return;
        }

        var elapsed = time.GetElapsedTime(_since);
        string[] lines = [.. pending.Select(cell => $"  {CellText.Pad(cell.Name, width)}  starting, {Seconds(elapsed)}{Hint(cell.Current.Config, elapsed)}")];
        if (terminal.IsTerminal)
        {
            var max = terminal.LiveLinesMax;
            terminal.Live(lines.Length <= max ? lines : [.. lines.Take(max - 1), $"  and {lines.Length - max + 1} more"]);
        }
        else if (lines.Length != 0 && elapsed >= _nextReminder)
        {
            _nextReminder = elapsed + s_remindEvery;
            foreach (var line in lines)
            {
                Say(line);
            }
        }
    }

    /// <summary>What may take so long, once it does.</summary>
    private static string Hint(ServerConfig config, TimeSpan elapsed) =>
        elapsed >= s_slow && Path.GetFileNameWithoutExtension(config.Command) is "npx" or "uvx" or "npm" or "pipx" or "docker"
            ? $" ({Path.GetFileNameWithoutExtension(config.Command)} downloads what is not there yet)"
            : "";

    private void Summarize(ServerCell[] cells)
    {
        ServerSnapshot[] all = [.. cells.Select(static cell => cell.Current)];
        ServerSnapshot[] launched = [.. all.Where(IsUp)];
        ServerSnapshot[] skipped = [.. all.Where(IsSkipped)];
        ServerSnapshot[] failed = [.. all.Except(launched).Except(skipped)];
        Event("summary", json =>
        {
            WriteTexts(json, "launched", launched.Select(static server => server.Config.Name));
            WriteServers(json, "failed", failed, isSkipped: false);
            WriteServers(json, "skipped", skipped, isSkipped: true);
        });
        Say(terminal.Paint(Colour.Bold, $"{launched.Length} launched, {failed.Length} failed, {skipped.Length} skipped."));
        foreach (var server in failed)
        {
            Say($"  failed:  {server.Config.Name}: {ReasonOf(server)}");
        }

        foreach (var server in skipped)
        {
            Say($"  skipped: {server.Config.Name}: {ReasonOf(server)}");
        }

        Say("Press Ctrl+C to stop.");
    }
}
