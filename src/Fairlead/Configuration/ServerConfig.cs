namespace Fairlead.Configuration;

/// <summary>What the user wrote for one server: an entry of the configuration file, or the argument of <c>McpManager.DeployServerAsync</c>.</summary>
/// <remarks>A plain mutable object without locks: fill it, hand it over, and do not change it afterwards. The receiver takes a copy
/// (<see cref="Copy"/>) and checks it with <see cref="ServerConfigRules.Normalise"/>.</remarks>
public sealed class ServerConfig
{
    /// <summary>The server's id: in paths, tool names, metrics and logs.</summary>
    /// <value>Any text; it becomes 1 to 32 of <c>a-z 0-9 -</c>, unique in the fleet and not a reserved word.</value>
    [ConfigKey("name", Max = 200)]
    public string Name { get; set; } = "";

    /// <summary>The name as the user wrote it, for people to read. Null = the same as the name.</summary>
    [ConfigKey("title", Max = 200, DefaultText = "the name as written")]
    public string? Title { get; set; }

    /// <summary>What kind of server it is. A type other than custom, without command and url, means the built-in server of that name. The transport words
    /// stdio, http, streamable-http and sse are understood here too, as other programs write them.</summary>
    [ConfigKey("type")]
    public ServerType Type { get; set; } = ServerType.Custom;

    /// <summary>How Fairlead speaks to the server. Unset: a command means stdio, a url whose path ends in /sse means sse, any other url means http, else in-process.</summary>
    [ConfigKey("transport", DefaultText = "inferred")]
    public ServerTransport? Transport { get; set; }

    /// <summary>The program of a stdio server; never given to a shell. Looked up in PATH when it names no folder.</summary>
    [ConfigKey("command", Min = 1)]
    public string? Command { get; set; }

    /// <summary>The program's arguments, one per item, passed on unchanged.</summary>
    [ConfigKey("args", Aliases = ["arguments"])]
    public IList<string> Arguments { get; set; } = [];

    /// <summary>Variables for the child process, beside the few it inherits. They win over those of envFile.</summary>
    [ConfigKey("env", Aliases = ["environment"])]
    public IDictionary<string, string> Environment { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>A file of NAME=value lines that are added to env; a relative path starts at the workspace folder. Read once, while the configuration is loaded.</summary>
    [ConfigKey("envFile")]
    public string? EnvironmentFile { get; set; }

    /// <summary>Where the child process starts. A relative path starts at the workspace folder. Unset: the workspace folder.</summary>
    [ConfigKey("cwd", Aliases = ["workingDirectory"])]
    public string? WorkingDirectory { get; set; }

    /// <summary>The address of a remote server; absolute, http or https.</summary>
    [ConfigKey("url", Aliases = ["serverUrl", "httpUrl"])]
    public Uri? Url { get; set; }

    /// <summary>HTTP headers sent with each request to a remote server. The values count as secrets. Headers of the protocol itself cannot be set.</summary>
    [ConfigKey("headers", Secret = true)]
    public IDictionary<string, string> Headers { get; set; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>A listener of the server's own, on the gateway's host, with names unchanged. Unset: none; the server is at /mcp/NAME in any case.</summary>
    [ConfigKey("port", Min = 1, Max = 65535)]
    public int? Port { get; set; }

    /// <summary>How Fairlead proves itself to a remote server.</summary>
    [ConfigKey("auth")]
    public ServerAuth Auth { get; set; } = new();

    /// <summary>Words that say what the server is for, such as tools or resources; shown in lists, never enforced.</summary>
    [ConfigKey("capabilities")]
    public IList<string> Capabilities { get; set; } = [];

    /// <summary>Calls in flight to the server, over all its instances. Calls beyond wait for their turn.</summary>
    [ConfigKey("maxConnections", Min = 1, Max = 100_000, Unit = "calls")]
    public int MaxConnections { get; set; } = 50;

    /// <summary>Calls that may wait while maxConnections are in flight. 0 = none waits, they are refused at once.</summary>
    [ConfigKey("queueMax", Min = 0, Max = 100_000, Unit = "calls")]
    public int QueueMax { get; set; } = 1_000;

    /// <summary>Longest wait for an answer; each progress notification starts it again.</summary>
    [ConfigKey("timeoutMs", Min = 100, Max = 3_600_000, Unit = "ms")]
    public int TimeoutMs { get; set; } = 30_000;

    /// <summary>Repetition of calls that may be repeated and failed for a passing reason.</summary>
    [ConfigKey("retry")]
    public RetryOptions Retry { get; set; } = new();

    /// <summary>Servers of higher priority start first and come first where one must give way.</summary>
    [ConfigKey("priority", Min = -1000, Max = 1000)]
    public int Priority { get; set; }

    /// <summary>Free words to select servers by.</summary>
    [ConfigKey("tags")]
    public IList<string> Tags { get; set; } = [];

    /// <summary>Names of servers that must be up before this one starts.</summary>
    [ConfigKey("dependsOn")]
    public IList<string> DependsOn { get; set; } = [];

    /// <summary>Which clients may share one instance.</summary>
    [ConfigKey("isolation")]
    public ServerIsolation Isolation { get; set; } = ServerIsolation.Auto;

    /// <summary>Whether calls of one owner may overlap on a server that asks questions.</summary>
    [ConfigKey("interactive")]
    public InteractiveMode Interactive { get; set; } = InteractiveMode.Concurrent;

    /// <summary>Whether the server keeps nothing between calls, so that a client that has used one instance may be moved to another.</summary>
    [ConfigKey("stateless")]
    public bool Stateless { get; set; }

    /// <summary>Processes kept ready, started and asked nothing yet, for clients that get an instance of their own (see <see cref="Isolation"/>): the first call of such a client need not wait for one.</summary>
    [ConfigKey("warmPool", Min = 0, Max = 16, Unit = "processes")]
    public int WarmPool { get; set; }

    /// <summary>When the server is started: with Fairlead, or at its first call. One whose lists are not known is started once to read them.</summary>
    [ConfigKey("start", DefaultText = "that of the gateway")]
    public ServerStartMode? Start { get; set; }

    /// <summary>The server is stopped when nobody has called it for so long; the next call starts it again and waits. Unset: never, or 5 minutes for one that starts at its first call.</summary>
    [ConfigKey("idleStopMs", Min = 1_000, Max = 604_800_000, Unit = "ms", DefaultText = "never")]
    public int? IdleStopMs { get; set; }

    /// <summary>Known but not started.</summary>
    [ConfigKey("disabled")]
    public bool Disabled { get; set; }

    /// <summary>Which tools clients see, and under which names.</summary>
    [ConfigKey("expose")]
    public ExposeOptions Expose { get; set; } = new();

    /// <summary>How many instances run.</summary>
    [ConfigKey("replicas")]
    public ReplicasOptions Replicas { get; set; } = new();

    /// <summary>How an instance is chosen.</summary>
    [ConfigKey("loadBalancing")]
    public LoadBalancingOptions LoadBalancing { get; set; } = new();

    /// <summary>When calls are refused because the server keeps failing.</summary>
    [ConfigKey("circuitBreaker")]
    public CircuitBreakerOptions CircuitBreaker { get; set; } = new();

    /// <summary>How and how often the server's health is asked for.</summary>
    [ConfigKey("healthCheck")]
    public HealthCheckOptions HealthCheck { get; set; } = new();

    /// <summary>What clients get when the server cannot answer.</summary>
    [ConfigKey("fallback")]
    public FallbackOptions Fallback { get; set; } = new();

    /// <summary>How many calls are let through in a time.</summary>
    [ConfigKey("rateLimit")]
    public RateLimitOptions RateLimit { get; set; } = new();

    /// <summary>What each process of the server may take.</summary>
    [ConfigKey("limits")]
    public ServerLimitsOptions Limits { get; set; } = new();

    /// <summary>How a changed server replaces the one that runs.</summary>
    [ConfigKey("rollout")]
    public RolloutOptions Rollout { get; set; } = new();

    /// <summary>Variables and inputs the entry refers to that have no value, in order of appearance. Not empty = the server is <c>MissingAuth</c>
    /// and must not be started; texts that needed them stay as written, other values keep their defaults.</summary>
    public IList<string> MissingVariables { get; set; } = [];

    /// <summary>True when a variable has no value, so that the server waits in the state <c>MissingAuth</c>.</summary>
    public bool IsMissingAuth => MissingVariables.Count > 0;

    /// <summary><see cref="Transport"/>, or what it follows from when it is unset.</summary>
    public ServerTransport EffectiveTransport => Transport ?? (Command is not null ? ServerTransport.Stdio
        : Url is null ? ServerTransport.InProcess
        : Url.AbsolutePath.EndsWith("/sse", StringComparison.OrdinalIgnoreCase) ? ServerTransport.Sse
        : ServerTransport.Http);

    /// <summary>Paths of values below the server, such as <c>env.REGION</c> or <c>args[2]</c>, that came out of variables and are shown as REDACTED
    /// although their names do not ask for it.</summary>
    internal ISet<string> SecretPaths { get; private set; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>Who decides that the server is part of the fleet.</summary>
    internal ServerOwner Owner { get; set; }

    /// <summary>What was done to the server by hand; it stands in the other members already (<see cref="ServerOverlay.ApplyTo"/>).</summary>
    internal ServerOverlay ByHand { get; set; } = ServerOverlay.None;

    /// <summary>A deep copy: changes to one never show in the other.</summary>
    public ServerConfig Copy()
    {
        ServerConfig copy = OptionsShape.Copy(this);
        copy.SecretPaths = new HashSet<string>(SecretPaths, StringComparer.Ordinal);
        copy.Owner = Owner;
        copy.ByHand = ByHand;
        return copy;
    }

    /// <summary>The name and the transport; never a value that could be secret.</summary>
    public override string ToString() => $"{Name} ({EffectiveTransport})";
}
