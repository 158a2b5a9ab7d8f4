using System.Net;
using System.Text;

namespace Fairlead.Load;

/// <summary>The one call that is measured: a modern <c>tools/call</c> of the echo server (MCP 2026-07-28, basic/transports, Streamable HTTP).</summary>
internal static class BenchCall
{
    private const string Message = "The quick brown fox jumps over the lazy dog and runs back again.";

    /// <summary>The request body, as a client writes it: id first, all of <c>_meta</c>.</summary>
    public const string Body =
        "{\"jsonrpc\":\"2.0\",\"id\":12345678,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\",\"arguments\":{\"message\":\"" + Message + "\"}," +
        "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{\"elicitation\":{\"form\":{}}}," +
        "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"wrk\",\"version\":\"4.1\"}}}}";

    /// <summary>The body of a modern <c>tools/list</c>.</summary>
    public const string ListBody =
        "{\"jsonrpc\":\"2.0\",\"id\":12345678,\"method\":\"tools/list\",\"params\":{\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"," +
        "\"io.modelcontextprotocol/clientCapabilities\":{},\"io.modelcontextprotocol/clientInfo\":{\"name\":\"wrk\",\"version\":\"4.1\"}}}}";

    /// <summary>What the echo server answers to it, byte for byte, with the client's id. The bare server gives it to everybody.</summary>
    public const string Answer =
        "{\"result\":{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":\"" + Message + "\"}]},\"jsonrpc\":\"2.0\",\"id\":12345678}";

    /// <summary>Posts the call once, with all headers, and compares the answer byte for byte; one that took its time may come on an event stream.</summary>
    /// <exception cref="BenchFailedException">The status or the body is another.</exception>
    public static async Task CheckAsync(HttpClient client, Uri endpoint)
    {
        using var request = Request(endpoint, "tools/call", Body);
        request.Headers.Add("Mcp-Name", "echo");
        using var response = await client.SendAsync(request).ConfigureAwait(false);
        var body = await response.Content.ReadAsStringAsync().ConfigureAwait(false);
        var isStream = response.Content.Headers.ContentType?.MediaType == "text/event-stream";
        if (response.StatusCode != HttpStatusCode.OK || !(isStream ? body.EndsWith($"data: {Answer}\n\n", StringComparison.Ordinal) : string.Equals(body, Answer, StringComparison.Ordinal)))
        {
            throw new BenchFailedException($"{endpoint} answered {(int)response.StatusCode} '{body}' where '{Answer}' was expected");
        }
    }

    /// <summary>A modern request with the headers that all of them have.</summary>
    public static HttpRequestMessage Request(Uri endpoint, string method, string body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, endpoint) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Content.Headers.Add("Content-Type", "application/json");
        request.Headers.Add("Accept", "application/json, text/event-stream");
        request.Headers.Add("MCP-Protocol-Version", "2026-07-28");
        request.Headers.Add("Mcp-Method", method);
        return request;
    }
}
