using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Fairlead.Catalog;

/// <summary>Keeps the last known lists of each server in <c>catalog/NAME.json</c> of the state folder, so that lists are answered before any server has started.</summary>
/// <remarks>
/// It is a cache: no trouble with a file ever stops a server, and losing one costs a list that comes a moment later. Entries belong to a launch: when command, arguments,
/// address or names of variables change, the lists of the server as it was are not shown. Any thread; writes happen one at a time.
/// </remarks>
internal sealed partial class CatalogStore : IDisposable
{
    private readonly string _folder;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _writing = new(1, 1);

    // Servers whose file a newer Fairlead wrote: it is left alone.
    private readonly ConcurrentDictionary<string, bool> _newer = new(StringComparer.Ordinal);

    /// <summary>Keeps files in <c>catalog</c> under the state folder; the folder is made with the first file.</summary>
    /// <param name="stateFolder">The state folder.</param>
    /// <param name="time">Gives the time in the name of a file that is moved aside.</param>
    /// <param name="logger">Where trouble with files is told.</param>
    public CatalogStore(string stateFolder, TimeProvider time, ILogger logger)
    {
        _folder = Path.Combine(stateFolder, "catalog");
        _time = time;
        _logger = logger;
    }

    /// <summary>Reads what was known of a server when it was last saved.</summary>
    /// <returns><see cref="ServerCatalog.Empty"/> when nothing usable is there. A file that cannot be understood is moved aside as <c>.corrupt-TIME</c>.</returns>
    public async Task<ServerCatalog> LoadAsync(ServerConfig config, CancellationToken cancellationToken)
    {
        var path = PathOf(config.Name);
        if (path is null || !File.Exists(path))
        {
            return ServerCatalog.Empty;
        }

        try
        {
            var (outcome, catalog) = CatalogFile.Parse(await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false), DigestOf(config));
            if (outcome == CatalogFileOutcome.Newer)
            {
                _newer[config.Name] = true;
                LogNewer(_logger, path);
            }

            return catalog;
        }
        catch (JsonException exception)
        {
            MoveAside(path, exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogUnreadable(_logger, path, exception.Message);
        }

        return ServerCatalog.Empty;
    }

    /// <summary>Writes what is known of a server, whole or not at all. Trouble is logged, not thrown.</summary>
    public async Task SaveAsync(ServerConfig config, ServerCatalog catalog, CancellationToken cancellationToken)
    {
        var path = PathOf(config.Name);
        if (path is null || catalog.IsUnknown || _newer.ContainsKey(config.Name))
        {
            return;
        }

        var file = CatalogFile.Write(catalog, config.Name, DigestOf(config));
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            Directory.CreateDirectory(_folder);
            var temporary = path + ".tmp";
            await File.WriteAllBytesAsync(temporary, file, cancellationToken).ConfigureAwait(false);

            // No flush to the disk: after a power failure a torn file is moved aside and the lists are read again.
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogUnwritable(_logger, path, exception.Message);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Forgets a server that was taken out of the fleet for good.</summary>
    public void Forget(string server)
    {
        if (PathOf(server) is not { } path)
        {
            return;
        }

        try
        {
            File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogUnwritable(_logger, path, exception.Message);
        }
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
    private string? PathOf(string server) => ServerName.IsValid(server) ? Path.Combine(_folder, server + ".json") : null;

    private void MoveAside(string path, JsonException reason)
    {
        var aside = path + ".corrupt-" + _time.GetUtcNow().ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        try
        {
            File.Move(path, aside, overwrite: true);
            LogCorrupt(_logger, path, aside, reason.Message);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogUnreadable(_logger, path, exception.Message);
        }
    }

    [LoggerMessage(EventIds.CatalogFileCorrupt, LogLevel.Warning, "{Path} could not be understood ({Reason}) and was moved to {Aside}. The server's lists come when it has started.")]
    private static partial void LogCorrupt(ILogger logger, string path, string aside, string reason);

    [LoggerMessage(EventIds.CatalogFileUnreadable, LogLevel.Warning, "{Path} could not be read ({Reason}). The server's lists come when it has started; mend the rights of the state folder.")]
    private static partial void LogUnreadable(ILogger logger, string path, string reason);

    [LoggerMessage(EventIds.CatalogFileUnwritable, LogLevel.Warning, "{Path} could not be written ({Reason}). The next start has no lists of this server until it answers; free the disk or mend the rights of the state folder.")]
    private static partial void LogUnwritable(ILogger logger, string path, string reason);

    [LoggerMessage(EventIds.CatalogFileNewer, LogLevel.Warning, "{Path} was written by a newer Fairlead; it is neither read nor changed. Update Fairlead or delete the file.")]
    private static partial void LogNewer(ILogger logger, string path);
}
