namespace Fairlead.Configuration;

/// <summary>The bounds of everything that could otherwise grow. An error that comes from a bound names it by the key used here.</summary>
public sealed class LimitsOptions
{
    private const int MiB = 1024 * 1024;

    /// <summary>Largest body of a client's request.</summary>
    [ConfigKey("requestBodyBytesMax", Min = 1024, Max = 1024.0 * MiB, Unit = "bytes")]
    public int RequestBodyBytesMax { get; set; } = 16 * MiB;

    /// <summary>Largest message of a server that is held. Long results of Streamable HTTP servers pass while they come, whatever their size.</summary>
    [ConfigKey("upstreamMessageBytesMax", Min = 1024, Max = 1024.0 * MiB, Unit = "bytes")]
    public int UpstreamMessageBytesMax { get; set; } = 16 * MiB;

    /// <summary>Most bytes of requests that wait to be sent to one instance.</summary>
    [ConfigKey("bufferedBytesMax", Min = 1024, Max = 1024.0 * 1024 * MiB, Unit = "bytes")]
    public long BufferedBytesMax { get; set; } = 64L * MiB;

    /// <summary>Most bytes of answers over 1 MiB that are held at a time, over all servers. The call that finds no room fails.</summary>
    [ConfigKey("bufferedBytesTotalMax", Min = 1024, Max = 1024.0 * 1024 * MiB, Unit = "bytes")]
    public long BufferedBytesTotalMax { get; set; } = 512L * MiB;

    /// <summary>Deepest nesting of a message.</summary>
    [ConfigKey("jsonDepthMax", Min = 8, Max = 1000, Unit = "levels")]
    public int JsonDepthMax { get; set; } = 64;

    /// <summary>Longest id of a request.</summary>
    [ConfigKey("idBytesMax", Min = 16, Max = 64 * 1024, Unit = "bytes")]
    public int IdBytesMax { get; set; } = 256;

    /// <summary>Most tools taken from one server.</summary>
    [ConfigKey("toolsPerServerMax", Min = 1, Max = 1_000_000, Unit = "tools")]
    public int ToolsPerServerMax { get; set; } = 2_000;

    /// <summary>Most bytes of definitions taken from one server.</summary>
    [ConfigKey("listBytesMax", Min = 1024, Max = 1024.0 * MiB, Unit = "bytes")]
    public int ListBytesMax { get; set; } = 16 * MiB;

    /// <summary>Most pages read for one list.</summary>
    [ConfigKey("listPagesMax", Min = 1, Max = 100_000, Unit = "pages")]
    public int ListPagesMax { get; set; } = 100;

    /// <summary>Most legacy sessions.</summary>
    [ConfigKey("sessionsMax", Min = 1, Max = 10_000_000, Unit = "sessions")]
    public int SessionsMax { get; set; } = 10_000;

    /// <summary>Most legacy sessions of one principal.</summary>
    [ConfigKey("sessionsPerPrincipalMax", Min = 1, Max = 10_000_000, Unit = "sessions")]
    public int SessionsPerPrincipalMax { get; set; } = 1_000;

    /// <summary>Most streams of one session.</summary>
    [ConfigKey("streamsPerSessionMax", Min = 1, Max = 10_000, Unit = "streams")]
    public int StreamsPerSessionMax { get; set; } = 16;

    /// <summary>A session without any request for so long is closed.</summary>
    [ConfigKey("sessionIdle", Min = 1_000, Max = 604_800_000)]
    public TimeSpan SessionIdle { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>Messages of one call that may wait for its client; progress and log messages are dropped first.</summary>
    [ConfigKey("exchangeQueue", Min = 1, Max = 100_000, Unit = "messages")]
    public int ExchangeQueue { get; set; } = 64;

    /// <summary>A client that takes nothing for so long is cut.</summary>
    [ConfigKey("stalledClient", Min = 100, Max = 3_600_000)]
    public TimeSpan StalledClient { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>So many bytes a client must take in stalledClient, or it is cut; as many may wait for it, then progress and log messages are dropped.</summary>
    [ConfigKey("stalledClientBytes", Min = 1024, Max = 1024.0 * MiB, Unit = "bytes")]
    public int StalledClientBytes { get; set; } = MiB;

    /// <summary>Most calls that wait for a client's input.</summary>
    [ConfigKey("parkedMax", Min = 1, Max = 10_000_000, Unit = "calls")]
    public int ParkedMax { get; set; } = 1_000;

    /// <summary>Most calls of one principal that wait for input.</summary>
    [ConfigKey("parkedPerPrincipalMax", Min = 1, Max = 10_000_000, Unit = "calls")]
    public int ParkedPerPrincipalMax { get; set; } = 50;

    /// <summary>How long a call waits for input.</summary>
    [ConfigKey("parkedLifetime", Min = 1_000, Max = 86_400_000)]
    public TimeSpan ParkedLifetime { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Most questions in a row within one call.</summary>
    [ConfigKey("parkedRoundsMax", Min = 1, Max = 1_000, Unit = "rounds")]
    public int ParkedRoundsMax { get; set; } = 10;

    /// <summary>Bytes per second of output that is not a message before the reader pauses; a line counts as 256 bytes at least.</summary>
    [ConfigKey("junkBytesPerSecondMax", Min = 1024, Max = 1024.0 * MiB, Unit = "bytes/s")]
    public int JunkBytesPerSecondMax { get; set; } = MiB;

    /// <summary>Notifications per second of one server before the reader pauses; the same number holds for its requests, for answers that nobody waits for, and for the progress of each call.</summary>
    [ConfigKey("notificationsPerSecondMax", Min = 1, Max = 1_000_000, Unit = "notifications/s")]
    public int NotificationsPerSecondMax { get; set; } = 100;

    /// <summary>Longest start of a server. Generous because a first npx or uvx downloads.</summary>
    [ConfigKey("startTimeout", Min = 100, Max = 3_600_000)]
    public TimeSpan StartTimeout { get; set; } = TimeSpan.FromSeconds(120);

    /// <summary>Longest time to set up a connection to a server.</summary>
    [ConfigKey("connectTimeout", Min = 100, Max = 3_600_000)]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest silence within one call. A server's timeoutMs replaces it for that server.</summary>
    [ConfigKey("requestTimeout", Min = 100, Max = 3_600_000)]
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest call in all, however much progress it reports.</summary>
    [ConfigKey("requestTimeoutMax", Min = 100, Max = 86_400_000)]
    public TimeSpan RequestTimeoutMax { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a child may take to leave after its stdin was closed.</summary>
    [ConfigKey("stopStdinWait", Min = 0, Max = 600_000)]
    public TimeSpan StopStdinWait { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a child may take to leave after SIGTERM, before SIGKILL.</summary>
    [ConfigKey("stopTermWait", Min = 0, Max = 600_000)]
    public TimeSpan StopTermWait { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>Wait before the first restart of a server; doubled each time.</summary>
    [ConfigKey("restartBase", Min = 10, Max = 600_000)]
    public TimeSpan RestartBase { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest wait before a restart.</summary>
    [ConfigKey("restartMax", Min = 10, Max = 3_600_000)]
    public TimeSpan RestartMax { get; set; } = TimeSpan.FromSeconds(16);

    /// <summary>Most instances of one server that isolation makes; beyond it callers share.</summary>
    [ConfigKey("instancesPerServerMax", Min = 1, Max = 10_000, Unit = "instances")]
    public int InstancesPerServerMax { get; set; } = 16;

    /// <summary>An instance made by isolation that nobody used for so long is stopped.</summary>
    [ConfigKey("instanceIdle", Min = 1_000, Max = 86_400_000)]
    public TimeSpan InstanceIdle { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long shutdown lets calls in flight finish.</summary>
    [ConfigKey("drainGrace", Min = 0, Max = 600_000)]
    public TimeSpan DrainGrace { get; set; } = TimeSpan.FromSeconds(3);
}
