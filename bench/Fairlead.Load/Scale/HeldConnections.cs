using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Fairlead.Load.Scale;

/// <summary>Many connections to one endpoint that are opened, used once and then held: each as small here as it can be, so that the other end can be measured.</summary>
internal sealed class HeldConnections(Uri endpoint, byte[] request, byte[] endsWith) : IDisposable
{
    private const int AnswerBytesMax = 16 * 1024;
    private const int AtOnce = 64;

    // One address and one port to connect to leave some 28 000 ports to connect from; each further address of the loopback network as many again.
    private const int Addresses = 8;

    private readonly List<Socket> _sockets = [];

    /// <summary>How many have been opened.</summary>
    public int Count => _sockets.Count;

    /// <summary>A call of the tool echo, whose connection is kept alive.</summary>
    public static HeldConnections OfCalls(Uri endpoint) => new(endpoint, Post(endpoint, BenchCall.Body, "tools/call", "Mcp-Name: echo\r\n"), Encoding.UTF8.GetBytes("\"id\":12345678}"));

    /// <summary>A listen stream of 2026-07-28, which has been acknowledged.</summary>
    public static HeldConnections OfListenStreams(Uri endpoint) => new(
        endpoint,
        Post(
            endpoint,
            """{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}""",
            "subscriptions/listen", ""),
        "\n\n\r\n"u8.ToArray());

    /// <summary>Opens more of them.</summary>
    /// <param name="count">How many there are afterwards.</param>
    /// <exception cref="BenchFailedException">One could not be opened or was not answered as it should be.</exception>
    public async Task GrowAsync(int count)
    {
        while (_sockets.Count < count)
        {
            _sockets.AddRange(await Task.WhenAll(Enumerable.Range(_sockets.Count, Math.Min(AtOnce, count - _sockets.Count)).Select(OpenAsync)).ConfigureAwait(false));
        }
    }

    /// <summary>How many the other end has closed since.</summary>
    public int CountClosed()
    {
        var buffer = new byte[AnswerBytesMax];
        var closed = 0;
        foreach (var socket in _sockets)
        {
            try
            {
                // Keep-alives may have come; after them an end would be read as nothing.
                for (var open = true; open && socket.Poll(0, SelectMode.SelectRead);)
                {
                    open = socket.Receive(buffer) != 0;
                    closed += open ? 0 : 1;
                }
            }
            catch (SocketException)
            {
                closed++;
            }
        }

        return closed;
    }

    public void Dispose() => _sockets.ForEach(static socket => socket.Dispose());

    private static byte[] Post(Uri endpoint, string body, string method, string more) => Encoding.UTF8.GetBytes(
        $"POST {endpoint.AbsolutePath} HTTP/1.1\r\nHost: {endpoint.Authority}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
        + $"MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}\r\n{more}Content-Length: {body.Length}\r\n\r\n{body}");

    private async Task<Socket> OpenAsync(int number)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Bind(new IPEndPoint(new IPAddress([127, 0, 0, (byte)(1 + (number % Addresses))]), 0));
            await socket.ConnectAsync(IPAddress.Loopback, endpoint.Port).ConfigureAwait(false);
            await socket.SendAsync(request).ConfigureAwait(false);
            var buffer = new byte[AnswerBytesMax];
            var filled = 0;
            while (!buffer.AsSpan(0, filled).EndsWith(endsWith))
            {
                var read = await socket.ReceiveAsync(buffer.AsMemory(filled)).ConfigureAwait(false);
                filled += read;
                if (read == 0 || filled == buffer.Length)
                {
                    throw new BenchFailedException($"connection {number + 1} was answered '{Encoding.UTF8.GetString(buffer, 0, filled)}'");
                }
            }

            return Encoding.ASCII.GetString(buffer, 0, 12) == "HTTP/1.1 200"
                ? socket
                : throw new BenchFailedException($"connection {number + 1} was answered '{Encoding.UTF8.GetString(buffer, 0, filled)}'");
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new BenchFailedException($"connection {number + 1} could not be opened: {e.Message}");
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
