using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Fairlead.TestServers.Misbehave;

/// <summary>
/// A tiny MCP server of the revisions with a handshake, written by hand so that nothing tidies up what a mode wants to do wrong. Requests are handled one
/// after another on the thread of <see cref="Run"/>. Ids are kept as raw JSON, and answers carry them last, as the SDKs do.
/// </summary>
internal sealed class LineServer
{
    private static readonly string[] s_versions = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
    private readonly Dictionary<string, Action<string, JsonElement>> _tools = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _asked = new(StringComparer.Ordinal);
    private JsonElement _clientCapabilities;
    private int _questions;

    public LineOutput Output { get; } = new();

    /// <summary>Called before every answer.</summary>
    public Action<LineOutput>? BeforeAnswer { get; set; }

    /// <summary>Called once, when the client says that it is ready.</summary>
    public Action? Initialized { get; set; }

    /// <summary>The raw capabilities object that the client is told.</summary>
    public string Capabilities { get; set; } = """{"tools":{},"logging":{}}""";

    /// <summary>Gives the names that the list of tools holds; null = those of <see cref="Tool"/>.</summary>
    public Func<IEnumerable<string>>? Listed { get; set; }

    /// <summary>Gets the id of the call and the raw answer of the client to a question; null = the answer becomes the text of the call's answer.</summary>
    public Action<string, string>? Heard { get; set; }

    /// <summary>Adds a tool that takes any arguments.</summary>
    /// <param name="name">A name that needs no escaping.</param>
    /// <param name="handler">Gets the raw id of the call and the arguments (<c>default</c> when absent); answers now, later or never.</param>
    public void Tool(string name, Action<string, JsonElement> handler) => _tools.Add(name, handler);

    /// <summary>Serves until the end of stdin.</summary>
    public int Run()
    {
        using var input = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false));
        while (input.ReadLine() is { } line)
        {
            if (line.Length > 0)
            {
                using var message = JsonDocument.Parse(line);
                Handle(message.RootElement);
            }
        }

        return 0;
    }

    public void AnswerText(string id, string text, bool isError = false) => Answer(
        id, "{\"content\":[{\"type\":\"text\",\"text\":\"" + JsonEncodedText.Encode(text) + "\"}]" + (isError ? ",\"isError\":true}" : "}"));

    /// <summary>Asks the client; its answer, whatever it is, becomes the text of the call's answer.</summary>
    public void Ask(string call, JsonElement arguments, string capability, string method, string? parameters)
    {
        var forced = arguments.ValueKind == JsonValueKind.Object && arguments.TryGetProperty("force", out var force) && force.ValueKind == JsonValueKind.True;
        if (!forced && (_clientCapabilities.ValueKind != JsonValueKind.Object || !_clientCapabilities.TryGetProperty(capability, out _)))
        {
            AnswerText(call, $"the client did not declare {capability}", isError: true);
            return;
        }

        // Ids of servers start at 0 in a space of their own.
        var id = _questions++.ToString(CultureInfo.InvariantCulture);
        _asked.Add(id, call);
        Output.Line("{\"method\":\"" + method + "\"" + (parameters is null ? "" : ",\"params\":" + parameters) + ",\"jsonrpc\":\"2.0\",\"id\":" + id + "}");
    }

    /// <summary>A string argument, escaped for use between quotes.</summary>
    public static string TextOf(JsonElement arguments, string name, string otherwise) =>
        JsonEncodedText.Encode(arguments.ValueKind == JsonValueKind.Object && arguments.TryGetProperty(name, out var text) ? text.GetString()! : otherwise).ToString();

    private void Handle(JsonElement message)
    {
        var id = message.TryGetProperty("id", out var idElement) ? idElement.GetRawText() : null;
        if (!message.TryGetProperty("method", out var method))
        {
            TakeAnswer(id, message);
            return;
        }

        var parameters = message.TryGetProperty("params", out var given) ? given : default;
        switch (method.GetString())
        {
            case "initialize":
                Initialize(id!, parameters);
                break;
            case "notifications/initialized":
                Initialized?.Invoke();
                break;
            case "ping":
                Answer(id!, "{}");
                break;
            case "tools/list":
                Answer(id!, "{\"tools\":[" + string.Join(',', (Listed?.Invoke() ?? _tools.Keys).Select(static name => "{\"name\":\"" + name + "\",\"inputSchema\":{\"type\":\"object\"}}")) + "]}");
                break;
            case "tools/call":
                Call(id!, parameters);
                break;
            default:
                if (id is not null)
                {
                    Error(id, -32601, "Method not found");
                }

                break;
        }
    }

    private void Initialize(string id, JsonElement parameters)
    {
        _clientCapabilities = parameters.GetProperty("capabilities").Clone();
        var asked = parameters.GetProperty("protocolVersion").GetString();
        var version = s_versions.Contains(asked) ? asked : s_versions[^1];
        Answer(id, "{\"protocolVersion\":\"" + version + "\",\"capabilities\":" + Capabilities + ",\"serverInfo\":{\"name\":\"misbehave\",\"version\":\"1.0.0\"}}");
    }

    private void Call(string id, JsonElement parameters)
    {
        var name = parameters.GetProperty("name").GetString()!;
        if (_tools.TryGetValue(name, out var handler))
        {
            handler(id, parameters.TryGetProperty("arguments", out var arguments) ? arguments : default);
        }
        else
        {
            Error(id, -32602, $"Unknown tool: {JsonEncodedText.Encode(name)}");
        }
    }

    private void TakeAnswer(string? id, JsonElement message)
    {
        if (id is not null && _asked.Remove(id, out var call))
        {
            var what = message.TryGetProperty("result", out var result) ? result : message.GetProperty("error");
            (Heard ?? ((id, text) => AnswerText(id, text)))(call, what.GetRawText());
        }
    }

    /// <summary>Answers with a raw result.</summary>
    public void Answer(string id, string result)
    {
        BeforeAnswer?.Invoke(Output);
        Output.Line("{\"result\":" + result + ",\"jsonrpc\":\"2.0\",\"id\":" + id + "}");
    }

    /// <summary>Answers with an error; the message needs no escaping.</summary>
    public void Error(string id, int code, string message)
    {
        BeforeAnswer?.Invoke(Output);
        Output.Line(string.Create(CultureInfo.InvariantCulture, $"{{\"error\":{{\"code\":{code},\"message\":\"{message}\"}},\"jsonrpc\":\"2.0\",\"id\":{id}}}"));
    }
}
