using System.Net.Sockets;
using Fairlead.Configuration;

namespace Fairlead.Health;

/// <summary>A port that takes a connection speaks for a server. Nothing is sent.</summary>
internal static class TcpCheck
{
    /// <summary>Host and port, for people.</summary>
    public static string Place(HealthCheckOptions options) => $"{options.Url!.Host}:{options.Url.Port}";

    /// <summary>Connects and closes again.</summary>
    /// <param name="options">With a tcp address.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<HealthFinding> AskAsync(HealthCheckOptions options, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(options.Url!.DnsSafeHost, options.Url.Port, cancellationToken).ConfigureAwait(false);
            return HealthFinding.Good;
        }
        catch (SocketException exception)
        {
            return HealthFinding.Bad($"no connection to {Place(options)}: {exception.Message}");
        }
    }
}
