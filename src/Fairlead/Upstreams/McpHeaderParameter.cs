namespace Fairlead.Upstreams;

/// <summary>One <c>x-mcp-header</c> of a tool's input schema (2026-07-28, basic/transports, custom headers).</summary>
/// <param name="Name">The header without its <c>Mcp-Param-</c> prefix, as the schema spells it.</param>
/// <param name="Path">Property names from <c>arguments</c> down to the value.</param>
/// <param name="IsInteger">Whether the schema says integer: such values are compared as numbers.</param>
internal sealed record McpHeaderParameter(string Name, string[] Path, bool IsInteger);
