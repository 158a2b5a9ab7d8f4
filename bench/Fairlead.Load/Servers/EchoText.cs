namespace Fairlead.Load.Servers;

/// <summary>The messages of the measurements with a payload of any size, as the echo server on stdio writes them.</summary>
internal static class EchoText
{
    private const string EchoTool = """{"name":"echo","description":"Gives the message back.","inputSchema":{"type":"object","properties":{"message":{"type":"string"}},"required":["message"]}}""";

    /// <summary>The arguments of a call whose text has that many bytes.</summary>
    public static string Arguments(int payload) => "{\"message\":\"" + Words(payload) + "\"}";

    /// <summary>The whole answer to a call or a list, with some id of the right length, for a server that gives it to everybody.</summary>
    public static string Answer(string method, int payload, int tools = 1) => "{\"result\":" + (method == "list"
        ? ModernTools(tools)
        : "{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":\"" + Words(payload) + "\"}]}") + ",\"jsonrpc\":\"2.0\",\"id\":1000000000}";

    /// <summary>A list of the tool echo and others like it, as many in all.</summary>
    public static string Tools(int count) =>
        "{\"tools\":[" + string.Join(',', Enumerable.Range(1, count).Select(static number => number == 1 ? EchoTool : EchoTool.Replace("\"echo\"", $"\"echo-{number}\"", StringComparison.Ordinal))) + "]}";

    /// <summary>The same as servers of 2026-07-28 write it.</summary>
    public static string ModernTools(int count) => "{\"resultType\":\"complete\",\"ttlMs\":60000,\"cacheScope\":\"public\"," + Tools(count)[1..];

    /// <summary>A text of that many bytes.</summary>
    public static string Words(int payload) => string.Concat(Enumerable.Repeat("The quick brown fox jumps over the lazy dog and runs back again. ", (payload / 64) + 1))[..payload];
}
