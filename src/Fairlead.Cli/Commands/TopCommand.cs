using System.CommandLine;
using System.Text.Json;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead top</c>: the traffic of the running instance, live.</summary>
internal static class TopCommand
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_intervalMin = TimeSpan.FromMilliseconds(100);

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var interval = CommonOptions.Duration("--interval", "The time from one look to the next, from 100ms. Default: 2s.", s_intervalMin, TimeSpan.FromDays(1));
        var count = WholeNumber.Option("--count", "N", "Print N tables one after the other, and end. Default: live until q or Ctrl+C; one where there is no terminal, and with --json.", "fairlead top --count 5", "-n");
        var json = CommonOptions.Json();
        var instance = new InstanceOptions();
        var command = new Command(
            "top", "Shows the traffic of each server: calls per second, errors, times, calls in flight, of the last minute. Keys c, e, p and n sort, q ends.\nExample: fairlead top --interval 5s")
        {
            interval, count, json, instance,
        };
        command.SetAction((parsed, cancellationToken) =>
        {
            var (target, every, terminal) = (instance.Of(parsed), parsed.GetValue(interval) ?? s_interval, Terminal.Current);
            var asJson = parsed.GetValue(json);
            return parsed.GetValue(count) is null && terminal.IsTerminal && !asJson
                ? new TopRun(target, terminal, every, TimeProvider.System).RunAsync()
                : InstanceClient.RunAsync(target, client => PrintAsync(client, terminal, asJson, parsed.GetValue(count) ?? 1, every, TimeProvider.System, cancellationToken));
        });
        return command;
    }

    private static async Task<int> PrintAsync(InstanceClient client, Terminal terminal, bool asJson, int count, TimeSpan every, TimeProvider time, CancellationToken cancellationToken)
    {
        var view = new TopView(terminal, time, isLive: false);
        for (var printed = 0; printed < count; printed++)
        {
            if (printed != 0)
            {
                await Task.Delay(every, time, cancellationToken).ConfigureAwait(false);
            }

            var (metrics, servers, exitCode) = await LookAsync(client, cancellationToken).ConfigureAwait(false);
            if (exitCode != ExitCodes.Ok)
            {
                return exitCode;
            }

            view.Take(metrics, servers);
            foreach (var line in asJson ? [TopView.Json(metrics, servers, time.GetUtcNow())] : view.Lines())
            {
                terminal.Line(line);
            }
        }

        return ExitCodes.Ok;
    }

    /// <summary>One look: the metrics, and the servers with their states.</summary>
    public static async Task<(JsonElement Metrics, JsonElement Servers, int ExitCode)> LookAsync(InstanceClient client, CancellationToken cancellationToken)
    {
        var (metrics, exitCode) = await client.GetAsync("/api/v1/metrics", cancellationToken: cancellationToken).ConfigureAwait(false);
        if (exitCode != ExitCodes.Ok)
        {
            return (default, default, exitCode);
        }

        (var document, exitCode) = await client.GetAsync("/api/v1/servers", cancellationToken: cancellationToken).ConfigureAwait(false);
        return exitCode == ExitCodes.Ok ? (metrics, document.GetProperty("servers"), exitCode) : (default, default, exitCode);
    }
}
