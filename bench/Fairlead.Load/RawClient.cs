using System.Buffers.Text;
using System.Net.Sockets;
using System.Text;

namespace Fairlead.Load;

/// <summary>One kept-alive connection that posts one modern request over and over without allocating, so that all that is allocated meanwhile is the server's.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _request;
    private readonly byte[] _buffer = new byte[16 * 1024];

    /// <summary>Connects.</summary>
    /// <param name="endpoint">Where to.</param>
    /// <param name="method">tools/call for <see cref="BenchCall"/>, or tools/list.</param>
    public RawClient(Uri endpoint, string method)
    {
        var isCall = method == "tools/call";
        var body = isCall ? BenchCall.Body : BenchCall.ListBody;
        _request = Encoding.UTF8.GetBytes(
            $"POST {endpoint.AbsolutePath} HTTP/1.1\r\nHost: {endpoint.Authority}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
            + $"MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}\r\n{(isCall ? "Mcp-Name: echo\r\n" : "")}Content-Length: {body.Length}\r\n\r\n{body}");
        _socket.Connect(endpoint.Host, endpoint.Port);
    }

    /// <summary>Posts once and reads the whole answer. Blocks.</summary>
    /// <exception cref="BenchFailedException">The answer is not a 200 with a Content-Length that fits, or not the expected one.</exception>
    public void Call(ReadOnlySpan<byte> expectedBody)
    {
        _socket.Send(_request);
        var filled = 0;
        while (true)
        {
            var read = _socket.Receive(_buffer.AsSpan(filled));
            filled += read;
            var text = _buffer.AsSpan(0, filled);
            var headers = text.IndexOf("\r\n\r\n"u8);
            if (headers >= 0 && filled >= headers + 4 + expectedBody.Length)
            {
                Check(text, headers, expectedBody);
                return;
            }

            if (read == 0 || filled == _buffer.Length)
            {
                throw new BenchFailedException($"a call was answered '{Encoding.UTF8.GetString(text)}'");
            }
        }
    }

    public void Dispose() => _socket.Dispose();

    private static void Check(ReadOnlySpan<byte> text, int headers, ReadOnlySpan<byte> expectedBody)
    {
        var at = text[..headers].IndexOf("Content-Length: "u8);
        var isWhole = at >= 0 && Utf8Parser.TryParse(text[(at + 16)..], out int length, out _) && length == expectedBody.Length;
        if (!isWhole || !text.StartsWith("HTTP/1.1 200 "u8) || !text[(headers + 4)..].SequenceEqual(expectedBody))
        {
            throw new BenchFailedException($"a call was answered '{Encoding.UTF8.GetString(text)}'");
        }
    }
}
