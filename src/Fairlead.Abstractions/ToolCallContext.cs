namespace Fairlead;

/// <summary>Who calls which tool. Immutable; the same object may serve many calls.</summary>
/// <param name="Server">Id of the server that the tool belongs to.</param>
/// <param name="Principal">Whom the call is made for; <c>local</c> for callers inside this process.</param>
public sealed record ToolCallContext(string Server, string Principal)
{
    /// <summary>The principal of callers inside this process.</summary>
    public const string LocalPrincipal = "local";
}
