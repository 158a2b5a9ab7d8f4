using Fairlead.Configuration;
using Fairlead.Processes;

namespace Fairlead.Servers;

/// <summary>Which programs a server that was deployed over the REST API may run (decision 2): those of the configuration's servers, and <c>allowedCommands</c>.</summary>
/// <remarks>What is compared is the file that would be started, found with the variables and the folder of each server: a PATH or a folder in the request leads to no other program of the same name.</remarks>
internal static class CommandAllowList
{
    /// <summary>Refuses a configuration whose program is not on the list. One without a program of its own is never refused.</summary>
    /// <param name="config">In its final form.</param>
    /// <param name="configured">The servers of the configuration.</param>
    /// <param name="allowed">What <c>allowedCommands</c> says.</param>
    /// <exception cref="InvalidConfiguration">There is no such program.</exception>
    /// <exception cref="Forbidden">It is not on the list; the message names the way out.</exception>
    public static void Check(ServerConfig config, IEnumerable<ServerConfig> configured, IEnumerable<string> allowed)
    {
        if (config is not { EffectiveTransport: ServerTransport.Stdio, Command: { } command })
        {
            return;
        }

        // One that is not there is refused, too: what would be put there later was on nobody's list.
        var found = Find(command, config.Environment, config.WorkingDirectory);
        var wanted = found.Path ?? throw new InvalidConfiguration($"command = '{command}': {found.Problem}") { ServerId = config.Name };
        var isAllowed = allowed.Any(word => Find(word, new Dictionary<string, string>(), null).Path == wanted)
            || configured.Any(server => server is { EffectiveTransport: ServerTransport.Stdio, Command: { } own } && Find(own, server.Environment, server.WorkingDirectory).Path == wanted);
        if (!isAllowed)
        {
            throw new Forbidden(
                $"command = '{command}': a server deployed over the API may run only the programs of the configuration file's servers, and '{wanted}' is none of them. "
                + "Add it to allowedCommands in that file and reload it, or add the server to the file.") { ServerId = config.Name };
        }
    }

    private static ExecutableFinding Find(string command, IDictionary<string, string> variables, string? directory)
    {
        var platform = ProcessPlatform.Current;
        var inherited = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            inherited[(string)entry.Key] = (string)entry.Value!;
        }

        var environment = ChildEnvironment.Build(inherited, new Dictionary<string, string>(variables, StringComparer.Ordinal), "", platform.IsWindows);
        return ChildProgram.Find(command, Path.GetFullPath(directory ?? Environment.CurrentDirectory), environment, platform);
    }
}
