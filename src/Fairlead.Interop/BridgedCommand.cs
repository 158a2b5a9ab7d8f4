namespace Fairlead.Interop;

/// <summary>One command of a caller outside .NET: a method of the manager by its name, with arguments and reply as JSON.</summary>
internal sealed class BridgedCommand(CallerBridge owner, long id, string name, byte[] arguments) : Operation(owner, id), IThreadPoolWorkItem
{
    /// <inheritdoc/>
    public void Execute() => _ = RunAsync();

    private async Task RunAsync()
    {
        try
        {
            End(CompletionKind.Result, await Owner.Commands.RunAsync(name, arguments, Token).ConfigureAwait(false));
        }
        catch (Exception exception)
        {
            End(exception);
        }
    }
}
