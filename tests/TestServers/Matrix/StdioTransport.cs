using System.Text;
using System.Text.Json.Nodes;

namespace Fairlead.TestServers.Matrix;

/// <summary>One message per line (protocol.md 2.1).</summary>
internal static class StdioTransport
{
    /// <summary>Serves until the end of stdin.</summary>
    public static async Task<int> RunAsync(MatrixServer server)
    {
        var gate = new Lock();
        using var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true };
        void Say(string message)
        {
            lock (gate)
            {
                output.Write(message + "\n");
            }
        }

        using var input = new StreamReader(Console.OpenStandardInput(), Encoding.UTF8);
        using Peer peer = server.Revision.IsModern ? new ModernPeer(server) : new LegacyPeer(server, Say);
        var world = server.World.ListenAsync();
        var work = new List<Task>();
        while (await input.ReadLineAsync() is { } line)
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
