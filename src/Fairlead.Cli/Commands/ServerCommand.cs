using System.CommandLine;
using Fairlead.BuiltIn;
using Fairlead.Cli.Running;
using Fairlead.Configuration;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead server [NAME]</c>: one built-in server alone on stdin and stdout.</summary>
internal static class ServerCommand
{
    // A call that ignores the end of its connection is not waited for.
    private static readonly TimeSpan s_endLimit = TimeSpan.FromSeconds(5);

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var name = new Argument<string?>("name") { Arity = ArgumentArity.ZeroOrOne, Description = "The server. Without it: lists them." };
        var command = new Command("server", "Runs one built-in server alone: MCP on standard input and output, until the input ends.\nExample: fairlead server git") { name };
        command.SetAction((parsed, _) => parsed.GetValue(name) is { } wanted ? RunAsync(wanted) : Task.FromResult(List()));
        return command;
    }

    private static int List()
    {
        foreach (var server in BuiltInServers.All)
        {
            Output.Terminal.Current.Line($"{server.Factory.Type}  (reads {string.Join(", ", server.Factory.Variables)})");
        }

        return ExitCodes.Ok;
    }

    private static async Task<int> RunAsync(string name)
    {
        string[] names = [.. BuiltInServers.All.Select(static server => server.Factory.Type)];
        if (BuiltInServers.All.FirstOrDefault(server => server.Factory.Type == name) is not { } found)
        {
            var nearest = OptionWords.Nearest(name, names);
            return InstanceClient.Fail(ExitCodes.NotFound, $"there is no built-in server '{name}'.{(nearest is null ? "" : $" Did you mean {nearest}?")} There are: {string.Join(", ", names)}.");
        }

        // The .env files of the current directory count, as without a configuration for up.
        var loaded = ConfigurationLoader.Load(null, CommonOptions.Environment());
        var variables = loaded.Options.Variables!.Where(pair => found.Factory.Variables.Contains(pair.Key)).ToDictionary(StringComparer.Ordinal);
        IMcpServer server;
        try
        {
            server = found.Factory.Create(new McpServerSettings(name, variables) { WorkingDirectory = Directory.GetCurrentDirectory() });
        }
        catch (ArgumentException exception)
        {
            return InstanceClient.Fail(ExitCodes.Configuration, exception.Message + ".");
        }

        using var signals = new StopSignals(TimeProvider.System, static () => Environment.Exit(ExitCodes.Interrupted));
        try
        {
            if (server is IBackedServer backed)
            {
                await TellAsync(name, backed, loaded, signals.Stop).ConfigureAwait(false);
            }

            return await ServeAsync(name, server, signals).ConfigureAwait(false);
        }
        finally
        {
            if (server is IAsyncDisposable disposable)
            {
                await disposable.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>One line to stderr: what it is connected to, or what it lacks. Its tools say the same until that is mended.</summary>
    private static async Task TellAsync(string name, IBackedServer backed, ConfigurationResult loaded, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(new HealthCheckOptions().TimeoutMs), TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        BackendReport report;
        try
        {
            report = await backed.CheckAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            report = BackendReport.Unreachable("what it stands on does not answer");
        }

        Output.Terminal.Current.Error(loaded.Redactor.Redact(report.State == BackendState.Ready
            ? $"{name}: connected to {report.Text}"
            : $"{name}: {report.Text}. It serves, and its tools work as soon as that is mended."));
    }

    private static async Task<int> ServeAsync(string name, IMcpServer server, StopSignals signals)
    {
        var run = server.RunAsync(Console.OpenStandardInput(), Console.OpenStandardOutput(), signals.Stop);
        try
        {
            // A read of standard input cannot be cancelled everywhere: after a signal the run gets a short time and no more.
            var ended = await Task.WhenAny(run, Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, signals.Stop)).ConfigureAwait(false);
            await (ended == run ? run : run.WaitAsync(s_endLimit, TimeProvider.System)).ConfigureAwait(false);
        }
        catch (Exception exception) when (signals.Stop.IsCancellationRequested && exception is OperationCanceledException or TimeoutException)
        {
            return ExitCodes.Ok; // Stopped as asked.
        }
        catch (IOException exception)
        {
            return InstanceClient.Fail(ExitCodes.Failed, $"{name}: its client is gone: {exception.Message}");
        }

        return ExitCodes.Ok;
    }
}
