using System.Security.Cryptography;
using System.Text;
using Fairlead.Configuration;
using Fairlead.Upstreams;

namespace Fairlead.Servers;

/// <summary>What one start of a server taught (decision 5; decision 8.3).</summary>
/// <param name="Era">The era it spoke.</param>
/// <param name="Asks">Whether it asked its clients something.</param>
/// <param name="At">When it was learned.</param>
internal sealed record EraVerdict(EraHint Era, bool Asks, DateTimeOffset At)
{
    private static readonly TimeSpan s_lifetime = TimeSpan.FromDays(7);
    private static readonly TimeSpan s_lifetimeUnpinned = TimeSpan.FromDays(1);

    /// <summary>How long a verdict about this server holds: a week, or a day where the next start may run another version of the program.</summary>
    public static TimeSpan LifetimeOf(ServerConfig config) => RunsLatestVersion(config) ? s_lifetimeUnpinned : s_lifetime;

    /// <summary>The key of a server: a digest of what decides which program runs. Values of variables are secrets and take no part.</summary>
    public static string KeyOf(ServerConfig config)
    {
        var text = new StringBuilder();
        text.Append(config.EffectiveTransport).Append('\n').Append(config.Command ?? config.Url?.ToString() ?? config.Name).Append('\n');
        foreach (var argument in config.Arguments)
        {
            text.Append(argument.Length).Append(':').Append(argument).Append('\n');
        }

        foreach (var name in config.Environment.Keys.Order(StringComparer.Ordinal))
        {
            text.Append('=').Append(name).Append('\n');
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    /// <summary>Whether the command fetches whatever version of a package is newest: npx, bunx or uvx without a version that begins with a digit.</summary>
    internal static bool RunsLatestVersion(ServerConfig config)
    {
        var program = Path.GetFileNameWithoutExtension(config.Command ?? "");
        if (program is not ("npx" or "bunx" or "uvx" or "pnpx"))
        {
            return false;
        }

        var package = config.Arguments.FirstOrDefault(static argument => !argument.StartsWith('-')) ?? "";
        var at = package.LastIndexOf('@');
        var equals = package.IndexOf("==", StringComparison.Ordinal);
        var version = at > 0 ? at + 1 : equals > 0 ? equals + 2 : package.Length;
        return version >= package.Length || !char.IsAsciiDigit(package[version]);
    }
}
