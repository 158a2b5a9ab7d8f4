using System.Text;
using System.Text.Json.Nodes;

namespace Fairlead.TestServers.Matrix;

/// <summary>One message per line (protocol.md 2.1).</summary>
internal static class LineTransport
{
    /// <summary>Serves until the end of <paramref name="input"/>.</summary>
    public static async Task<int> RunAsync(MatrixServer server, Stream input, Stream output)
    {
        var gate = new Lock();
        using var writer = new StreamWriter(output, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true };
        void Say(string message)
        {
            lock (gate)
            {
                writer.Write(message + "\n");
            }
        }

        using var reader = new StreamReader(input, Encoding.UTF8);
        using Peer peer = server.Revision.IsModern ? new ModernPeer(server) : new LegacyPeer(server, Say);
        var world = server.World.ListenAsync();
        var work = new List<Task>();
        while (await reader.ReadLineAsync() is { } line)
        {
            work.RemoveAll(static task => task.IsCompletedSuccessfully);
            if (work.Find(static task => task.IsFaulted) is { } broken)
            {
                await broken;
            }

            if (world.IsFaulted)
            {
                await world;
            }

            // Never awaited here: a call may wait for the answer to its own question.
            work.Add(peer.ReceiveAsync(JsonNode.Parse(line)!.AsObject(), Say, CancellationToken.None));
        }

        return 0;
    }
}
