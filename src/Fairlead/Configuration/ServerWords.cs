namespace Fairlead.Configuration;

/// <summary>How Fairlead speaks to a server.</summary>
public enum ServerTransport
{
    /// <summary>A child process that speaks on its stdin and stdout.</summary>
    Stdio,

    /// <summary>Streamable HTTP.</summary>
    Http,

    /// <summary>The older HTTP with server-sent events (MCP 2024-11-05, basic/transports).</summary>
    Sse,

    /// <summary>Code inside this process.</summary>
    InProcess,
}

/// <summary>Which clients may share one instance of a server.</summary>
public enum ServerIsolation
{
    /// <summary>Shared until the server shows that it asks its clients questions; then one instance per owner that can answer.</summary>
    Auto,

    /// <summary>One instance for everybody.</summary>
    Shared,

    /// <summary>One instance per client session.</summary>
    Session,

    /// <summary>One instance per principal.</summary>
    Principal,
}

/// <summary>Whether calls of one owner to a server that asks questions may overlap.</summary>
public enum InteractiveMode
{
    /// <summary>Calls of one owner run at the same time.</summary>
    Concurrent,

    /// <summary>One call at a time per owner, where questions must never mix.</summary>
    Serial,
}

/// <summary>How an instance is chosen among the replicas of a server.</summary>
public enum LoadBalancingPolicy
{
    /// <summary>In turn.</summary>
    RoundRobin,

    /// <summary>The replica with the fewest calls in flight.</summary>
    LeastConnections,

    /// <summary>In turn, by weight.</summary>
    WeightedRoundRobin,

    /// <summary>Any.</summary>
    Random,

    /// <summary>The less busy of two chosen at random.</summary>
    PowerOfTwoChoices,

    /// <summary>The lowest peak-weighted moving average of latency.</summary>
    LeastLatency,

    /// <summary>By a hash of the caller, so that one caller stays on one replica.</summary>
    ConsistentHash,
}

/// <summary>When a server is started.</summary>
public enum ServerStartMode
{
    /// <summary>With Fairlead.</summary>
    Eager,

    /// <summary>At its first call.</summary>
    OnDemand,
}

/// <summary>How the health of a server is asked for.</summary>
public enum HealthCheckKind
{
    /// <summary>An MCP <c>ping</c>, or <c>server/discover</c> where the revision has no ping.</summary>
    Protocol,

    /// <summary>An HTTP GET with an expected status and body.</summary>
    Http,

    /// <summary>A TCP connection.</summary>
    Tcp,

    /// <summary>A program that exits with 0.</summary>
    Command,

    /// <summary>A file that exists.</summary>
    File,

    /// <summary>No check: healthy as long as the connection stands.</summary>
    None,
}

/// <summary>How a changed server replaces the one that runs.</summary>
public enum RolloutStrategy
{
    /// <summary>Replica by replica.</summary>
    Rolling,

    /// <summary>All replicas beside the old ones, then one switch.</summary>
    BlueGreen,

    /// <summary>A share of the calls first.</summary>
    Canary,

    /// <summary>Stop the old one, then start.</summary>
    Recreate,

    /// <summary>Calls are copied to the changed server and its answers dropped.</summary>
    Shadow,
}

/// <summary>How Fairlead proves itself to a server.</summary>
public enum AuthKind
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>A key in a header.</summary>
    ApiKey,

    /// <summary>A fixed token in <c>Authorization: Bearer</c>.</summary>
    Bearer,

    /// <summary>A user and a password in <c>Authorization: Basic</c>.</summary>
    Basic,

    /// <summary>A token from an authorization server.</summary>
    OAuth2,
}

/// <summary>How names of different servers are kept apart on the aggregate endpoint.</summary>
public enum NamingPolicy
{
    /// <summary>Every name carries its server: <c>server__tool</c>.</summary>
    Prefix,

    /// <summary>Only names that two servers share carry their server, on all sides of the collision.</summary>
    OnCollision,

    /// <summary>Names stay as they are; of two equal names the server that comes first in the configuration wins.</summary>
    None,
}
