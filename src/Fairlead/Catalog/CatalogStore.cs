using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Fairlead.Configuration;
using Fairlead.State;

namespace Fairlead.Catalog;

/// <summary>Keeps the last known lists of each server in <c>catalog/NAME.json</c> of the state folder, so that lists are answered before any server has started.</summary>
/// <remarks>
/// It is a cache: no trouble with a file ever stops a server, and losing one costs a list that comes a moment later. Entries belong to a launch: when command, arguments,
/// address or names of variables change, the lists of the server as it was are not shown. Any thread; writes happen one at a time.
/// </remarks>
internal sealed class CatalogStore : IDisposable
{
    private const string Loss = "The server's lists come when it has started.";

    private readonly StateFiles _state;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly ConcurrentDictionary<string, StateFile> _files = new(StringComparer.Ordinal);

    /// <summary>Keeps files in <c>catalog</c> under the state folder; the folder is made with the first file.</summary>
    public CatalogStore(StateFiles state) => _state = state;

    /// <summary>Reads what was known of a server when it was last saved.</summary>
    /// <returns><see cref="ServerCatalog.Empty"/> when nothing usable is there. A file that cannot be understood is moved aside as <c>.corrupt-TIME</c>.</returns>
    public ServerCatalog Load(ServerConfig config)
    {
        var catalog = ServerCatalog.Empty;
        FileOf(config.Name)?.Read(bytes => catalog = CatalogFile.Parse(bytes, DigestOf(config)));
        return catalog;
    }

    /// <summary>Writes what is known of a server, whole or not at all. Trouble is logged, not thrown.</summary>
    public async Task SaveAsync(ServerConfig config, ServerCatalog catalog, CancellationToken cancellationToken)
    {
        if (catalog.IsUnknown || FileOf(config.Name) is not { IsNewer: false } file)
        {
            return;
        }

        var bytes = CatalogFile.Write(catalog, config.Name, DigestOf(config));
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            file.Write(bytes.Span);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Forgets a server that was taken out of the fleet for good.</summary>
    public void Forget(string server)
    {
        FileOf(server)?.Delete();
        _files.TryRemove(server, out _);
    }

    /// <inheritdoc/>
    public void Dispose() => _writing.Dispose();

    /// <summary>A digest of what decides which program answers. Values of variables may be secrets and take no part.</summary>
    internal static string DigestOf(ServerConfig config)
    {
        var text = new StringBuilder();
        void Add(string? part) => text.Append(part?.Length ?? -1).Append(':').Append(part).Append('\n');

        Add(config.EffectiveTransport.ToString());
        Add(config.Type.ToString());
        Add(config.Command);
        Add(config.Url?.ToString());
        foreach (var argument in config.Arguments)
        {
            Add(argument);
        }

        foreach (var name in config.Environment.Keys.Order(StringComparer.Ordinal))
        {
            Add("env " + name);
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    /// <summary>The file of a server; null for a name that is no slug, which could lead out of the folder.</summary>
    private StateFile? FileOf(string server) => ServerName.IsValid(server)
        ? _files.GetOrAdd(server, static (name, state) => state.File(Path.Combine("catalog", name + ".json"), CatalogFile.FormatVersion, Loss), _state)
        : null;
}
