using System.CommandLine;
using System.Diagnostics;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead down</c>: stops the running instance and waits until it is gone.</summary>
internal static class DownCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var url = CommonOptions.Url();
        var state = CommonOptions.State();
        var command = new Command("down", "Stops the running instance and its servers.") { url, state };
        command.SetAction((parsed, cancellationToken) => InstanceClient.RunAsync(parsed.GetValue(url), parsed.GetValue(state), async client =>
        {
            var instance = StateFolder.ReadInstance(StateFolder.PathFor(parsed.GetValue(state)));
            var (_, exitCode) = await client.PostAsync("/api/v1/shutdown", "{}").ConfigureAwait(false);
            if (exitCode != ExitCodes.Ok)
            {
                return exitCode;
            }

            if (parsed.GetValue(url) is null && instance is not null)
            {
                await WaitForExitAsync(instance.Pid, cancellationToken).ConfigureAwait(false);
            }

            Console.WriteLine("Stopped.");
            return ExitCodes.Ok;
        }));
        return command;
    }

    private static async Task WaitForExitAsync(int pid, CancellationToken cancellationToken)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ArgumentException)
        {
            // It has ended already.
        }
    }
}
