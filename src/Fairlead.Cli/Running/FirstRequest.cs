using System.Net.Sockets;
using System.Text;

namespace Fairlead.Cli.Running;

/// <summary>
/// A request of our own to the endpoint that has just been opened, before the servers start: what the first request has the runtime make ready is made then. Eight children that start at once
/// take the cores from whoever asks first, who waited some 300 ms for them on two cores.
/// </summary>
/// <remarks>By a socket and not by <see cref="HttpClient"/>: that would have to be made ready as well.</remarks>
internal static class FirstRequest
{
    // On a machine that cannot do it in this time the servers need not wait as well.
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(500);

    /// <summary>Asks <c>/health</c> and waits for the answer, half a second at most. Does not fail: an endpoint that does not answer tells those who need it.</summary>
    /// <param name="url">The endpoint.</param>
    public static async Task SendAsync(Uri url)
    {
        using var patience = new CancellationTokenSource(s_patience, TimeProvider.System);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        var buffer = new byte[1024];
        try
        {
            await socket.ConnectAsync(url.IdnHost, url.Port, patience.Token).ConfigureAwait(false);
            await socket.SendAsync(Encoding.ASCII.GetBytes($"GET /health HTTP/1.1\r\nHost: {url.Authority}\r\nConnection: close\r\n\r\n"), patience.Token).ConfigureAwait(false);
            while (await socket.ReceiveAsync(buffer, patience.Token).ConfigureAwait(false) > 0)
            {
                // What it says is for others.
            }
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            // The first client finds the endpoint as cold as it would have without this.
        }
    }
}
