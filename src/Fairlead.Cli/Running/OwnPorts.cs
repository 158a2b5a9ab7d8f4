using Fairlead.AspNetCore.Mcp;
using Fairlead.Diagnostics;
using Fairlead.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Fairlead.Cli.Running;

/// <summary>Opens and closes the listeners of servers that have a <c>port</c> (decision 13): follows the fleet at run time, and tries again while a port is taken.</summary>
/// <remarks>
/// The web server reads its further listeners from <see cref="Configuration"/> and takes changes over at once. A port that cannot be had is a warning on its server and nothing
/// else: the server is at <c>/mcp/NAME</c> in any case. Owns its loop, which rests as long as no server has had a port: most fleets never have one.
/// </remarks>
internal sealed partial class OwnPorts : IAsyncDisposable
{
    /// <summary>How often it looks at the fleet, and tries for a port that was taken, once a server has a port; before that, how long after a change of the fleet.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Fleet _fleet;
    private readonly string _host;
    private readonly Func<int, string?> _whyNot;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Listeners _listeners = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<int, string> _open = [];
    private bool _isNeeded;
    private volatile TaskCompletionSource _looked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private PortTable? _table;
    private Task _loop = Task.CompletedTask;

    /// <summary>Opens nothing yet.</summary>
    /// <param name="fleet">Its servers' configurations name the ports.</param>
    /// <param name="host">The address of the main listener; own ones are on the same.</param>
    /// <param name="whyNot">Says why a port cannot be listened on, as the end of a sentence; null when it can.</param>
    /// <param name="time">Paces the looks.</param>
    /// <param name="logger">Where ports that are taken are told.</param>
    public OwnPorts(Fleet fleet, string host, Func<int, string?> whyNot, TimeProvider time, ILogger logger)
    {
        _fleet = fleet;
        _host = host.Contains(':', StringComparison.Ordinal) && !host.StartsWith('[') ? $"[{host}]" : host;
        _whyNot = whyNot;
        _time = time;
        _logger = logger;
        Configuration = new ConfigurationBuilder().Add(_listeners).Build();
    }

    /// <summary>The listeners, in the form that Kestrel reads; it changes with them.</summary>
    public IConfigurationRoot Configuration { get; }

    /// <summary>Completes after the next look at the fleet.</summary>
    public Task Looked => _looked.Task;

    /// <summary>Opens what can be opened and goes on looking. Call once, when the main listener is open.</summary>
    /// <param name="table">Learns which port is whose, before the first connection to it.</param>
    public void Start(PortTable table)
    {
        _table = table;
        var changed = _fleet.AnyChange();
        Look();
        _loop = Task.Run(() => FollowAsync(changed));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
        (Configuration as IDisposable)?.Dispose();
    }

    /// <param name="changed">Completes at a change of the fleet since the last look.</param>
    private async Task FollowAsync(Task changed)
    {
        try
        {
            while (true)
            {
                if (!_isNeeded)
                {
                    await changed.WaitAsync(_stop.Token).ConfigureAwait(false);
                }

                // Changes come in bursts, as when many servers start: one look for all of them.
                await Task.Delay(Interval, _time, _stop.Token).ConfigureAwait(false);
                changed = _isNeeded ? Task.CompletedTask : _fleet.AnyChange();
                Look();
                var looked = _looked;
                _looked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                looked.TrySetResult();
            }
        }
        catch (OperationCanceledException)
        {
            // The end: the web server closes its listeners itself.
        }
    }

    private void Look()
    {
        var wanted = new Dictionary<int, ServerCell>();
        foreach (var cell in _fleet.Current.InOrder)
        {
            if (cell.Current is not { Config.Port: { } port, State: not ServerState.Disabled })
            {
                cell.PortProblem = null;
            }
            else if (!wanted.TryAdd(port, cell))
            {
                Tell(cell, port, $"it is the own port of {wanted[port].Name}");
            }
        }

        _isNeeded |= wanted.Count != 0;
        var closed = _open.Keys.Where(port => !wanted.ContainsKey(port)).ToArray();
        var changed = closed.Length != 0;
        foreach (var port in closed)
        {
            _open.Remove(port);
        }

        foreach (var (port, cell) in wanted)
        {
            if (_open.TryGetValue(port, out var owner))
            {
                // The listener stays when its port goes from one server to another.
                changed |= owner != cell.Name;
            }
            else if (_whyNot(port) is { } reason)
            {
                Tell(cell, port, reason);
                continue;
            }
            else
            {
                changed = true;
            }

            _open[port] = cell.Name;
            if (cell.PortProblem is not null)
            {
                cell.PortProblem = null;
                LogOpen(_logger, cell.Name, port);
            }
        }

        if (changed)
        {
            _table!.Publish(_open);
            _listeners.Set(_open.Keys.Select(port => $"http://{_host}:{port}"));
        }
    }

    /// <summary>Once for each reason: a port that stays taken is not told every second.</summary>
    private void Tell(ServerCell cell, int port, string reason)
    {
        var problem = $"its own port {port} cannot be used: {reason}";
        if (cell.PortProblem != problem)
        {
            cell.PortProblem = problem;
            LogTaken(_logger, cell.Name, port, reason);
        }
    }

    [LoggerMessage(EventIds.OwnPortTaken, LogLevel.Warning, "The own port {Port} of {Server} cannot be used: {Reason}. It is tried again; the server is at /mcp/{Server} meanwhile. Choose another port, or stop what holds it.")]
    private static partial void LogTaken(ILogger logger, string server, int port, string reason);

    [LoggerMessage(EventIds.OwnPortOpen, LogLevel.Information, "{Server} listens on its own port {Port} after all.")]
    private static partial void LogOpen(ILogger logger, string server, int port);

    /// <summary>Configuration in memory that tells of its changes.</summary>
    private sealed class Listeners : ConfigurationProvider, IConfigurationSource
    {
        public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

        public void Set(IEnumerable<string> urls)
        {
            Data = urls.ToDictionary(static url => $"Endpoints:{url.Replace(':', '_')}:Url", static string? (url) => url, StringComparer.OrdinalIgnoreCase);
            OnReload();
        }
    }
}
