using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using Fairlead.Configuration;

namespace Fairlead.Servers;

/// <summary>Tells apart the versions of what people decided about servers: the configuration that is declared, and what was done by hand over it. What a server is at a moment is no part of it.</summary>
/// <remarks>
/// A version goes with the declared object: an update that is undone, or could not be started, brings the version before back with the configuration before. Another run of
/// Fairlead never gives the same version: what it was started from may have been changed meanwhile. Read by any thread; changed in a turn of <see cref="LiveFleet"/>.
/// </remarks>
internal sealed class ConfigurationVersions
{
    private readonly string _run = Random.Shared.Next().ToString("x8", CultureInfo.InvariantCulture);
    private readonly ConditionalWeakTable<ServerConfig, StrongBox<long>> _declared = [];
    private readonly ConcurrentDictionary<string, long> _byHand = new(StringComparer.Ordinal);
    private long _last;

    /// <summary>The version of a server.</summary>
    /// <param name="declared">What is declared of it.</param>
    public string Of(ServerConfig declared) => string.Create(
        CultureInfo.InvariantCulture, $"{_run}-{_declared.GetValue(declared, _ => new StrongBox<long>(Next())).Value}-{_byHand.GetValueOrDefault(declared.Name)}");

    /// <summary>Something was done to a server by hand.</summary>
    public void ChangedByHand(string id) => _byHand[id] = Next();

    /// <summary>A server has left the fleet.</summary>
    public void Forget(string id) => _byHand.TryRemove(id, out _);

    /// <summary>A copy that says the same is the same version.</summary>
    public void Keep(ServerConfig copy, ServerConfig original)
    {
        Of(original);
        _declared.Add(copy, _declared.GetOrCreateValue(original));
    }

    /// <summary>Checks that a change is meant for the server as it is.</summary>
    /// <param name="declared">What is declared of it.</param>
    /// <param name="wanted">The versions that the change is meant for; null = any.</param>
    /// <exception cref="PreconditionFailed">It is in another version.</exception>
    public void Require(ServerConfig declared, IReadOnlyList<string>? wanted)
    {
        if (wanted is not null && Of(declared) is var version && !wanted.Contains(version))
        {
            throw new PreconditionFailed(
                $"'{declared.Name}' was changed meanwhile: its version is \"{version}\", not {(wanted.Count == 0 ? "a weak one" : string.Join(" or ", wanted.Select(static one => $"\"{one}\"")))}. Read it again, and repeat the change if it is still right, with If-Match: \"{version}\".")
            { ServerId = declared.Name, ConfigurationVersion = version };
        }
    }

    private long Next() => Interlocked.Increment(ref _last);
}
