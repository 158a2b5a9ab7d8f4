using Fairlead.Configuration;
using Fairlead.Processes;
using Fairlead.Security;

namespace Fairlead.Health;

/// <summary>A program that exits with 0 speaks for a server. It is started as the server itself is: without a shell, in its folder, with its variables and no others of this process.</summary>
internal static class CommandCheck
{
    private const int OutputBufferBytes = 4096;

    /// <summary>Runs the program to its end. When it is given up, it is killed with all that it started.</summary>
    /// <param name="config">With the command of a check.</param>
    /// <param name="processes">Starts it, and ends it however this process ends.</param>
    /// <param name="redactor">Hides secrets in what it writes to stderr.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<HealthFinding> RunAsync(ServerConfig config, ProcessSupervisor processes, SecretRedactor redactor, CancellationToken cancellationToken)
    {
        var command = config.HealthCheck.Command!;
        ChildProcess child;
        try
        {
            child = processes.Start(new ChildProcessOptions
            {
                Server = config.Name,
                Command = command,
                Arguments = [.. config.HealthCheck.Arguments],
                Environment = new Dictionary<string, string>(config.Environment, StringComparer.Ordinal),
                WorkingDirectory = config.WorkingDirectory,
                Redact = text => redactor.Redact(text),
            });
        }
        catch (ChildStartException exception)
        {
            return HealthFinding.Bad("its health check cannot run: " + exception.Message.Replace($"Server '{config.Name}': ", "", StringComparison.Ordinal));
        }

        await using (child.ConfigureAwait(false))
        {
            using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var discarding = DiscardAsync(child.StandardOutput, done.Token);
            try
            {
                await child.StandardInput.DisposeAsync().ConfigureAwait(false);
                var exit = await child.Exited.WaitAsync(cancellationToken).ConfigureAwait(false);
                return exit.ExitCode == 0 ? HealthFinding.Good : HealthFinding.Bad($"{command} {Describe(exit)}");
            }
            finally
            {
                // It has ended, or it had its time.
                await child.StopAsync(TimeSpan.Zero, TimeSpan.Zero, CancellationToken.None).ConfigureAwait(false);
                await done.CancelAsync().ConfigureAwait(false);
                await discarding.ConfigureAwait(false);
            }
        }
    }

    private static string Describe(ChildExit exit)
    {
        var how = exit.Signal is null ? $"exited with code {exit.ExitCode}" : $"was ended by {exit.Signal}";
        return exit.StandardErrorTail.Count == 0 ? how : $"{how}: {exit.StandardErrorTail[^1]}";
    }

    /// <summary>Reads what nobody wants, so that the program does not wait for room in the pipe.</summary>
    private static async Task DiscardAsync(Stream output, CancellationToken cancellationToken)
    {
        var buffer = new byte[OutputBufferBytes];
        try
        {
            while (await output.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) > 0)
            {
                // Its exit code alone counts.
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            // The program is gone; something that it started may hold the pipe.
            return;
        }
    }
}
