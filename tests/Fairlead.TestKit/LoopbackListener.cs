using System.Net;
using System.Net.Sockets;

namespace Fairlead.TestKit;

/// <summary>A small web server of a test's own on 127.0.0.1, one request at a time, until it is disposed of.</summary>
public sealed class LoopbackListener : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Task _loop;

    /// <summary>Listens on a port.</summary>
    /// <param name="port">A free one.</param>
    /// <param name="answer">Answers a request and closes its response. What it throws ends the listening and comes out at the disposal.</param>
    public LoopbackListener(int port, Func<HttpListenerContext, Task> answer)
    {
        Url = $"http://127.0.0.1:{port}/";
        _listener.Prefixes.Add(Url);
        _listener.Start();
        _loop = Task.Run(() => ServeAsync(answer));
    }

    /// <summary>A port of this machine on which nobody listens at this moment.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Where it listens.</summary>
    public string Url { get; }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await Guard.WithinAsync(_loop, $"the end of the listener at {Url}").ConfigureAwait(false);
        _listener.Close();
    }

    private async Task ServeAsync(Func<HttpListenerContext, Task> answer)
    {
        while (true)
        {
            HttpListenerContext request;
            try
            {
                request = await _listener.GetContextAsync().ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
            {
                return; // Stopped.
            }

            await answer(request).ConfigureAwait(false);
        }
    }
}
