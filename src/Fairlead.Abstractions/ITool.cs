namespace Fairlead;

/// <summary>One tool that runs inside this process, called without any framing.</summary>
/// <remarks>Called from many threads at the same time; for callers inside this process on the caller's own thread, so work that takes long belongs behind an await. An exception fails this call only: the caller gets a result with <c>isError</c> and the exception's message.</remarks>
public interface ITool
{
    /// <summary>The tool's name: 1 to 64 of <c>A-Z a-z 0-9 _ - . /</c>, unique among the tools of its server. Constant.</summary>
    string Name { get; }

    /// <summary>The tool as <c>tools/list</c> shows it: a JSON object with at least <c>name</c> (equal to <see cref="Name"/>) and <c>inputSchema</c>. Constant.</summary>
    ReadOnlyMemory<byte> DefinitionUtf8 { get; }

    /// <summary>Runs the tool.</summary>
    /// <param name="argumentsUtf8">The raw <c>arguments</c> value, an object; empty when the caller gave none. Valid until the returned task ends; not checked against the schema.</param>
    /// <param name="context">Who calls which tool.</param>
    /// <param name="cancellationToken">Cancelled when the caller gave up, the time is over, or the server is stopped. Not to be looked at after the returned task has ended: it may be another call's then.</param>
    /// <returns>The result; its bytes must not be changed afterwards.</returns>
    ValueTask<ToolOutput> InvokeAsync(ReadOnlyMemory<byte> argumentsUtf8, ToolCallContext context, CancellationToken cancellationToken);
}
