using Fairlead.Configuration;
using Fairlead.Processes;
using Fairlead.Upstreams;
using Fairlead.Upstreams.Http;
using Fairlead.Upstreams.InProcess;
using Fairlead.Upstreams.Sse;
using Fairlead.Upstreams.Stdio;

namespace Fairlead.Servers;

/// <summary>A server cannot be connected to, and trying again without a change cannot help. The message says what to mend.</summary>
internal sealed class HopelessStartException(string message, Exception? innerException = null) : Exception(message, innerException);

/// <summary>Opens the connections of one server: finds the transport that a configuration asks for and starts what it needs.</summary>
/// <remarks>Owns the pools of TCP connections, which live as long as the server. Any thread.</remarks>
internal sealed class Connector(FleetResources resources) : IAsyncDisposable
{
    private readonly Lock _lock = new();

    // One for each url, headers and credentials that an update brought; a server is updated a few times in its life.
    private readonly List<(ServerConfig Config, HttpEndpoint Endpoint)> _endpoints = [];
    private readonly List<(ServerConfig Config, IMcpServer Server)> _made = [];

    /// <summary>Whether a start costs a process, so that it has to pass the gate.</summary>
    public static bool StartsProcess(ServerConfig config) => config.EffectiveTransport == ServerTransport.Stdio;

    /// <summary>Opens a connection that does not read yet; <see cref="Begin"/> follows once its events are wired.</summary>
    /// <param name="config">What to connect to.</param>
    /// <param name="speaksSse">Whether a server configured as Streamable HTTP has shown that it speaks HTTP+SSE.</param>
    /// <exception cref="HopelessStartException">The configuration cannot work on this machine.</exception>
    public UpstreamConnection Open(ServerConfig config, bool speaksSse = false)
    {
        var connection = Create(config, speaksSse);
        connection.Buffers = resources.Buffers;
        return connection;
    }

    private UpstreamConnection Create(ServerConfig config, bool speaksSse)
    {
        var limits = resources.Options.Limits;
        var logger = resources.Loggers.CreateLogger("Fairlead.Upstreams");
        switch (config.EffectiveTransport)
        {
            case ServerTransport.Stdio:
                return new StdioConnection(config.Name, StartChild(config), resources.Sweep, limits, logger);
            case ServerTransport.InProcess:
                return InProcessConnection.Open(config.Name, FindInProcess(config), resources.Sweep, limits, logger);
            case ServerTransport.Http when !speaksSse:
                return new HttpConnection(config.Name, EndpointOf(config), resources.Sweep, limits, logger);
            default:
                return SseConnection.Open(config.Name, EndpointOf(config), resources.Sweep, limits, logger);
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

    /// <summary>What the server stands on, when it is one inside this process that stands on something; else null.</summary>
    /// <exception cref="HopelessStartException">The configuration cannot work on this machine.</exception>
    public IBackedServer? BackendOf(ServerConfig config) => config.EffectiveTransport == ServerTransport.InProcess ? FindInProcess(config) as IBackedServer : null;

    /// <summary>Closes the pools and what was made; after the last connection.</summary>
    public async ValueTask DisposeAsync()
    {
        _endpoints.ForEach(static entry => entry.Endpoint.Dispose());
        foreach (var (_, server) in _made)
        {
            if (server is IAsyncDisposable disposable)
            {
                await disposable.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private HttpEndpoint EndpointOf(ServerConfig config)
    {
        lock (_lock)
        {
            foreach (var (known, endpoint) in _endpoints)
            {
                if (!LaunchComparison.Differ(known, config))
                {
                    return endpoint;
                }
            }

            try
            {
                var made = HttpEndpoint.From(config, resources.Options.Limits);
                _endpoints.Add((config, made));
                return made;
            }
            catch (ArgumentException exception)
            {
                throw new HopelessStartException(exception.Message, exception);
            }
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
            OpenFilesMax = config.Limits.MaxOpenFiles,
            MemoryMiBMax = config.Limits.MaxMemoryMb,
            Nice = config.Limits.Nice,
            LogFile = resources.Options.StateFolder is { } state ? Path.Combine(state, "logs", config.Name + ".log") : null,
            Redact = text => resources.Redactor.Redact(text),
            Wrote = line =>
            {
                if (resources.Events.WantsLogs)
                {
                    resources.Events.Tell(new FleetEvent { Type = FleetEventType.Log, Server = config.Name, Line = line });
                }
            },
        };
        try
        {
            return resources.Processes.Start(options);
        }
        catch (ChildStartException exception)
        {
            // The reason of a state follows the server's name: it need not say it again.
            throw new HopelessStartException(exception.Message.Replace($"Server '{config.Name}': ", "", StringComparison.Ordinal), exception);
        }
    }

    private IMcpServer FindInProcess(ServerConfig config)
    {
        if (resources.InProcess.Find(config) is { } server)
        {
            return server;
        }

        if (resources.InProcess.FindFactory(config) is not { } factory)
        {
            throw new HopelessStartException(
                $"no in-process server '{config.Name}'{(config.Type == ServerType.Custom ? "" : $" nor a built-in one of type {OptionWords.Word(config.Type)}")} is registered; "
                + "give it a command or a url, or register it with McpManager.AddServer or AddTools before it is deployed");
        }

        lock (_lock)
        {
            foreach (var (known, made) in _made)
            {
                if (!LaunchComparison.Differ(known, config))
                {
                    return made;
                }
            }

            var added = Make(factory, config);
            _made.Add((config, added));
            return added;
        }
    }

    private IMcpServer Make(IMcpServerFactory factory, ServerConfig config)
    {
        try
        {
            return factory.Create(new McpServerSettings(config.Name, new Dictionary<string, string>(config.Environment, StringComparer.Ordinal))
            {
                WorkingDirectory = Path.GetFullPath(config.WorkingDirectory ?? Environment.CurrentDirectory),
                ProgramVariables = new Dictionary<string, string>([resources.Processes.MarkPrograms()]),
                Time = resources.Time,
            });
        }
        catch (Exception exception) when (exception is ArgumentException or ChildStartException)
        {
            throw new HopelessStartException(exception.Message, exception);
        }
    }
}
