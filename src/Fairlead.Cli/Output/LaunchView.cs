using System.Globalization;
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

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web)
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
    };

    private static readonly TimeSpan s_tick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_slow = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan s_remindEvery = TimeSpan.FromSeconds(15);

    private readonly Dictionary<string, (ServerState State, string? Reason)> _shown = new(StringComparer.Ordinal);
    private readonly HashSet<string> _settled = new(StringComparer.Ordinal);
    private readonly long _since = time.GetTimestamp();
    private TimeSpan _nextReminder = s_slow;

    /// <summary>One JSON line on stdout, when JSON was asked for.</summary>
    public void Event(object line)
    {
        if (isJson)
        {
            terminal.Line(JsonSerializer.Serialize(line, s_json));
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
        Event(new { @event = "failed", exitCode, reason });
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

        Event(new
        {
            @event = "server", id = name, state = server.State.ToString(), reason = server.Reason, tools = server.Catalog.Tools.Length,
            protocolVersion = server.Catalog.Identity?.Version.Format(), elapsedMs = (long)time.GetElapsedTime(_since).TotalMilliseconds,
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
        Event(new
        {
            @event = "summary",
            launched = launched.Select(static server => server.Config.Name),
            failed = failed.Select(static server => new { id = server.Config.Name, state = server.State.ToString(), reason = server.Reason }),
            skipped = skipped.Select(static server => new
            {
                id = server.Config.Name, state = server.State.ToString(), reason = server.Reason, missing = server.Config.MissingVariables,
            }),
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
