using Fairlead.Configuration;
using Fairlead.Processes;
using Fairlead.Upstreams;
using Fairlead.Upstreams.InProcess;
using Fairlead.Upstreams.Stdio;

namespace Fairlead.Servers;

/// <summary>A server cannot be connected to, and trying again without a change cannot help. The message says what to mend.</summary>
internal sealed class HopelessStartException(string message, Exception? innerException = null) : Exception(message, innerException);

/// <summary>Opens connections: finds the transport that a configuration asks for and starts what it needs.</summary>
internal sealed class Connector(FleetResources resources)
{
    /// <summary>Whether a start costs a process, so that it has to pass the gate.</summary>
    public static bool StartsProcess(ServerConfig config) => config.EffectiveTransport == ServerTransport.Stdio;

    /// <summary>Opens a connection that does not read yet; <see cref="Begin"/> follows once its events are wired.</summary>
    /// <exception cref="HopelessStartException">The configuration cannot work on this machine.</exception>
    public UpstreamConnection Open(ServerConfig config)
    {
        var limits = resources.Options.Limits;
        var logger = resources.Loggers.CreateLogger("Fairlead.Upstreams");
        switch (config.EffectiveTransport)
        {
            case ServerTransport.Stdio:
                return new StdioConnection(config.Name, StartChild(config), resources.Sweep, limits, logger);
            case ServerTransport.InProcess:
                return InProcessConnection.Open(config.Name, FindInProcess(config), resources.Sweep, limits, logger);
            default:
                throw new HopelessStartException($"the transport {config.EffectiveTransport} is not known; use stdio or http");
        }
    }

    /// <summary>Begins to read.</summary>
    public static void Begin(UpstreamConnection connection)
    {
        if (connection is MultiplexedConnection multiplexed)
        {
            multiplexed.Start();
        }
    }

    private ChildProcess StartChild(ServerConfig config)
    {
        var options = new ChildProcessOptions
        {
            Server = config.Name,
            Command = config.Command ?? throw new HopelessStartException("it has no command; add \"command\" to its configuration"),
            Arguments = [.. config.Arguments],
            Environment = new Dictionary<string, string>(config.Environment, StringComparer.Ordinal),
            WorkingDirectory = config.WorkingDirectory,
            LogFile = resources.Options.StateFolder is { } state ? Path.Combine(state, "logs", config.Name + ".log") : null,
            Redact = text => resources.Redactor.Redact(text),
        };
        try
        {
            return resources.Processes.Start(options);
        }
        catch (ChildStartException exception)
        {
            throw new HopelessStartException(exception.Message, exception);
        }
    }

    private IMcpServer FindInProcess(ServerConfig config) => resources.InProcess.Find(config) ?? throw new HopelessStartException(
        $"no in-process server '{config.Name}' is registered; give it a command or a url, or register it with McpManager.AddServer or AddTools before it is deployed");
}
