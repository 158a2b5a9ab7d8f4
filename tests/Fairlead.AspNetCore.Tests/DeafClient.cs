using System.Net.Sockets;
using System.Text;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests;

/// <summary>A client that sends one request and reads nothing until it is told to. Its receive buffer is as small as the system allows.</summary>
internal sealed class DeafClient : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };

    private DeafClient()
    {
    }

    /// <summary>Connects and sends the request as <see cref="FrontHost.Compose"/> makes it, without waiting for anything.</summary>
    public static async Task<DeafClient> SendAsync(FrontHost host, HttpRequestMessage request)
    {
        var body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync();
        var head = new StringBuilder($"{request.Method} {request.RequestUri} HTTP/1.1\r\nHost: {host.Url.Authority}\r\n");
        foreach (var (name, values) in request.Headers.Concat(request.Content?.Headers.AsEnumerable() ?? []))
        {
            head.Append($"{name}: {string.Join(", ", values)}\r\n");
        }

        if (request.Content is not null && request.Content.Headers.ContentLength is null)
        {
            head.Append($"Content-Length: {body.Length}\r\n");
        }

        var client = new DeafClient();
        await Guard.WithinAsync(client._socket.ConnectAsync(host.Url.Host, host.Url.Port), "the connection of a client");
        await client._socket.SendAsync((byte[])[.. Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()), .. body]);
        return client;
    }

    /// <summary>Reads what the system still holds, to the end of the connection.</summary>
    /// <returns>How many bytes there were.</returns>
    public async Task<long> ReadToEndAsync()
    {
        var buffer = new byte[64 * 1024];
        var total = 0L;
        while (true)
        {
            try
            {
                var read = await Guard.WithinAsync(_socket.ReceiveAsync(buffer), "the end of a stalled client's connection");
                if (read == 0)
                {
                    return total;
                }

                total += read;
            }
            catch (SocketException exception) when (exception.SocketErrorCode is SocketError.ConnectionReset)
            {
                return total;
            }
        }
    }

    public void Dispose() => _socket.Dispose();
}
