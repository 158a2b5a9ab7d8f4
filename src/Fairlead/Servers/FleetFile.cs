using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Fairlead.Diagnostics;
using Fairlead.State;
using Microsoft.Extensions.Logging;

namespace Fairlead.Servers;

/// <summary>What a restart brings back: the servers that were deployed over the REST API, as their entries were written, and what was done to servers by hand. Kept in <c>fleet.json</c>.</summary>
/// <remarks>
/// An entry that holds a secret openly, not as <c>${NAME}</c>, is sealed with a key of its own in <c>keys/fleet.json</c>, so that the file can be shown and copied. One user at a time
/// (<see cref="LiveFleet"/>). Trouble with the disk never stops a change; it is told, and what was changed is gone after a restart.
/// </remarks>
internal sealed partial class FleetFile
{
    private const int FormatVersion = 1;
    private const int KeyBytes = 32;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    private static readonly JsonWriterOptions s_writing = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NewLine = "\n" };

    private readonly StateFile? _file;
    private readonly StateFile? _keyFile;
    private readonly ILogger _logger;
    private readonly Dictionary<string, string> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, byte[]> _sealed = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ServerOverlay> _overlays = new(StringComparer.Ordinal);
    private byte[]? _key;

    /// <summary>Reads the file, if there is one.</summary>
    /// <param name="files">The state folder; null = everything is kept in memory only.</param>
    /// <param name="logger">Where entries that cannot be opened are told.</param>
    public FleetFile(StateFiles? files, ILogger logger)
    {
        _logger = logger;
        _file = files?.File("fleet.json", FormatVersion, "Servers that were deployed over the API, and what was done to servers by hand, do not come back.");
        _keyFile = files?.File(Path.Combine("keys", "fleet.json"), FormatVersion, "Servers that were deployed over the API with secrets do not come back.");
        if (_file?.Read(Parse) == StateOutcome.Unusable)
        {
            _entries.Clear();
            _sealed.Clear();
            _overlays.Clear();
        }
    }

    /// <summary>The entries of the servers that were deployed over the API, by id. One that cannot be opened is left out.</summary>
    public IReadOnlyDictionary<string, string> Entries => _entries;

    /// <summary>What was done by hand to a server.</summary>
    public ServerOverlay OverlayOf(string id) => _overlays.GetValueOrDefault(id, ServerOverlay.None);

    /// <summary>Keeps an entry.</summary>
    /// <param name="id">The server.</param>
    /// <param name="entry">As it was written.</param>
    /// <param name="isSecret">Whether secrets stand openly in it.</param>
    public void Keep(string id, string entry, bool isSecret)
    {
        _entries[id] = entry;
        _sealed.Remove(id);
        if (isSecret && _file is not null)
        {
            _sealed[id] = Seal(entry);
        }

        Write();
    }

    /// <summary>Keeps what was done by hand to a server.</summary>
    public void Keep(string id, ServerOverlay overlay)
    {
        _overlays.Remove(id);
        if (!overlay.IsNone)
        {
            _overlays[id] = overlay;
        }

        Write();
    }

    /// <summary>Forgets servers that have left the fleet.</summary>
    public void Forget(params IEnumerable<string> ids)
    {
        var isChanged = false;
        foreach (var id in ids)
        {
            isChanged |= _entries.Remove(id) | _sealed.Remove(id) | _overlays.Remove(id);
        }

        if (isChanged)
        {
            Write();
        }
    }

    private void Write()
    {
        if (_file is null)
        {
            return;
        }

        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, s_writing))
        {
            json.WriteStartObject();
            json.WriteNumber("formatVersion", FormatVersion);
            json.WriteStartObject("servers");
            foreach (var id in _entries.Keys.Union(_sealed.Keys).Order(StringComparer.Ordinal))
            {
                json.WriteStartObject(id);
                if (_sealed.TryGetValue(id, out var secret))
                {
                    json.WriteBase64String("sealed", secret);
                }
                else
                {
                    json.WriteString("entry", _entries[id]);
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteStartObject("byHand");
            foreach (var (id, overlay) in _overlays.OrderBy(static pair => pair.Key, StringComparer.Ordinal))
            {
                json.WritePropertyName(id);
                JsonSerializer.Serialize(json, overlay, JsonSerializerOptions.Web);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        _file.Write(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }

    private void Parse(byte[] bytes)
    {
        using var document = JsonDocument.Parse(bytes);
        foreach (var server in document.RootElement.GetProperty("servers").EnumerateObject())
        {
            if (server.Value.TryGetProperty("entry", out var entry))
            {
                _entries[server.Name] = entry.GetString() ?? throw new FormatException($"the entry of {server.Name} is null");
                continue;
            }

            var secret = server.Value.GetProperty("sealed").GetBytesFromBase64();
            _sealed[server.Name] = secret;
            if (Open(secret) is { } opened)
            {
                _entries[server.Name] = opened;
            }
            else
            {
                LogCannotOpen(_logger, server.Name, _file!.Path, _keyFile!.Path);
            }
        }

        foreach (var server in document.RootElement.GetProperty("byHand").EnumerateObject())
        {
            _overlays[server.Name] = server.Value.Deserialize<ServerOverlay>(JsonSerializerOptions.Web) ?? ServerOverlay.None;
        }
    }

    private byte[] Seal(string entry)
    {
        var plain = Encoding.UTF8.GetBytes(entry);
        var box = new byte[NonceBytes + TagBytes + plain.Length];
        RandomNumberGenerator.Fill(box.AsSpan(0, NonceBytes));
        using var cipher = new AesGcm(Key(), TagBytes);
        cipher.Encrypt(box.AsSpan(0, NonceBytes), plain, box.AsSpan(NonceBytes + TagBytes), box.AsSpan(NonceBytes, TagBytes));
        return box;
    }

    private string? Open(byte[] box)
    {
        if (box.Length < NonceBytes + TagBytes)
        {
            return null;
        }

        var plain = new byte[box.Length - NonceBytes - TagBytes];
        try
        {
            using var cipher = new AesGcm(Key(), TagBytes);
            cipher.Decrypt(box.AsSpan(0, NonceBytes), box.AsSpan(NonceBytes + TagBytes), box.AsSpan(NonceBytes, TagBytes), plain);
            return Encoding.UTF8.GetString(plain);
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    /// <summary>The key; made with the first entry that needs it.</summary>
    private byte[] Key()
    {
        if (_key is null)
        {
            _keyFile!.Read(bytes =>
            {
                using var document = JsonDocument.Parse(bytes);
                var key = document.RootElement.GetProperty("key").GetBytesFromBase64();
                _key = key.Length == KeyBytes ? key : throw new FormatException("its key has another length than keys have");
            });
        }

        if (_key is null)
        {
            _key = RandomNumberGenerator.GetBytes(KeyBytes);
            _keyFile!.Write(JsonSerializer.SerializeToUtf8Bytes(new { formatVersion = FormatVersion, key = _key }));
        }

        return _key;
    }

    [LoggerMessage(EventIds.FleetEntrySealed, LogLevel.Warning, "Server {Server} was deployed over the API and does not come back: its entry in {File} cannot be opened with the key in {KeyFile}. Deploy it again, or undeploy it.")]
    private static partial void LogCannotOpen(ILogger logger, string server, string file, string keyFile);
}
