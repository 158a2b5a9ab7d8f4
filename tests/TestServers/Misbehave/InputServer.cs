using System.Text;
using System.Text.Json;

namespace Fairlead.TestServers.Misbehave;

/// <summary>
/// A server of 2026-07-28 with the tool <c>ask</c>, by hand so that every byte is known: a call without <c>inputResponses</c> is answered by
/// <see cref="InputRequired"/>, one with them by the raw params that came.
/// </summary>
internal sealed class InputServer
{
    // Spacing, number texts and escapes that nobody who reads and writes JSON would keep.
    private const string InputRequired =
        """{"resultType":"input_required", "inputRequests":{"name":{"method":"elicitation/create","params":{"message":"Wer? \u00e9\/","requestedSchema":{"type":"object","properties":{"n":{"type":"number","minimum":1.50}}}}},"model":{"method":"sampling/createMessage","params":{"messages":[],"maxTokens":1e2}},"where":{"method":"roots/list" }},"requestState":"s\u00e9al\/==","x":1.0}""";

    private readonly LineOutput _output = new();

    /// <summary>Serves until the end of stdin.</summary>
    public int Run()
    {
        using var input = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false));
        while (input.ReadLine() is { } line)
        {
            using var message = JsonDocument.Parse(line);
            if (message.RootElement.TryGetProperty("id", out var id) && message.RootElement.TryGetProperty("method", out var method))
            {
                _output.Line($"{{{Answer(method.GetString(), message.RootElement.GetProperty("params"))},\"jsonrpc\":\"2.0\",\"id\":{id.GetRawText()}}}");
            }
        }

        return 0;
    }

    private static string Answer(string? method, JsonElement parameters) => method switch
    {
        "server/discover" => """ "result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private"} """,
        "tools/list" => """ "result":{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[{"name":"ask","inputSchema":{"type":"object"}}]} """,
        "tools/call" when !parameters.TryGetProperty("inputResponses", out _) => "\"result\":" + InputRequired,
        "tools/call" => "\"result\":{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":" + JsonSerializer.Serialize(parameters.GetRawText()) + "}]}",
        _ => """ "error":{"code":-32601,"message":"Method not found"} """,
    };
}
