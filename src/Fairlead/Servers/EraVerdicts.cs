using System.Globalization;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.Diagnostics;
using Fairlead.Upstreams;
using Microsoft.Extensions.Logging;

namespace Fairlead.Servers;

/// <summary>Remembers which era each server spoke and whether it asks, so that later starts need no probe. Kept in <c>verdicts.json</c> in the state folder.</summary>
/// <remarks>Any thread. Losing the file costs a probe for each server and nothing else: no trouble with it ever stops a start.</remarks>
internal sealed partial class EraVerdicts : IAsyncDisposable
{
    private const int FormatVersion = 1;

    // Far beyond any fleet; entries of programs that are gone go first.
    private const int EntriesMax = 10_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, EraVerdict> _verdicts = new(StringComparer.Ordinal);
    private readonly string? _file;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private Task _saving = Task.CompletedTask;
    private bool _isSaving;
    private bool _isDirty;

    private EraVerdicts(string? file, TimeProvider time, ILogger logger)
    {
        _file = file;
        _time = time;
        _logger = logger;
    }

    /// <summary>Reads the file, if there is one.</summary>
    /// <param name="stateFolder">The state folder; null = remember in memory only.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where an unusable file is told.</param>
    public static EraVerdicts Open(string? stateFolder, TimeProvider time, ILogger logger)
    {
        var file = stateFolder is null ? null : Path.Combine(stateFolder, "verdicts.json");
        if (file is null || !File.Exists(file))
        {
            return new EraVerdicts(file, time, logger);
        }

        var verdicts = new EraVerdicts(file, time, logger);
        try
        {
            return verdicts.Read(File.ReadAllBytes(file)) ? verdicts : new EraVerdicts(null, time, logger);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException or FormatException or InvalidOperationException)
        {
            LogUnusable(logger, exception, file);
            verdicts._verdicts.Clear();
            MoveAside(file, time, logger);
            return verdicts;
        }
    }

    /// <summary>What is known of this server; null when nothing is, or what is known is too old.</summary>
    public EraVerdict? Find(ServerConfig config)
    {
        lock (_lock)
        {
            return _verdicts.TryGetValue(EraVerdict.KeyOf(config), out var verdict) && _time.GetUtcNow() - verdict.At < EraVerdict.LifetimeOf(config) ? verdict : null;
        }
    }

    /// <summary>Notes the era that a server has just spoken; an earlier mark that it asks is kept.</summary>
    public void NoteEra(ServerConfig config, EraHint era) => Put(config, era, asks: false);

    /// <summary>Notes that a server asks its clients (decision 8.3).</summary>
    public void NoteAsks(ServerConfig config, EraHint era) => Put(config, era, asks: true);

    /// <summary>Drops a verdict that proved wrong.</summary>
    public void Drop(ServerConfig config)
    {
        lock (_lock)
        {
            if (_verdicts.Remove(EraVerdict.KeyOf(config)))
            {
                Save_NeedsLock();
            }
        }
    }

    /// <summary>Waits until everything noted so far has been written, or writing has failed.</summary>
    public async Task FlushAsync()
    {
        Task saving;
        lock (_lock)
        {
            saving = _saving;
        }

        await saving.ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await FlushAsync().ConfigureAwait(false);

    private static void MoveAside(string file, TimeProvider time, ILogger logger)
    {
        try
        {
            File.Move(file, $"{file}.corrupt-{time.GetUtcNow().ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture)}", overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogUnusable(logger, exception, file);
        }
    }

    private void Put(ServerConfig config, EraHint era, bool asks)
    {
        var key = EraVerdict.KeyOf(config);
        lock (_lock)
        {
            var known = _verdicts.GetValueOrDefault(key);
            if (_verdicts.Count >= EntriesMax && known is null)
            {
                _verdicts.Remove(_verdicts.MinBy(static pair => pair.Value.At).Key);
            }

            _verdicts[key] = new EraVerdict(era, asks || known is { Asks: true }, _time.GetUtcNow());
            Save_NeedsLock();
        }
    }

    private void Save_NeedsLock()
    {
        if (_file is null)
        {
            return;
        }

        // A hundred servers that start together cause a few writes, not a hundred: what comes during a write is carried by the next one.
        if (_isSaving)
        {
            _isDirty = true;
            return;
        }

        _isSaving = true;
        _saving = Task.Run(SaveAsync);
    }

    private async Task SaveAsync()
    {
        while (true)
        {
            byte[] bytes;
            lock (_lock)
            {
                _isDirty = false;
                bytes = Write_NeedsLock();
            }

            try
            {
                Directory.CreateDirectory(Path.GetDirectoryName(_file)!);
                await File.WriteAllBytesAsync(_file + ".new", bytes).ConfigureAwait(false);
                File.Move(_file + ".new", _file!, overwrite: true);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                LogUnusable(_logger, exception, _file!);
            }

            lock (_lock)
            {
                if (!_isDirty)
                {
                    _isSaving = false;
                    return;
                }
            }
        }
    }

    private bool Read(byte[] bytes)
    {
        using var document = JsonDocument.Parse(bytes);
        var version = document.RootElement.GetProperty("formatVersion").GetInt32();
        if (version > FormatVersion)
        {
            // Written by a later version, which may come back: neither read nor overwritten.
            LogNewer(_logger, _file!, version, FormatVersion);
            return false;
        }

        foreach (var entry in document.RootElement.GetProperty("verdicts").EnumerateObject())
        {
            var era = entry.Value.GetProperty("era").GetString() == "modern" ? EraHint.Modern : EraHint.Legacy;
            _verdicts[entry.Name] = new EraVerdict(era, entry.Value.GetProperty("asks").GetBoolean(), entry.Value.GetProperty("at").GetDateTimeOffset());
        }

        return true;
    }

    private byte[] Write_NeedsLock()
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteNumber("formatVersion", FormatVersion);
            writer.WriteStartObject("verdicts");
            foreach (var (key, verdict) in _verdicts.OrderBy(static pair => pair.Key, StringComparer.Ordinal))
            {
                writer.WriteStartObject(key);
                writer.WriteString("era", verdict.Era == EraHint.Modern ? "modern" : "legacy");
                writer.WriteBoolean("asks", verdict.Asks);
                writer.WriteString("at", verdict.At);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    [LoggerMessage(EventIds.VerdictsUnusable, LogLevel.Warning,
        "{File} cannot be used; servers are probed at their start instead. A broken file is moved aside; otherwise check the rights of its folder and the space on its disk.")]
    private static partial void LogUnusable(ILogger logger, Exception exception, string file);

    [LoggerMessage(EventIds.VerdictsNewer, LogLevel.Warning,
        "{File} has formatVersion {Version}, later than {Known}, the latest this version of Fairlead knows; it is left alone and servers are probed at their start.")]
    private static partial void LogNewer(ILogger logger, string file, int version, int known);
}
