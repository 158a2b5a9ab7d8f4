using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.State;
using Fairlead.Upstreams;

namespace Fairlead.Servers;

/// <summary>Remembers which era each server spoke and whether it asks, so that later starts need no probe. Kept in <c>verdicts.json</c> in the state folder.</summary>
/// <remarks>Any thread. Losing the file costs a probe for each server and nothing else: no trouble with it ever stops a start.</remarks>
internal sealed class EraVerdicts : IAsyncDisposable
{
    private const int FormatVersion = 1;

    // Far beyond any fleet; entries of programs that are gone go first.
    private const int EntriesMax = 10_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, EraVerdict> _verdicts = new(StringComparer.Ordinal);
    private readonly StateFile? _file;
    private readonly TimeProvider _time;
    private Task _saving = Task.CompletedTask;
    private bool _isSaving;
    private bool _isDirty;

    private EraVerdicts(StateFile? file, TimeProvider time)
    {
        _file = file;
        _time = time;
    }

    /// <summary>Reads the file, if there is one.</summary>
    /// <param name="files">The state folder; null = remember in memory only.</param>
    /// <param name="time">The clock.</param>
    public static EraVerdicts Open(StateFiles? files, TimeProvider time)
    {
        var file = files?.File("verdicts.json", FormatVersion, "Servers are probed at their start.");
        var verdicts = new EraVerdicts(file, time);
        if (file?.Read(verdicts.Read) == StateOutcome.Unusable)
        {
            verdicts._verdicts.Clear();
        }

        return verdicts;
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
        if (_file is null or { IsNewer: true })
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
        _saving = Task.Run(() => Save(_file));
    }

    private void Save(StateFile file)
    {
        while (true)
        {
            byte[] bytes;
            lock (_lock)
            {
                _isDirty = false;
                bytes = Write_NeedsLock();
            }

            file.Write(bytes);
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

    private void Read(byte[] bytes)
    {
        using var document = JsonDocument.Parse(bytes);
        foreach (var entry in document.RootElement.GetProperty("verdicts").EnumerateObject())
        {
            var era = entry.Value.GetProperty("era").GetString() == "modern" ? EraHint.Modern : EraHint.Legacy;
            _verdicts[entry.Name] = new EraVerdict(era, entry.Value.GetProperty("asks").GetBoolean(), entry.Value.GetProperty("at").GetDateTimeOffset());
        }
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
}
