using System.Text.Json;

namespace Fairlead.Load;

/// <summary>Where the built programs lie, and a folder of its own for each run's configuration and state, deleted at the end.</summary>
internal sealed class Workplace : IDisposable
{
    // Of the same build as this program.
    private static readonly string s_configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));

    private readonly string _root;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fairlead-bench-");

    public Workplace(LoadArguments arguments)
    {
        _root = Path.GetFullPath(arguments.Text("--root", "."));
        foreach (var file in (string[])[Echo, Self])
        {
            if (!File.Exists(file))
            {
                throw new BenchFailedException($"'{file}' is not there; run bench/run.sh, which builds it, or name the repository with --root");
            }
        }
    }

    /// <summary>In the environment of every server that the gateway starts in this run, so that its processes can be told from all others.</summary>
    public string Mark { get; } = $"FAIRLEAD_BENCH={Guid.NewGuid():N}";

    public string Script => Path.Combine(_root, "bench", "call.lua");

    public string Results => Directory.CreateDirectory(Path.Combine(_root, "artifacts", "bench")).FullName;

    /// <summary>The echo server's program.</summary>
    public string Echo => Binary("Echo", "echo-server");

    /// <summary>This very program.</summary>
    public string Self => Binary("Fairlead.Load", "fairlead-load");

    private string Gateway => Binary("Fairlead.Cli", "Fairlead.Cli.dll");

    /// <summary>Where eng/publish.sh puts the program.</summary>
    public string PublishedGateway => Path.Combine(_root, "artifacts", "publish", "fairlead", "fairlead");

    /// <summary>The checkout.</summary>
    public string Root => _root;

    /// <summary>A file or folder of this run, which goes with it.</summary>
    public string Temporary(string name) => Path.Combine(_folder.FullName, name);

    /// <summary>Starts the gateway of another checkout, which is built there, with one echo server of this one.</summary>
    public Task<ServerProcess> StartOtherGatewayAsync(string root)
    {
        var gateway = Path.Combine(Path.GetFullPath(root), "artifacts", "bin", "Fairlead.Cli", "release", "Fairlead.Cli.dll");
        return File.Exists(gateway)
            ? StartAsync(gateway, FleetOf(1), Path.Combine(_folder.FullName, Guid.NewGuid().ToString("N")))
            : throw new BenchFailedException($"'{gateway}' is not there; run 'dotnet build src/Fairlead.Cli -c Release' in that checkout");
    }

    public Task<ServerProcess> StartBareAsync() => ServerProcess.StartAsync(Self, "bare");

    /// <summary>Starts the gateway with servers echo, echo-2, echo-3, ... on stdio.</summary>
    /// <param name="servers">How many; 1 or more.</param>
    /// <param name="freshState">True: as on its first start, with nothing remembered. False: as the last run of this workplace left it.</param>
    /// <param name="program">Another program than the plain build; null = that.</param>
    public Task<ServerProcess> StartGatewayAsync(int servers, bool freshState = true, string? program = null)
    {
        var gateway = program ?? Gateway;
        if (!File.Exists(gateway))
        {
            throw new BenchFailedException($"'{gateway}' is not there; run bench/run.sh, which builds it");
        }

        var state = Path.Combine(_folder.FullName, "state");
        if (freshState && Directory.Exists(state))
        {
            Directory.Delete(state, recursive: true);
        }

        return StartAsync(gateway, FleetOf(servers), state);
    }

    /// <summary>Starts the gateway with a configuration, as on its first start.</summary>
    public Task<ServerProcess> StartGatewayAsync(object configuration) =>
        StartAsync(Gateway, configuration, Path.Combine(_folder.FullName, Guid.NewGuid().ToString("N")));

    /// <summary>One echo server with all guards, counters and records of calls on, or as much of them off as the configuration can switch off.</summary>
    public object FleetWith(bool isGuarded)
    {
        var pair = Mark.Split('=');
        var env = new Dictionary<string, string> { [pair[0]] = pair[1] };
        var rate = new { calls = 1_000_000, perMs = 1 };
        object echo = isGuarded
            ? new { command = Echo, env, maxConnections = 1000, circuitBreaker = new { enabled = true }, rateLimit = new { server = rate, client = rate, tools = new { echo = rate } } }
            : new { command = Echo, env, maxConnections = 1000, circuitBreaker = new { enabled = false } };
        return new { enableMetrics = isGuarded, audit = isGuarded ? "calls" : "off", servers = new Dictionary<string, object> { [ServerName(1)] = echo } };
    }

    private object FleetOf(int servers)
    {
        var pair = Mark.Split('=');
        var entry = new { command = Echo, args = Array.Empty<string>(), env = new Dictionary<string, string> { [pair[0]] = pair[1] } };
        return new { mcpServers = Enumerable.Range(1, servers).ToDictionary(ServerName, _ => entry) };
    }

    private Task<ServerProcess> StartAsync(string gateway, object content, string state)
    {
        var configuration = Path.Combine(_folder.FullName, $"{Guid.NewGuid():N}.json");
        File.WriteAllText(configuration, JsonSerializer.Serialize(content));
        string[] up = ["up", "--config", configuration, "--port", "0", "--state", state, "--json"];
        return gateway.EndsWith(".dll", StringComparison.Ordinal) ? ServerProcess.StartAsync("dotnet", [gateway, .. up]) : ServerProcess.StartAsync(gateway, up);
    }

    /// <summary>The path of the endpoint of the server with that number, 1 first; names are not changed there.</summary>
    public static string EndpointOf(int number) => $"/mcp/{ServerName(number)}";

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>The name of the server with that number, 1 first.</summary>
    public static string ServerName(int number) => number == 1 ? "echo" : $"echo-{number}";

    private string Binary(string project, string file) => Path.Combine(_root, "artifacts", "bin", project, s_configuration, file);
}
