using Fairlead.Configuration;
using Fairlead.Routing;

namespace Fairlead.Servers;

/// <summary>Tells which changes of a configuration need another process or connection, and which do not.</summary>
internal static class LaunchComparison
{
    /// <summary>Whether a changed configuration leaves what a server is doing as it is: its instance, its start, or that it was stopped.</summary>
    public static bool IsSameLaunch(ServerSnapshot now, ServerConfig changed)
    {
        var isMeantToRun = ServerStatus.First(changed).State == ServerState.Initializing;
        return now.State switch
        {
            ServerState.Stopped => isMeantToRun, // By hand, and so is the start.
            ServerState.Initializing or ServerState.Unhealthy or ServerState.Idle => isMeantToRun && !Differ(now.Config, changed) && now.Config.DependsOn.SequenceEqual(changed.DependsOn, StringComparer.Ordinal),
            _ => isMeantToRun && now.IsCallable && !Differ(now.Config, changed),
        };
    }

    /// <summary>Whether what is started or connected to differs. Time-outs, tags, exposure and the like are looked at with each use and need no restart.</summary>
    public static bool Differ(ServerConfig one, ServerConfig other) =>
        one.EffectiveTransport != other.EffectiveTransport
        || one.Type != other.Type
        || one.Command != other.Command
        || one.WorkingDirectory != other.WorkingDirectory
        || one.Url != other.Url
        || one.Isolation != other.Isolation
        || one.Limits.MaxOpenFiles != other.Limits.MaxOpenFiles
        || one.Limits.MaxMemoryMb != other.Limits.MaxMemoryMb
        || one.Limits.Nice != other.Limits.Nice
        || !one.Arguments.SequenceEqual(other.Arguments, StringComparer.Ordinal)
        || DifferPairs(one.Environment, other.Environment)
        || DifferPairs(one.Headers, other.Headers)
        || DifferAuth(one.Auth, other.Auth);

    private static bool DifferPairs(IDictionary<string, string> one, IDictionary<string, string> other) =>
        one.Count != other.Count || one.Any(pair => !other.TryGetValue(pair.Key, out var value) || value != pair.Value);

    private static bool DifferAuth(ServerAuth one, ServerAuth other) => typeof(ServerAuth).GetProperties().Any(property =>
        (property.GetValue(one), property.GetValue(other)) switch
        {
            (IList<string> these, IList<string> those) => !these.SequenceEqual(those, StringComparer.Ordinal),
            var (value, otherValue) => !Equals(value, otherValue),
        });
}
