using System.Threading.Channels;
using Fairlead.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Fairlead.Actors;

/// <summary>Owns state that only its receive loop touches. Others send commands and wait for the one reply, or read what it publishes.</summary>
/// <remarks>
/// The mailbox holds <see cref="MailboxCapacity"/> commands; senders wait for room (back-pressure: a control command is never dropped). Commands run one
/// at a time in the order they were accepted. A turn must not wait for anything slow and never for its own mailbox: long work runs beside the loop and
/// reports with a command of its own. An unexpected exception fails that command and restarts the actor (<see cref="RecoverAsync"/>) within a budget; past it the
/// actor ends and keeps the first cause. Once stopped, every sender gets <see cref="RuntimeShutdown"/>.
/// </remarks>
internal abstract partial class Actor : IAsyncDisposable
{
    /// <summary>Commands that wait in one mailbox.</summary>
    public const int MailboxCapacity = 100;

    private const int FailuresMax = 5;
    private static readonly TimeSpan s_stable = TimeSpan.FromMinutes(5);

    private readonly Channel<ActorCommand> _mailbox = Channel.CreateBounded<ActorCommand>(
        new BoundedChannelOptions(MailboxCapacity) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true });

    private readonly RestartBudget _failures;
    private readonly Task _loop;
    private volatile bool _closed;

    /// <summary>Starts the loop.</summary>
    /// <param name="name">For logs.</param>
    /// <param name="time">The clock of the failure budget.</param>
    /// <param name="logger">Where failures are told.</param>
    protected Actor(string name, TimeProvider time, ILogger logger)
    {
        Name = name;
        Logger = logger;
        _failures = new RestartBudget(FailuresMax, TimeSpan.Zero, TimeSpan.Zero, s_stable, time);
        _loop = ReceiveAsync();
    }

    /// <summary>Name for logs.</summary>
    public string Name { get; }

    /// <summary>Commands that wait at this moment.</summary>
    public int QueueDepth => _mailbox.Reader.Count;

    /// <summary>The first bug that this actor met; null when it met none.</summary>
    public Exception? FirstFailure { get; private set; }

    /// <summary>The actor's log.</summary>
    protected ILogger Logger { get; }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Close();
        await _loop.ConfigureAwait(false);
        GC.SuppressFinalize(this);
    }

    /// <summary>Sends a command and waits for its reply.</summary>
    /// <param name="turn">Runs on the loop, alone.</param>
    /// <param name="cancellationToken">Ends the wait. A command that was accepted runs all the same.</param>
    /// <exception cref="RuntimeShutdown">The actor has stopped.</exception>
    protected async Task<TReply> AskAsync<TReply>(Func<ValueTask<TReply>> turn, CancellationToken cancellationToken)
    {
        var command = new ActorCommand<TReply>(turn);
        try
        {
            await _mailbox.Writer.WriteAsync(command, cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw RuntimeShutdown.Now(FirstFailure);
        }

        return await command.Reply.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sends a command of the actor's own surroundings (a timer, the end of background work) and waits until it has run.</summary>
    /// <returns>False when the actor has stopped: the command did not run.</returns>
    protected async Task<bool> TellAsync(Action turn)
    {
        try
        {
            return await AskAsync(
                () =>
                {
                    turn();
                    return new ValueTask<bool>(true);
                },
                CancellationToken.None).ConfigureAwait(false);
        }
        catch (RuntimeShutdown)
        {
            return false;
        }
    }

    /// <summary>Takes no more commands; those that wait are refused. Safe from within a turn.</summary>
    protected void Close()
    {
        _closed = true;
        _mailbox.Writer.TryComplete();
    }

    /// <summary>Puts the state in order after an unexpected exception, on the loop. An exception here ends the actor.</summary>
    protected virtual ValueTask RecoverAsync(Exception bug) => default;

    /// <summary>Told on the loop, once, when the failure budget is spent and the actor ends.</summary>
    protected virtual ValueTask EndedAsync(Exception firstCause) => default;

    private async Task ReceiveAsync()
    {
        while (await _mailbox.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            while (_mailbox.Reader.TryRead(out var command))
            {
                if (_closed)
                {
                    command.Refuse(RuntimeShutdown.Now(FirstFailure));
                }
                else if (await command.RunAsync().ConfigureAwait(false) is { } bug)
                {
                    await SuperviseAsync(bug).ConfigureAwait(false);
                }
            }
        }
    }

    private async ValueTask SuperviseAsync(Exception bug)
    {
        FirstFailure ??= bug;
        LogFailed(Logger, bug, Name);
        try
        {
            if (_failures.TrySpend() is not null)
            {
                await RecoverAsync(bug).ConfigureAwait(false);
                _failures.NoteUp();
                return;
            }
        }
        catch (Exception again)
        {
            LogFailed(Logger, again, Name);
        }

        LogEnded(Logger, Name, FirstFailure.Message);
        Close();
        await EndedAsync(FirstFailure).ConfigureAwait(false);
    }

    [LoggerMessage(EventIds.ActorFailed, LogLevel.Error, "Actor {Name} met an unexpected error and starts again; this is a bug of Fairlead.")]
    private static partial void LogFailed(ILogger logger, Exception exception, string name);

    [LoggerMessage(EventIds.ActorEnded, LogLevel.Critical, "Actor {Name} failed too often and ends. The first cause was: {Cause}")]
    private static partial void LogEnded(ILogger logger, string name, string cause);
}
