using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Fairlead.Configuration;

namespace Fairlead.Guards;

/// <summary>What a configuration says of guards, in ticks of the clock. Frozen.</summary>
internal sealed record GuardSettings
{
    /// <summary>Whether circuits open at all.</summary>
    public required bool HasBreaker { get; init; }

    /// <summary>Share of failures that opens a circuit.</summary>
    public required double FailureRatio { get; init; }

    /// <summary>Calls in the window before the share counts.</summary>
    public required int MinimumCalls { get; init; }

    /// <summary>Connection failures in a row that open a circuit.</summary>
    public required int ConnectionFailures { get; init; }

    /// <summary>A tenth of the window.</summary>
    public required long SliceTicks { get; init; }

    /// <summary>How long a circuit stays open.</summary>
    public required long OpenTicks { get; init; }

    /// <summary>Probes that close it.</summary>
    public required int HalfOpenProbes { get; init; }

    /// <summary>The rate of all calls; null = no bound.</summary>
    public TokenBucket? ServerRate { get; init; }

    /// <summary>The rate of each client; null = no bound.</summary>
    public RateOptions? ClientRate { get; init; }

    /// <summary>Weights of the instances, in their order; those beyond weigh 1.</summary>
    public required int[] Weights { get; init; }

    /// <summary>Whether any rate is bounded, a tool's included.</summary>
    public bool HasRates { get; init; }
}

/// <summary>Why a call is not let in.</summary>
internal enum GuardRefusal : byte
{
    /// <summary>It is let in.</summary>
    None,

    /// <summary>The client calls too often.</summary>
    ClientRate,

    /// <summary>The server is called too often.</summary>
    ServerRate,

    /// <summary>The tool is called too often.</summary>
    ToolRate,

    /// <summary>The circuit of the tool is open.</summary>
    ToolCircuit,

    /// <summary>The circuits of all instances that could take it are open.</summary>
    Circuit,
}

/// <summary>The guards of one server: rates, circuits, the bulkhead (decision 3, product D1 and D3). They live as long as the server is known and follow its configuration.</summary>
/// <remarks>Any thread; nothing here locks or allocates for a call, except for the first one of a client whose rate is bounded.</remarks>
internal sealed class ServerGuards
{
    // A server that renames its tools all the time must not fill the memory; the guards of all tools begin anew then.
    private const int ToolsMax = 8_000;

    private readonly ConcurrentDictionary<string, ToolGuard> _tools = new(StringComparer.Ordinal);
    private readonly TokenBucketsByClient _clients = new();
    private readonly TimeProvider _time;
    private volatile GuardSettings _settings;
    private volatile ServerConfig? _config;

    /// <summary>Guards with the defaults of every option.</summary>
    public ServerGuards(TimeProvider time)
    {
        _time = time;
        _settings = Read(new ServerConfig(), time, null);
        Balancer = new Balancer(this);
    }

    /// <summary>Chooses among instances.</summary>
    public Balancer Balancer { get; }

    /// <summary>The settings of the moment.</summary>
    public GuardSettings Settings => _settings;

    /// <summary>Bounds the calls in flight.</summary>
    public Bulkhead Bulkhead { get; } = new();

    /// <summary>Good results, where fallbacks want them.</summary>
    public AnswerCache Answers { get; } = new();

    /// <summary>The clock.</summary>
    public TimeProvider Time => _time;

    /// <summary>The tools that have been called.</summary>
    public IEnumerable<ToolGuard> Tools => _tools.Values;

    /// <summary>Follows a configuration. Counts go on; bounds on rates begin anew where they changed. One caller at a time.</summary>
    public void Apply(ServerConfig config)
    {
        var old = _config;
        var keepsRates = old is not null && AreEqual(old.RateLimit, config.RateLimit);
        _config = config;
        _settings = Read(config, _time, keepsRates ? _settings : null);
        Bulkhead.Apply(config.MaxConnections, config.QueueMax);
        if (!keepsRates)
        {
            _clients.Clear();
            foreach (var tool in _tools.Values)
            {
                tool.Rate = RateOf(tool.Name);
            }
        }
    }

    /// <summary>The guard of a tool.</summary>
    /// <param name="name">The server's own name.</param>
    public ToolGuard ToolOf(string name)
    {
        if (_tools.TryGetValue(name, out var known))
        {
            return known;
        }

        if (_tools.Count >= ToolsMax)
        {
            _tools.Clear();
        }

        return _tools.GetOrAdd(name, static (added, guards) => new ToolGuard(added, guards) { Rate = guards.RateOf(added) }, this);
    }

    /// <summary>Whether rates and the tool's circuit let a call in. What was taken from a bound is given back when a later one refuses.</summary>
    /// <param name="client">Who calls; compared by reference. Null: one of those that do not say who they are, who count as one.</param>
    /// <param name="tool">The tool; null when it is no call of a tool.</param>
    /// <param name="isRepeated">Whether rates have let the call in before.</param>
    /// <param name="now">The clock's timestamp.</param>
    /// <param name="isProbe">Whether the call is a probe of the tool's circuit.</param>
    /// <param name="retryAfter">Ticks after which another try can succeed; 0 when that is not known.</param>
    public GuardRefusal TryAdmit(object? client, ToolGuard? tool, bool isRepeated, long now, out bool isProbe, out long retryAfter)
    {
        var settings = _settings;
        isProbe = false;
        retryAfter = 0;
        if (settings.HasRates && !isRepeated && TakeRates(settings, client, tool, now, out retryAfter) is var refusal and not GuardRefusal.None)
        {
            return refusal;
        }

        if (tool is null || tool.Breaker.TryPass(now, out isProbe))
        {
            return GuardRefusal.None;
        }

        retryAfter = tool.Breaker.RetryAfter(now);
        return GuardRefusal.ToolCircuit;
    }

    private static GuardSettings Read(ServerConfig config, TimeProvider time, GuardSettings? keep)
    {
        var breaker = config.CircuitBreaker;
        var rates = config.RateLimit;
        long Ticks(double ms) => Math.Max(1, (long)(ms / 1000 * time.TimestampFrequency));

        return new GuardSettings
        {
            HasBreaker = breaker.Enabled,
            FailureRatio = breaker.FailureRatio,
            MinimumCalls = breaker.MinimumCalls,
            ConnectionFailures = breaker.ConnectionFailures,
            SliceTicks = Ticks(breaker.WindowMs / 10.0),
            OpenTicks = Ticks(breaker.OpenMs),
            HalfOpenProbes = breaker.HalfOpenProbes,
            ServerRate = keep is not null ? keep.ServerRate : rates.Server is { } server ? TokenBucketsByClient.Make(server, time) : null,
            ClientRate = rates.Client,
            Weights = LoadBalancingOptions.ReadWeights(config.LoadBalancing.Weights) ?? [],
            HasRates = rates.Server is not null || rates.Client is not null || rates.Tools.Count != 0,
        };
    }

    private static bool AreEqual(RateLimitOptions one, RateLimitOptions other) =>
        AreEqual(one.Server, other.Server) && AreEqual(one.Client, other.Client)
        && one.Tools.Count == other.Tools.Count && one.Tools.All(pair => other.Tools.TryGetValue(pair.Key, out var rate) && AreEqual(pair.Value, rate));

    private static bool AreEqual(RateOptions? one, RateOptions? other) => (one?.Calls, one?.PerMs, one?.Burst) == (other?.Calls, other?.PerMs, other?.Burst);

    private TokenBucket? RateOf(string tool) => _config?.RateLimit.Tools.TryGetValue(tool, out var rate) == true ? TokenBucketsByClient.Make(rate, _time) : null;

    private GuardRefusal TakeRates(GuardSettings settings, object? client, ToolGuard? tool, long now, out long retryAfter)
    {
        var ofClient = settings.ClientRate is { } rate ? _clients.Of(client, rate, _time) : null;
        if (ofClient is not null && (retryAfter = ofClient.TryTake(now)) != 0)
        {
            return GuardRefusal.ClientRate;
        }

        if (settings.ServerRate is { } ofServer && (retryAfter = ofServer.TryTake(now)) != 0)
        {
            ofClient?.Return();
            return GuardRefusal.ServerRate;
        }

        retryAfter = 0;
        if (tool?.Rate is { } ofTool && (retryAfter = ofTool.TryTake(now)) != 0)
        {
            settings.ServerRate?.Return();
            ofClient?.Return();
            return GuardRefusal.ToolRate;
        }

        return GuardRefusal.None;
    }
}

/// <summary>A bucket for each client of one server; clients are held weakly.</summary>
internal sealed class TokenBucketsByClient
{
    private static readonly object s_nobody = new();

    private ConditionalWeakTable<object, TokenBucket> _buckets = [];

    /// <summary>The bucket that an option describes.</summary>
    public static TokenBucket Make(RateOptions rate, TimeProvider time) =>
        new((long)(rate.PerMs / 1000.0 * time.TimestampFrequency / rate.Calls), rate.Burst ?? rate.Calls);

    /// <summary>The bucket of a client; null = those that do not say who they are.</summary>
    public TokenBucket Of(object? client, RateOptions rate, TimeProvider time)
    {
        var buckets = Volatile.Read(ref _buckets);
        return buckets.TryGetValue(client ?? s_nobody, out var known) ? known : Add(buckets, client ?? s_nobody, rate, time);
    }

    /// <summary>All clients begin anew.</summary>
    public void Clear() => Volatile.Write(ref _buckets, []);

    // A method of its own: what the function below captures is made at the start of the method that it stands in, for every call.
    private static TokenBucket Add(ConditionalWeakTable<object, TokenBucket> buckets, object client, RateOptions rate, TimeProvider time) =>
        buckets.GetValue(client, _ => Make(rate, time));
}
