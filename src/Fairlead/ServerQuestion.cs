using System.Text.Json;

namespace Fairlead;

/// <summary>What a server asks the code that called it (MCP 2025-11-25, client/elicitation and client/sampling).</summary>
/// <param name="Server">Id of the server that asks. Its words are untrusted.</param>
/// <param name="Params">The raw <c>params</c> of <c>elicitation/create</c> or <c>sampling/createMessage</c>; undefined when it sent none.</param>
public sealed record ServerQuestion(string Server, JsonElement Params);
