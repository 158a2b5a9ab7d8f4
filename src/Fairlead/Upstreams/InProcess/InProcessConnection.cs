using System.IO.Pipelines;
using Fairlead.Configuration;
using Fairlead.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Fairlead.Upstreams.InProcess;

/// <summary>The connection to a server inside this process: the framing of stdio over two pipes in memory (decision 11). Owns one run of the server.</summary>
internal sealed partial class InProcessConnection : MultiplexedConnection
{
    private readonly Task _run;
    private readonly CancellationTokenSource _cancel;
    private readonly Pipe _toServer;
    private readonly ILogger _logger;
    private volatile string? _failure;
    private volatile bool _stopping;

    private InProcessConnection(string server, IMcpServer target, Pipe toServer, Pipe fromServer, DeadlineSweep sweep, LimitsOptions limits, ILogger logger)
        : base(server, toServer.Writer.AsStream(leaveOpen: true), fromServer.Reader.AsStream(), sweep, limits, logger)
    {
        _toServer = toServer;
        _logger = logger;
        _cancel = new CancellationTokenSource();
        _run = Task.Run(() => RunAsync(target, fromServer));
    }

    /// <summary>Runs <paramref name="target"/> and connects to it.</summary>
    public static InProcessConnection Open(string server, IMcpServer target, DeadlineSweep sweep, LimitsOptions limits, ILogger logger) =>
        new(server, target, new Pipe(), new Pipe(), sweep, limits, logger);

    /// <summary>Fails what is open and ends the run: its input ends, after a wait its token is cancelled. A run that ignores both is left behind and logged.</summary>
    public override async ValueTask DisposeAsync()
    {
        _stopping = true;
        Lose("it was stopped", byUs: true);
        await _toServer.Writer.CompleteAsync().ConfigureAwait(false);
        if (!await EndsWithinAsync(Limits.StopStdinWait).ConfigureAwait(false))
        {
            await _cancel.CancelAsync().ConfigureAwait(false);
            if (!await EndsWithinAsync(Limits.StopTermWait).ConfigureAwait(false))
            {
                LogLeftBehind(_logger, Server);
            }
        }

        await base.DisposeAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override ValueTask<string> DescribeEndAsync(string reason) => new(_stopping ? "it was stopped" : _failure ?? reason);

    private async Task RunAsync(IMcpServer target, Pipe fromServer)
    {
        Exception? failure = null;
        try
        {
            await target.RunAsync(_toServer.Reader.AsStream(leaveOpen: true), fromServer.Writer.AsStream(leaveOpen: true), _cancel.Token).ConfigureAwait(false);
            _failure = "its RunAsync returned";
        }
        catch (Exception exception)
        {
            // The edge to code that is not ours: whatever it throws ends this one server.
            failure = exception;
            _failure = $"its RunAsync failed with {exception.GetType().Name}: {exception.Message}";
        }

        await _toServer.Reader.CompleteAsync(failure).ConfigureAwait(false);
        await fromServer.Writer.CompleteAsync().ConfigureAwait(false);
    }

    private async Task<bool> EndsWithinAsync(TimeSpan limit)
    {
        try
        {
            await _run.WaitAsync(limit, Sweeper.TimeProvider).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    [LoggerMessage(EventIds.InProcessLeftBehind, LogLevel.Warning,
        "The in-process server {Server} ends neither when its input ends nor when it is cancelled; it is left behind. Make its RunAsync obey the cancellation token.")]
    private static partial void LogLeftBehind(ILogger logger, string server);
}
