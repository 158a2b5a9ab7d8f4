using System.Net;
using System.Net.Sockets;

namespace Fairlead.TestServers.Matrix;

/// <summary>The line to the test: it says what changed outside (<c>touch NAME</c>, <c>grow NAME TAG</c>), a server says what it went through (<c>waiting KEY</c>, <c>cancelled KEY</c>, <c>fault TEXT</c>).</summary>
/// <remarks>A change must reach every process of a server at once, as that of a file would: the gateway may run several of them.</remarks>
internal sealed class WorldLink : IDisposable
{
    private readonly TcpClient _client;
    private readonly StreamWriter _out;
    private readonly Lock _gate = new();

    private WorldLink(TcpClient client)
    {
        _client = client;
        _out = new StreamWriter(client.GetStream()) { AutoFlush = true };
    }

    /// <summary>A server of this name is to announce that its watched resource changed.</summary>
    public event Action<string>? Touched;

    /// <summary>A server of the first name is to offer a tool that carries the second, and to announce it.</summary>
    public event Action<string, string>? Grown;

    /// <summary>Connects to the test.</summary>
    public static async Task<WorldLink> ConnectAsync(int port)
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port);
        return new WorldLink(client);
    }

    /// <summary>Hears the test until it goes away.</summary>
    public async Task ListenAsync()
    {
        using var reader = new StreamReader(_client.GetStream());
        while (await reader.ReadLineAsync() is { } line)
        {
            switch (line.Split(' '))
            {
                case ["touch", var name]:
                    Touched?.Invoke(name);
                    break;
                case ["grow", var name, var tag]:
                    Grown?.Invoke(name, tag);
                    break;
                default:
                    throw new InvalidDataException($"The test said '{line}', which is no word of the world.");
            }
        }
    }

    /// <summary>Tells the test something.</summary>
    public void Say(string line)
    {
        lock (_gate)
        {
            _out.Write(line + "\n");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();
}
