using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using Fairlead.Diagnostics;
using Fairlead.State;
using Microsoft.Extensions.Logging;

namespace Fairlead.Sessions;

/// <summary>A key that seals session tickets.</summary>
/// <param name="Id">Names it in tickets: <see cref="IdBytes"/> random bytes.</param>
/// <param name="Secret">256 bits.</param>
/// <param name="Created">When it was made.</param>
internal sealed record TicketKey(byte[] Id, byte[] Secret, DateTimeOffset Created)
{
    /// <summary>Length of a key's name.</summary>
    public const int IdBytes = 4;

    /// <summary>Length of a key.</summary>
    public const int SecretBytes = 32;

    /// <summary>Makes one.</summary>
    public static TicketKey Make(DateTimeOffset now) => new(RandomNumberGenerator.GetBytes(IdBytes), RandomNumberGenerator.GetBytes(SecretBytes), now);
}

/// <summary>The keys of session tickets: the newest seals, the older ones still open what they sealed (decision 10). Kept in <c>keys/sessions.json</c> of the state folder.</summary>
/// <remarks>
/// A key seals for 30 days; it is forgotten when the last ticket that it can have sealed is too old. Any thread. Whoever has the file can make ids of sessions, which are
/// no credentials but for the principal inside; copied to another node it lets that node take sessions over.
/// </remarks>
internal sealed partial class TicketKeys
{
    /// <summary>How long a key seals.</summary>
    public static readonly TimeSpan SealsFor = TimeSpan.FromDays(30);

    private const int FormatVersion = 1;

    private readonly Lock _lock = new();
    private readonly StateFile? _file;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    // Newest first; replaced whole, so that reading needs no lock.
    private volatile TicketKey[] _keys = [];

    /// <summary>Reads the keys of a state folder, or makes the first.</summary>
    /// <param name="files">The state folder; null = the keys are kept in memory, and no session survives this process.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where a new key is told.</param>
    public TicketKeys(StateFiles? files, TimeProvider time, ILogger logger)
    {
        _time = time;
        _logger = logger;
        _file = files?.File(Path.Combine("keys", "sessions.json"), FormatVersion, "Sessions of clients that were open before have to be opened again.");
        _file?.Read(Parse);
    }

    /// <summary>The key to seal with; makes one when the newest has served its time.</summary>
    public TicketKey Current
    {
        get
        {
            var now = _time.GetUtcNow();
            var keys = _keys;
            return keys.Length != 0 && now - keys[0].Created < SealsFor ? keys[0] : Rotate(now);
        }
    }

    /// <summary>The key of a ticket; null when it is not ours, or all that it sealed is too old.</summary>
    public TicketKey? Find(uint id)
    {
        var keys = _keys;
        for (var i = 0; i < keys.Length; i++)
        {
            if (BinaryPrimitives.ReadUInt32BigEndian(keys[i].Id) == id)
            {
                return i == 0 || _time.GetUtcNow() - keys[i - 1].Created < SessionTicket.Lifetime ? keys[i] : null;
            }
        }

        return null;
    }

    private TicketKey Rotate(DateTimeOffset now)
    {
        lock (_lock)
        {
            var keys = _keys;
            if (keys.Length != 0 && now - keys[0].Created < SealsFor)
            {
                return keys[0];
            }

            // A key sealed until its successor was made.
            var kept = keys.Where((_, i) => i == 0 || now - keys[i - 1].Created < SessionTicket.Lifetime);
            _keys = [TicketKey.Make(now), .. kept];
            var isKept = _file?.Write(ToJson(_keys)) ?? false;
            LogMade(_logger, _keys.Length - 1, isKept);
            return _keys[0];
        }
    }

    private void Parse(byte[] bytes)
    {
        using var document = JsonDocument.Parse(bytes);
        var keys = new List<TicketKey>();
        foreach (var entry in document.RootElement.GetProperty("keys").EnumerateArray())
        {
            var key = new TicketKey(entry.GetProperty("id").GetBytesFromBase64(), entry.GetProperty("secret").GetBytesFromBase64(), entry.GetProperty("created").GetDateTimeOffset());
            if (key.Id.Length != TicketKey.IdBytes || key.Secret.Length != TicketKey.SecretBytes)
            {
                throw new FormatException("a key in it has the wrong length");
            }

            keys.Add(key);
        }

        _keys = [.. keys.OrderByDescending(static key => key.Created)];
    }

    private static byte[] ToJson(TicketKey[] keys)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteNumber("formatVersion", FormatVersion);
            writer.WriteStartArray("keys");
            foreach (var key in keys)
            {
                writer.WriteStartObject();
                writer.WriteBase64String("id", key.Id);
                writer.WriteString("created", key.Created);
                writer.WriteBase64String("secret", key.Secret);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    [LoggerMessage(EventIds.SessionKeyMade, LogLevel.Debug, "A new key seals session ids; {Older} older ones still open theirs. Kept on disk: {IsKept}.")]
    private static partial void LogMade(ILogger logger, int older, bool isKept);
}
