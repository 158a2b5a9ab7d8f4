namespace Fairlead;

/// <summary>One call of <see cref="McpManager.ExecuteBatchAsync"/>.</summary>
/// <param name="Server">Id of the server.</param>
/// <param name="Tool">Name of the tool.</param>
/// <param name="Arguments">As for <see cref="McpManager.ExecuteToolAsync(string, string, object?, CancellationToken)"/>; null = none.</param>
public sealed record BatchCall(string Server, string Tool, object? Arguments = null);

/// <summary>How one call of a batch ended. Exactly one of the two is set.</summary>
/// <param name="Result">What the tool gave, also when it says that it failed; null when the call itself failed.</param>
/// <param name="Error">Why the call failed; null when there is a result. Arguments that are no JSON object are a <see cref="ToolFailed"/> with the code -32602.</param>
public sealed record BatchOutcome(ToolResult? Result, McpException? Error)
{
    /// <summary>Whether there is a result without <c>isError</c>.</summary>
    public bool IsSuccess => Result is { IsError: false };
}
