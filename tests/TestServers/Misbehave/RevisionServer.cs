using System.Text;
using System.Text.Json;

namespace Fairlead.TestServers.Misbehave;

/// <summary>A sound server with the tool <c>hello</c> that speaks exactly one revision, and knows nothing of the others.</summary>
internal sealed class RevisionServer(string revision)
{
    private readonly bool _isModern = revision == "2026-07-28";
    private readonly LineOutput _output = new();

    /// <summary>Serves until the end of stdin.</summary>
    public int Run()
    {
        using var input = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false));
        while (input.ReadLine() is { } line)
        {
            if (line.Length > 0)
            {
                using var message = JsonDocument.Parse(line);
                if (message.RootElement.TryGetProperty("id", out var id) && message.RootElement.TryGetProperty("method", out var method))
                {
                    var answer = Result(method.GetString()) is { } result ? "\"result\":" + result : "\"error\":{\"code\":-32601,\"message\":\"Method not found\"}";
                    _output.Line("{" + answer + ",\"jsonrpc\":\"2.0\",\"id\":" + id.GetRawText() + "}");
                }
            }
        }

        return 0;
    }

    private string? Result(string? method)
    {
        var complete = _isModern ? "\"resultType\":\"complete\"," : "";
        var cacheable = _isModern ? "\"ttlMs\":0,\"cacheScope\":\"private\"," : "";
        return method switch
        {
            "initialize" when !_isModern => "{\"protocolVersion\":\"" + revision + "\",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"revision\",\"version\":\"1\"}}",
            "server/discover" when _isModern => "{" + complete + cacheable + "\"supportedVersions\":[\"" + revision + "\"],\"capabilities\":{\"tools\":{}}}",
            "ping" when !_isModern => "{}",
            "tools/list" => "{" + complete + cacheable + "\"tools\":[{\"name\":\"hello\",\"inputSchema\":{\"type\":\"object\"}}]}",
            "tools/call" => "{" + complete + "\"content\":[{\"type\":\"text\",\"text\":\"hello from " + revision + "\"}]}",
            _ => null,
        };
    }
}
