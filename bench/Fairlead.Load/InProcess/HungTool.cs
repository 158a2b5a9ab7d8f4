namespace Fairlead.Load.InProcess;

/// <summary>A tool that never ends by itself, so that its circuit opens. Counts how often it was called: behind an open circuit never.</summary>
internal sealed class HungTool : ITool
{
    private long _calls;

    public string Name => "hang";

    /// <summary>How often it was called.</summary>
    public long Calls => Volatile.Read(ref _calls);

    public ReadOnlyMemory<byte> DefinitionUtf8 { get; } = """{"name":"hang","inputSchema":{"type":"object"}}"""u8.ToArray();

    public async ValueTask<ToolOutput> InvokeAsync(ReadOnlyMemory<byte> argumentsUtf8, ToolCallContext context, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _calls);
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        return ToolOutput.Text("");
    }
}
