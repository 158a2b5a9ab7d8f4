namespace Fairlead.Exchanges;

/// <summary>One batch of calls: lanes that each take the next call when theirs has ended.</summary>
/// <remarks>
/// There is a lane for each core from the beginning, the caller's thread being one of them, so that tools that end at once keep all cores busy without a task for each call. A lane whose call
/// does not end at once starts another one before it waits, up to 64. Each lane waits for the one that it started, so the first ones end last and no lane is left alone.
/// </remarks>
internal sealed class BatchRun
{
    private const int LanesMax = 64;
    private const int InvalidParams = -32602;

    private readonly ToolInvoker _tools;
    private readonly BatchCall[] _calls;
    private readonly BatchOutcome[] _outcomes;
    private readonly CancellationToken _cancellationToken;
    private int _taken;
    private int _lanes;

    private BatchRun(ToolInvoker tools, BatchCall[] calls, CancellationToken cancellationToken)
    {
        _tools = tools;
        _calls = calls;
        _outcomes = new BatchOutcome[calls.Length];
        _cancellationToken = cancellationToken;
    }

    /// <summary>Makes the calls.</summary>
    /// <returns>An outcome for each, in their order.</returns>
    /// <exception cref="ArgumentException">One of them is null.</exception>
    /// <exception cref="OperationCanceledException">The caller gave the batch up; no call of it is open any more.</exception>
    public static async Task<IReadOnlyList<BatchOutcome>> RunAsync(ToolInvoker tools, IEnumerable<BatchCall> calls, CancellationToken cancellationToken)
    {
        BatchCall[] inOrder = [.. calls];
        if (Array.Exists(inOrder, static call => call is not { Server: not null, Tool: not null }))
        {
            throw new ArgumentException("A call of a batch names a server and a tool; one of these is null.", nameof(calls));
        }

        var run = new BatchRun(tools, inOrder, cancellationToken);
        var others = new Task[Math.Clamp(Math.Min(Environment.ProcessorCount, inOrder.Length) - 1, 0, LanesMax - 1)];
        run._lanes = others.Length + 1;
        for (var i = 0; i < others.Length; i++)
        {
            others[i] = Task.Run(run.RunLaneAsync, CancellationToken.None);
        }

        await Task.WhenAll([.. others, run.RunLaneAsync()]).ConfigureAwait(false);
        return run._outcomes;
    }

    private async Task RunLaneAsync()
    {
        Task? next = null;
        try
        {
            for (var place = Take(); place < _calls.Length; place = Take())
            {
                _cancellationToken.ThrowIfCancellationRequested();
                try
                {
                    var call = Begin(_calls[place]);
                    if (!call.IsCompleted && next is null && Volatile.Read(ref _taken) < _calls.Length && Interlocked.Increment(ref _lanes) <= LanesMax)
                    {
                        next = RunLaneAsync();
                    }

                    _outcomes[place] = new BatchOutcome(await call.ConfigureAwait(false), null);
                }
                catch (McpException error)
                {
                    _outcomes[place] = new BatchOutcome(null, error);
                }
            }
        }
        finally
        {
            await (next ?? Task.CompletedTask).ConfigureAwait(false);
        }
    }

    private int Take() => Interlocked.Increment(ref _taken) - 1;

    private ValueTask<ToolResult> Begin(BatchCall call)
    {
        ReadOnlyMemory<byte> arguments;
        try
        {
            arguments = ToolArguments.From(call.Arguments);
        }
        catch (Exception exception)
        {
            // Writing them runs code of whoever made the object; what it throws is this call's failure alone.
            throw new ToolFailed($"The arguments for '{call.Tool}' of '{call.Server}' are no JSON object: {exception.Message}", exception) { ServerId = call.Server, Code = InvalidParams };
        }

        return _tools.CallAsync(call.Server, call.Tool, arguments, null, _cancellationToken);
    }
}
