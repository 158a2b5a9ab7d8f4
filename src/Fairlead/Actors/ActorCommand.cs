namespace Fairlead.Actors;

/// <summary>One message in a mailbox.</summary>
internal abstract class ActorCommand
{
    /// <summary>Runs on the actor's loop and replies.</summary>
    /// <returns>Null, or the unexpected exception: a bug of the actor.</returns>
    public abstract ValueTask<Exception?> RunAsync();

    /// <summary>Replies with an error instead of running.</summary>
    public abstract void Refuse(Exception error);
}

/// <summary>A command with its one reply.</summary>
/// <typeparam name="TReply">What the sender gets.</typeparam>
internal sealed class ActorCommand<TReply>(Func<ValueTask<TReply>> turn) : ActorCommand
{
    private readonly TaskCompletionSource<TReply> _reply = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes once the turn has ended, and never on the actor's own thread.</summary>
    public Task<TReply> Reply => _reply.Task;

    /// <inheritdoc/>
    public override async ValueTask<Exception?> RunAsync()
    {
        try
        {
            _reply.TrySetResult(await turn().ConfigureAwait(false));
            return null;
        }
        catch (McpException error)
        {
            // An answer like any other: the command was refused for a reason the sender can read.
            _reply.TrySetException(error);
            return null;
        }
        catch (Exception bug)
        {
            _reply.TrySetException(bug);
            return bug;
        }
    }

    /// <inheritdoc/>
    public override void Refuse(Exception error) => _reply.TrySetException(error);
}
