namespace Fairlead.Configuration;

/// <summary>What the user wrote for the gateway as a whole, with the ordered list of servers.</summary>
/// <remarks>Filled by <see cref="ConfigurationLoader"/> or by code; read once at start into snapshots, so a later change has no effect.</remarks>
public sealed class FairleadOptions
{
    /// <summary>The address to listen on. Anything but a loopback address needs authentication to be configured.</summary>
    [ConfigKey("host", Min = 1)]
    public string Host { get; set; } = "127.0.0.1";

    /// <summary>The port to listen on. 0 = any free one.</summary>
    [ConfigKey("port", Min = 0, Max = 65535)]
    public int Port { get; set; } = 8080;

    /// <summary>The address clients use when it is not the one listened on, such as behind a proxy. Its host is then allowed in Host and Origin.</summary>
    [ConfigKey("publicUrl", DefaultText = "none")]
    public Uri? PublicUrl { get; set; }

    /// <summary>Web origins that may call from a browser, as scheme://host[:port]. Empty: none but our own.</summary>
    [ConfigKey("allowedOrigins")]
    public IList<string> AllowedOrigins { get; set; } = [];

    /// <summary>How names of different servers are kept apart on /mcp.</summary>
    [ConfigKey("naming")]
    public NamingPolicy Naming { get; set; } = NamingPolicy.Prefix;

    /// <summary>When servers are started that do not say it themselves.</summary>
    [ConfigKey("start")]
    public ServerStartMode Start { get; set; } = ServerStartMode.Eager;

    /// <summary>How many servers start at the same time. 0 = twice the number of processors.</summary>
    [ConfigKey("startConcurrency", Min = 0, Max = 10_000, Unit = "servers")]
    public int StartConcurrency { get; set; }

    /// <summary>How long after the start of the process a first list waits for servers that were never listed before.</summary>
    [ConfigKey("firstListWaitMs", Min = 0, Max = 600_000, Unit = "ms")]
    public int FirstListWaitMs { get; set; } = 3_000;

    /// <summary>How long an answer may take before the response becomes an event stream.</summary>
    [ConfigKey("sseGraceMs", Min = 0, Max = 60_000, Unit = "ms")]
    public int SseGraceMs { get; set; } = 250;

    /// <summary>The folder for locks, tokens, catalogue and logs. Unset: the system's state directory for Fairlead.</summary>
    [ConfigKey("state", Min = 1, DefaultText = "the system's state directory")]
    public string? StateFolder { get; set; }

    /// <summary>Commands of the control plane (deploy, list, scale, ...) that may run at once. Tool calls do not count.</summary>
    [ConfigKey("maxConcurrentOperations", Min = 1, Max = 100_000)]
    public int MaxConcurrentOperations { get; set; } = 100;

    /// <summary>Longest time to set up a connection to a server. The same value as <see cref="LimitsOptions.ConnectTimeout"/>, under the name the manager uses.</summary>
    [ConfigKey("connectionTimeout", Min = 100, Max = 3_600_000)]
    public TimeSpan ConnectionTimeout
    {
        get => Limits.ConnectTimeout;
        set => Limits.ConnectTimeout = value;
    }

    /// <summary>Whether calls are counted and timed.</summary>
    [ConfigKey("enableMetrics")]
    public bool EnableMetrics { get; set; } = true;

    /// <summary>What Fairlead tells of itself: traces and metrics by OTLP, the form of its log.</summary>
    [ConfigKey("telemetry")]
    public TelemetryOptions Telemetry { get; set; } = new();

    /// <summary>Bounds on sizes, counts and times.</summary>
    [ConfigKey("limits")]
    public LimitsOptions Limits { get; set; } = new();

    /// <summary>Faults on purpose, for drills and tests.</summary>
    [ConfigKey("faultInjection")]
    public FaultInjectionOptions FaultInjection { get; set; } = new();

    /// <summary>The record of who did what.</summary>
    [ConfigKey("audit")]
    public AuditOptions Audit { get; set; } = new();

    /// <summary>Programs that servers deployed over the REST API may run, beside those of this file's servers: names found in PATH, or full paths.</summary>
    [ConfigKey("allowedCommands")]
    public IList<string> AllowedCommands { get; set; } = [];

    /// <summary>The file that was loaded; null when there was none.</summary>
    internal string? File { get; set; }

    /// <summary>Where relative paths start; null = the current directory.</summary>
    internal string? WorkspaceFolder { get; set; }

    /// <summary>The variables that the load has found, those of <c>.env</c> files included: built-in servers take theirs from here. Null = those of the process.</summary>
    internal IReadOnlyDictionary<string, string>? Variables { get; set; }

    /// <summary>Subsets of what /mcp offers, each at /mcp/p/NAME. A name is of a-z, 0-9 and -, at most 32 long.</summary>
    [ConfigKey("profiles")]
    public IDictionary<string, ProfileOptions> Profiles { get; set; } = new Dictionary<string, ProfileOptions>(StringComparer.Ordinal);

    /// <summary>The servers, in the order they are listed.</summary>
    public IList<ServerConfig> Servers { get; set; } = [];
}
