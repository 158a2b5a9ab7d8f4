using Fairlead.TestServers.Matrix;

namespace Fairlead.TestServers.MatrixEmbedded;

/// <summary>A server of the matrix over the byte pipe of an in-process server; each run has a line of its own to the test, as each process has.</summary>
internal sealed class MatrixInProcess(Revision revision, int worldPort) : IMcpServer
{
    /// <summary>The configured name.</summary>
    public static string NameOf(Revision revision) => $"inproc-by-{revision.Text}";

    /// <inheritdoc/>
    public async Task RunAsync(Stream input, Stream output, CancellationToken cancellationToken)
    {
        using var world = await WorldLink.ConnectAsync(worldPort);
        await LineTransport.RunAsync(new MatrixServer(NameOf(revision), revision, world), input, output);
    }
}
