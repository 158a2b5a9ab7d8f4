using System.Text.Json;
using Spectre.Console;

namespace Fairlead.Cli.Running;

/// <summary>Shows how the servers come up: a live table on a terminal, a line per change elsewhere, or JSON lines.</summary>
internal sealed class LaunchView
{
    private readonly bool _json;
    private readonly IAnsiConsole _console;
    private readonly Dictionary<string, ServerState> _shown = new(StringComparer.Ordinal);

    /// <summary>Writes to stdout.</summary>
    public LaunchView(bool json)
    {
        _json = json;
        _console = AnsiConsole.Console;
    }

    /// <summary>One JSON line, when JSON was asked for.</summary>
    public void Event(object line)
    {
        if (_json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(line, JsonSerializerOptions.Web));
            Console.Out.Flush();
        }
    }

    /// <summary>One line for people.</summary>
    public void Say(string markup)
    {
        if (!_json)
        {
            _console.MarkupLine(markup);
        }
    }

    /// <summary>Follows the start until no server is Initializing any more.</summary>
    /// <param name="list">Gives the servers of the moment.</param>
    /// <param name="changed">Completes at the next change of any server.</param>
    /// <param name="cancellationToken">Ends the view; the start goes on.</param>
    public async Task FollowAsync(Func<Task<IReadOnlyList<ServerInfo>>> list, Func<Task> changed, CancellationToken cancellationToken)
    {
        if (_json || !_console.Profile.Capabilities.Interactive)
        {
            await LoopAsync(list, changed, ShowChanges, cancellationToken).ConfigureAwait(false);
            return;
        }

        var table = new Table().Border(TableBorder.None).HideHeaders().AddColumns("", "", "", "");
        await _console.Live(table).StartAsync(context => LoopAsync(
            list,
            changed,
            servers =>
            {
                table.Rows.Clear();
                foreach (var server in servers)
                {
                    table.AddRow("  " + server.Id, Commands.PsCommand.Colour(server.State.ToString()), Tools(server), Markup.Escape(server.Reason ?? ""));
                }

                context.Refresh();
            },
            cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>Tells how it went: launched, failed with reasons, skipped with what is missing.</summary>
    public void Summarize(IReadOnlyList<ServerInfo> servers)
    {
        var launched = servers.Where(IsUp).ToArray();
        var skipped = servers.Where(server => server.State is ServerState.MissingAuth or ServerState.Disabled or ServerState.Maintenance).ToArray();
        var failed = servers.Except(launched).Except(skipped).ToArray();
        Event(new
        {
            @event = "summary",
            launched = launched.Select(server => server.Id),
            failed = failed.Select(server => new { server.Id, state = server.State.ToString(), server.Reason }),
            skipped = skipped.Select(server => new { server.Id, state = server.State.ToString(), server.Reason }),
        });
        Say($"[bold]{launched.Length} launched[/], {failed.Length} failed, {skipped.Length} skipped.");
        foreach (var server in failed.Concat(skipped))
        {
            Say($"  {Markup.Escape(server.Id)}: {Commands.PsCommand.Colour(server.State.ToString())} {Markup.Escape(server.Reason ?? "")}");
        }
    }

    private static async Task LoopAsync(
        Func<Task<IReadOnlyList<ServerInfo>>> list, Func<Task> changed, Action<IReadOnlyList<ServerInfo>> show, CancellationToken cancellationToken)
    {
        while (true)
        {
            var change = changed();
            var servers = await list().ConfigureAwait(false);
            show(servers);
            if (servers.All(server => server.State != ServerState.Initializing))
            {
                return;
            }

            await change.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static bool IsUp(ServerInfo server) => server.State is ServerState.Healthy or ServerState.Degraded or ServerState.Idle;

    private static string Tools(ServerInfo server) => IsUp(server) ? $"{server.Tools} tools" : "";

    private void ShowChanges(IReadOnlyList<ServerInfo> servers)
    {
        foreach (var server in servers)
        {
            if (_shown.TryGetValue(server.Id, out var before) && before == server.State)
            {
                continue;
            }

            _shown[server.Id] = server.State;
            Event(new { @event = "server", server.Id, state = server.State.ToString(), server.Reason, server.Tools, server.ProtocolVersion });
            Say($"  {Markup.Escape(server.Id)}: {Commands.PsCommand.Colour(server.State.ToString())} {Tools(server)} {Markup.Escape(server.Reason ?? "")}".TrimEnd());
        }
    }
}
