using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Fairlead.Audit;

/// <summary>
/// Writes records as they stand in the files: one line of JSON each, whose last member <c>hash</c> is the SHA-256 of the line before that member, and whose member <c>prev</c> is the hash of the
/// record before. Whoever changes, removes or inserts a record breaks the chain there. Used by one thread.
/// </summary>
/// <param name="number">The number of the last record; 0 = there is none.</param>
/// <param name="hash">Its hash; <see cref="Nothing"/> when there is none.</param>
internal sealed class AuditChain(long number, string hash)
{
    /// <summary>What <c>prev</c> says in the very first record.</summary>
    public static readonly string Nothing = new('0', HashLength);

    private const int HashLength = 64;
    private const int TailLength = 9 + HashLength + 2;

    private readonly ArrayBufferWriter<byte> _record = new();
    private readonly ArrayBufferWriter<byte> _unwritten = new();

    private static ReadOnlySpan<byte> HashMember => ",\"hash\":\""u8;

    /// <summary>The number of the last record.</summary>
    public long Number { get; private set; } = number;

    /// <summary>The hash of the last record.</summary>
    public string Hash { get; private set; } = hash;

    /// <summary>The lines that have been made since <see cref="Written"/>.</summary>
    public ReadOnlySpan<byte> Unwritten => _unwritten.WrittenSpan;

    /// <summary>Forgets the lines that have been made so far: they are in the file.</summary>
    public void Written() => _unwritten.ResetWrittenCount();

    /// <summary>Makes a record of something that was done.</summary>
    public void Add(in AuditEntry entry)
    {
        using (var json = Begin(entry.Kind, entry.At))
        {
            json.WriteString("principal"u8, entry.Principal);
            WriteIfThere(json, "client"u8, entry.Client);
            json.WriteString("via"u8, entry.Via);
            WriteIfThere(json, "server"u8, entry.Server);
            json.WriteString("method"u8, entry.Method);
            WriteIfThere(json, "target"u8, entry.Target);
            json.WriteString("verdict"u8, entry.Verdict);
            json.WriteString("outcome"u8, entry.Outcome);
            if (entry.Micros > 0)
            {
                json.WriteNumber("durationMs"u8, entry.Micros / 1e3);
            }

            if (entry.HasDigest)
            {
                json.WriteString("argumentsDigest"u8, "sha256:" + Convert.ToHexStringLower(entry.Digest));
            }

            WriteIfThere(json, "arguments"u8, entry.Arguments);
            End(json);
        }

        Seal();
    }

    /// <summary>Makes a record of the log's own.</summary>
    /// <param name="kind">One of <see cref="AuditKind"/>.</param>
    /// <param name="at">When.</param>
    /// <param name="members">Its members: text or numbers.</param>
    public void Add(string kind, DateTimeOffset at, params ReadOnlySpan<(string Name, object Value)> members)
    {
        using (var json = Begin(kind, at))
        {
            foreach (var (name, value) in members)
            {
                json.WritePropertyName(name);
                if (value is string text)
                {
                    json.WriteStringValue(text);
                }
                else
                {
                    json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                }
            }

            End(json);
        }

        Seal();
    }

    /// <summary>Whether a line is one that nobody has changed since it was made.</summary>
    /// <param name="line">Without its end.</param>
    /// <param name="hash">The hash that it states; empty when it states none.</param>
    public static bool IsSound(ReadOnlySpan<byte> line, out string hash)
    {
        hash = "";
        if (line.Length <= TailLength || !line[^TailLength..].StartsWith(HashMember) || !line.EndsWith("\"}"u8))
        {
            return false;
        }

        hash = Encoding.ASCII.GetString(line.Slice(line.Length - HashLength - 2, HashLength));
        return hash == Convert.ToHexStringLower(SHA256.HashData(line[..^TailLength]));
    }

    private static void WriteIfThere(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    private Utf8JsonWriter Begin(string kind, DateTimeOffset at)
    {
        _record.ResetWrittenCount();
        var json = new Utf8JsonWriter(_record);
        json.WriteStartObject();
        json.WriteNumber("seq"u8, Number + 1);
        json.WriteString("at"u8, at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        json.WriteString("kind"u8, kind);
        return json;
    }

    private void End(Utf8JsonWriter json)
    {
        json.WriteString("prev"u8, Hash);
        json.WriteEndObject();
    }

    private void Seal()
    {
        var hashed = _record.WrittenSpan[..^1];
        var hash = Convert.ToHexStringLower(SHA256.HashData(hashed));
        _unwritten.Write(hashed);
        _unwritten.Write(HashMember);
        Encoding.ASCII.GetBytes(hash, _unwritten);
        _unwritten.Write("\"}\n"u8);
        Number++;
        Hash = hash;
    }
}
