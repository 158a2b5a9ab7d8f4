namespace Fairlead.Interop;

/// <summary>Something that a caller outside .NET has begun and can cancel. Ends exactly once, with a record in the queue.</summary>
#pragma warning disable CA1001 // No timer and no wait handle hangs on its cancellation, so there is nothing to dispose of.
internal abstract class Operation(CallerBridge owner, long id)
#pragma warning restore CA1001 // As above.
{
    private readonly CancellationTokenSource _cancellation = new();

    /// <summary>The caller's own number of it.</summary>
    public long Id => id;

    /// <summary>Whose it is.</summary>
    protected CallerBridge Owner => owner;

    /// <summary>Cancelled when the caller gives it up.</summary>
    protected CancellationToken Token => _cancellation.Token;

    /// <summary>Gives it up. Handlers run on the thread pool: they may write to servers, and the caller's thread does not wait for that.</summary>
    public void Cancel() => _ = _cancellation.CancelAsync();

    /// <summary>Ends it.</summary>
    protected void End(CompletionKind kind, ReadOnlyMemory<byte> bytes)
    {
        owner.Forget(id);
        owner.Completions.Post(new Completion(id, kind, bytes));
    }

    /// <summary>Ends it with an error.</summary>
    protected void End(Exception exception)
    {
        if (exception is OperationCanceledException && _cancellation.IsCancellationRequested)
        {
            End(CompletionKind.Cancelled, default);
        }
        else
        {
            End(CompletionKind.Failure, ErrorText.Of(exception));
        }
    }
}
