using System.Net;
using System.Net.Sockets;

namespace Fairlead.EndToEnd.Tests.Compatibility;

/// <summary>What is outside the protocol: servers hear through it that something changed, and say through it what they went through. All processes of a server hear the same.</summary>
internal sealed class World : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Lock _gate = new();
    private readonly List<StreamWriter> _servers = [];
    private readonly List<Task> _readers = [];
    private readonly Task _accepting;

    /// <summary>Listens on a free port.</summary>
    public World()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where servers connect.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The lines of all servers.</summary>
    public Inbox<string> Said { get; } = new();

    /// <summary>Tells all servers.</summary>
    public void Tell(string line)
    {
        lock (_gate)
        {
            _servers.RemoveAll(server => !TryWrite(server, line));
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _accepting;
        lock (_gate)
        {
            _servers.ForEach(static server => server.BaseStream.Dispose());
        }

        await Task.WhenAll(_readers);
        _listener.Dispose();
    }

    /// <summary>False when the server's process has ended: the gateway may stop one at any time.</summary>
    private static bool TryWrite(StreamWriter server, string line)
    {
        try
        {
            server.Write(line + "\n");
            return true;
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            return false;
        }
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptSocketAsync();
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // Stopped.
                return;
            }

            var stream = new NetworkStream(socket, ownsSocket: true);
            lock (_gate)
            {
                _servers.Add(new StreamWriter(stream) { AutoFlush = true });
                _readers.Add(ReadAsync(stream));
            }
        }
    }

    private async Task ReadAsync(NetworkStream stream)
    {
        using var reader = new StreamReader(stream);
        try
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                Said.Add(line);
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // The process has ended, or the test.
        }
    }
}
