using Fairlead.Configuration;
using Fairlead.Processes;
using Fairlead.Upstreams;

namespace Fairlead.Servers;

/// <summary>How a start ended.</summary>
internal enum StartOutcome
{
    /// <summary>The connection is ready.</summary>
    Ready,

    /// <summary>It failed; another try may help.</summary>
    Failed,

    /// <summary>What it stands on is away; it can be started when that is back.</summary>
    BackendAway,

    /// <summary>A variable that it needs is not set.</summary>
    MissingCredential,

    /// <summary>It failed, and trying again cannot help before something is changed.</summary>
    Hopeless,

    /// <summary>The server refuses Fairlead's credentials.</summary>
    AuthenticationRequired,
}

/// <summary>What a start gave.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Connection">The connection, open and with its identity, when ready; else null.</param>
/// <param name="Reason">Why it is not ready, in words that follow the server's name; null when ready.</param>
/// <param name="Backend">What the server is connected to, in words; null when it stands on nothing.</param>
internal sealed record StartResult(StartOutcome Outcome, UpstreamConnection? Connection, string? Reason, string? Backend = null);

/// <summary>Brings one instance of a server to the point where it takes calls: gate, process or connection, era, handshake (decision 5).</summary>
/// <remarks>One for each server; it remembers what the last start taught. Starts of one server may overlap.</remarks>
internal sealed class ServerStart(FleetResources resources) : IAsyncDisposable
{
    /// <summary>How long a silent server is probed before <c>initialize</c> follows on the same connection (decision 5).</summary>
    public static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(5);

    // A start that hangs uses no processor; after this time others may take its place at the gate, so that hung servers delay nobody.
    private static readonly TimeSpan s_gateShare = TimeSpan.FromSeconds(5);

    private readonly Connector _connector = new(resources);
    private volatile bool _endsWhenProbed;
    private volatile bool _speaksSse;

    /// <summary>Told of each instance that was ready and has ended, with how long it lasted and whether it was lost. On any thread; set before the first start.</summary>
    public Action<UpstreamConnection, TimeSpan, bool> SessionEnded { get; set; } = static (_, _, _) => { };

    /// <summary>Starts an instance. Never throws for what the server or its configuration does.</summary>
    /// <param name="config">What to start.</param>
    /// <param name="capabilities">The raw capabilities object that a legacy server is told.</param>
    /// <param name="wire">Attaches to the connection's events before anything is read.</param>
    /// <param name="cancellationToken">Gives up; nothing is left of the start.</param>
    /// <param name="warm">Where a process may be ready; null = one is started.</param>
    public async Task<StartResult> RunAsync(
        ServerConfig config, ReadOnlyMemory<byte> capabilities, Action<UpstreamConnection> wire, CancellationToken cancellationToken, WarmPool? warm = null)
    {
        await resources.StartsMayBegin.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (warm?.TryTake(config) is { } open
            && await TryAsync(config, EraHint.Legacy, capabilities, wire, cancellationToken, open).ConfigureAwait(false) is (HandshakeOutcome.Ready, var fromPool))
        {
            return fromPool;
        }

        using var place = Connector.StartsProcess(config) ? await resources.Gate.EnterAsync(cancellationToken).ConfigureAwait(false) : null;
        var giveWay = place is null ? null : resources.Time.CreateTimer(static state => ((IDisposable)state!).Dispose(), place, s_gateShare, Timeout.InfiniteTimeSpan);
        try
        {
            var report = _connector.BackendOf(config) is { } backed
                ? await BackendWatch.LookAsync(backed, config, resources.Time, cancellationToken).ConfigureAwait(false)
                : null;
            if (report is { State: not BackendState.Ready })
            {
                return new StartResult(BackendWatch.OutcomeOf(report.State), null, report.Text);
            }

            var hint = _endsWhenProbed ? EraHint.Legacy : resources.Verdicts.Find(config)?.Era ?? EraHint.Unknown;
            var (outcome, result) = await TryAsync(config, hint, capabilities, wire, cancellationToken).ConfigureAwait(false);
            if (outcome == HandshakeOutcome.NotStreamable)
            {
                return await TrySseAsync(config, result, capabilities, wire, cancellationToken).ConfigureAwait(false);
            }

            if (outcome != HandshakeOutcome.LostInProbe)
            {
                return result with { Backend = report?.Text };
            }

            // Some servers end at the first request that is not initialize: one start more, which costs nothing of the restart budget.
            _endsWhenProbed = true;
            return (await TryAsync(config, EraHint.Legacy, capabilities, wire, cancellationToken).ConfigureAwait(false)).Result with { Backend = report?.Text };
        }
        catch (HopelessStartException exception)
        {
            return new StartResult(StartOutcome.Hopeless, null, exception.Message);
        }
        finally
        {
            if (giveWay is not null)
            {
                await giveWay.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>Opens a connection that reads and has been asked nothing: a warm one.</summary>
    /// <exception cref="HopelessStartException">The configuration cannot work on this machine.</exception>
    public async Task<UpstreamConnection> OpenAsync(ServerConfig config, CancellationToken cancellationToken)
    {
        using var place = await resources.Gate.EnterAsync(cancellationToken).ConfigureAwait(false);
        var connection = _connector.Open(config);
        Connector.Begin(connection);
        return connection;
    }

    /// <summary>What a server inside this process stands on; null when it stands on nothing.</summary>
    /// <exception cref="HopelessStartException">The configuration cannot work on this machine.</exception>
    public IBackedServer? BackendOf(ServerConfig config) => _connector.BackendOf(config);

    /// <summary>After the last connection that was started.</summary>
    public ValueTask DisposeAsync() => _connector.DisposeAsync();

    /// <summary>A server that refuses Streamable HTTP may be one of HTTP+SSE at the same address (protocol.md 4.2).</summary>
    private async Task<StartResult> TrySseAsync(
        ServerConfig config, StartResult refused, ReadOnlyMemory<byte> capabilities, Action<UpstreamConnection> wire, CancellationToken cancellationToken)
    {
        _speaksSse = true;
        var (outcome, result) = await TryAsync(config, EraHint.Legacy, capabilities, wire, cancellationToken).ConfigureAwait(false);
        if (outcome == HandshakeOutcome.Ready)
        {
            return result;
        }

        _speaksSse = false;
        return refused with { Reason = $"{refused.Reason}; there is neither Streamable HTTP nor HTTP+SSE at this url ({result.Reason}). Check its path" };
    }

    private async Task<(HandshakeOutcome Outcome, StartResult Result)> TryAsync(
        ServerConfig config, EraHint hint, ReadOnlyMemory<byte> capabilities, Action<UpstreamConnection> wire, CancellationToken cancellationToken, UpstreamConnection? open = null)
    {
        var connection = open ?? _connector.Open(config, _speaksSse);
        var keep = false;
        try
        {
            wire(connection);
            if (open is null)
            {
                Connector.Begin(connection);
            }

            var (outcome, reason) = await Handshake.OpenAsync(
                connection, hint, capabilities, ProbeTimeout, resources.Options.Limits.StartTimeout, cancellationToken).ConfigureAwait(false);
            keep = outcome == HandshakeOutcome.Ready;
            if (keep)
            {
                connection.BeginSession(SessionEnded);
            }
            else if (CredentialExit.Find(connection.Child) is { } refused)
            {
                (outcome, reason) = (HandshakeOutcome.AuthenticationRequired, refused);
            }

            Learn(config, connection, hint, outcome);
            return (outcome, outcome switch
            {
                HandshakeOutcome.Ready => new StartResult(StartOutcome.Ready, connection, null),
                HandshakeOutcome.AuthenticationRequired => new StartResult(StartOutcome.AuthenticationRequired, null, reason),
                _ => new StartResult(StartOutcome.Failed, null, reason ?? "it could not be connected to"),
            });
        }
        finally
        {
            if (!keep)
            {
                await connection.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private void Learn(ServerConfig config, UpstreamConnection connection, EraHint hint, HandshakeOutcome outcome)
    {
        if (outcome == HandshakeOutcome.Ready)
        {
            var era = connection.Identity.IsModern ? EraHint.Modern : EraHint.Legacy;
            if (resources.Verdicts.Find(config)?.Era != era)
            {
                resources.Verdicts.NoteEra(config, era);
            }

            return;
        }

        // A legacy verdict is never contradicted by a probe, because none is made: a failure puts it in doubt.
        if (hint == EraHint.Legacy && outcome == HandshakeOutcome.Failed)
        {
            // One that ends at once, whatever it is asked, would cost two starts at each try.
            _endsWhenProbed &= connection.Lost.IsCompleted;
            resources.Verdicts.Drop(config);
        }
    }
}
