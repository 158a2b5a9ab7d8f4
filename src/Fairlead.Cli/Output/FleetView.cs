using System.Globalization;
using System.Text.Json;
using Fairlead.Cli.Commands;

namespace Fairlead.Cli.Output;

/// <summary>Shows the servers of an instance as they change: the table on a <see cref="LiveScreen"/>, or a line for each change, or a JSON object.</summary>
/// <remarks>Any thread.</remarks>
/// <param name="terminal">Where to.</param>
/// <param name="screen">The screen, which the caller ends; null = lines.</param>
/// <param name="isJson">JSON objects instead of lines.</param>
/// <param name="time">The clock of lines and of next tries.</param>
internal sealed class FleetView(Terminal terminal, LiveScreen? screen, bool isJson, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, string> _told = new(StringComparer.Ordinal);
    private JsonElement[] _servers = [];
    private string? _wait;
    private bool _isFirst = true;

    /// <summary>The servers as they are.</summary>
    /// <param name="servers">As the API lists them.</param>
    public void Show(IEnumerable<JsonElement> servers)
    {
        lock (_gate)
        {
            _servers = [.. servers];
            _wait = null;
            if (screen is null)
            {
                Tell_NeedsLock();
            }
        }

        Redraw();
    }

    /// <summary>The instance is gone, and is waited for.</summary>
    /// <param name="reason">What is known of it.</param>
    public void Wait(string reason)
    {
        lock (_gate)
        {
            if (_wait is not null)
            {
                return;
            }

            _wait = CellText.OneLine(reason);
            if (screen is null && isJson)
            {
                terminal.Line(JsonSerializer.Serialize(new { change = "waiting", reason }, JsonSerializerOptions.Web));
            }
            else if (screen is null)
            {
                terminal.Line($"{Clock()} waiting for the instance: {_wait}");
            }
        }

        Redraw();
    }

    /// <summary>Draws the table anew: the time to the next try has passed on.</summary>
    public void Redraw()
    {
        if (screen is null)
        {
            return;
        }

        lock (_gate)
        {
            var now = time.GetUtcNow();
            var head = _wait is null ? $"{_servers.Count(static server => PsCommand.Text(server, "state") is "Healthy" or "Degraded")} of {_servers.Length} serving"
                : terminal.Paint(Colour.Yellow, "waiting for the instance to come back") + $" ({_wait}); as it was:";
            screen.Show([$"fairlead ps  {Clock()}  {head}  (Ctrl+C ends)", .. PsCommand.Table(_servers, terminal, now)]);
        }
    }

    private void Tell_NeedsLock()
    {
        foreach (var server in _servers)
        {
            var id = PsCommand.Text(server, "id");

            // Of a line what a person reads of it counts; its next try alone is no change.
            var shown = isJson ? server.GetRawText() : Line(server, null);
            var before = _told.GetValueOrDefault(id);
            if (before == shown)
            {
                continue;
            }

            _told[id] = shown;
            var change = _isFirst ? "present" : before is null ? "added" : "changed";
            terminal.Line(isJson ? $"{{\"change\":\"{change}\",\"server\":{shown}}}" : $"{Clock()} {Line(server, time.GetUtcNow())}");
        }

        var present = _servers.Select(static server => PsCommand.Text(server, "id")).ToHashSet(StringComparer.Ordinal);
        foreach (var gone in _told.Keys.Where(id => !present.Contains(id)).ToArray())
        {
            _told.Remove(gone);
            terminal.Line(isJson ? JsonSerializer.Serialize(new { change = "removed", server = new { id = gone } }, JsonSerializerOptions.Web) : $"{Clock()} {CellText.OneLine(gone)}  left");
        }

        _isFirst = false;
    }

    private string Clock() => time.GetLocalNow().ToString("HH:mm:ss", CultureInfo.InvariantCulture);

    private static string Line(JsonElement server, DateTimeOffset? now)
    {
        var tools = PsCommand.Text(server, "tools");
        var remarks = PsCommand.Remarks(server, now);
        return $"{CellText.OneLine(PsCommand.Text(server, "id"))}  {CellText.OneLine(PsCommand.Text(server, "state"))}  {tools} {(tools == "1" ? "tool" : "tools")}{(remarks.Length == 0 ? "" : "  " + CellText.OneLine(remarks))}";
    }
}
