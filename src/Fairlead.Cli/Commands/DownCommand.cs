using System.CommandLine;
using System.Diagnostics;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead down</c>: stops the running instance and waits until it is gone.</summary>
internal static class DownCommand
{
    private static readonly TimeSpan s_waitMax = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(200);

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var instance = new InstanceOptions();
        var command = new Command("down", "Stops the running instance and its servers, and waits until it is gone.\nExample: fairlead down") { instance };
        command.SetAction((parsed, _) => InstanceClient.RunAsync(instance.Of(parsed), StopAsync));
        return command;
    }

    private static async Task<int> StopAsync(InstanceClient client)
    {
        var (_, exitCode) = await client.PostAsync("/api/v1/shutdown", "{}", asAdmin: true).ConfigureAwait(false);
        if (exitCode != ExitCodes.Ok)
        {
            return exitCode;
        }

        using var limit = new CancellationTokenSource(s_waitMax, TimeProvider.System);
        try
        {
            await (client.Instance is { } instance ? WaitForExitAsync(instance.Pid, limit.Token) : WaitForSilenceAsync(client, limit.Token)).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            var way = client.Instance is { } still ? $"kill -9 {still.Pid} ends it at once, its servers too" : "look at it on its machine";
            return InstanceClient.Fail(ExitCodes.Failed, $"it is stopping, but not gone after {s_waitMax.TotalSeconds:0} s; {way}.");
        }

        Terminal.Current.Line("Stopped.");
        return ExitCodes.Ok;
    }

    private static async Task WaitForExitAsync(int pid, CancellationToken cancellationToken)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            // It has ended already.
            return;
        }
    }

    /// <summary>Of an instance that only its address is known of: it is gone when nobody answers there.</summary>
    private static async Task WaitForSilenceAsync(InstanceClient client, CancellationToken cancellationToken)
    {
        while (await client.AnswersAsync(cancellationToken).ConfigureAwait(false))
        {
            await Task.Delay(s_poll, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
    }
}
