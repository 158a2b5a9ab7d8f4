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
#pragma warning disable CA1001 // Its writer writes into memory of its own: there is nothing to dispose of.
internal sealed class AuditChain(long number, string hash)
#pragma warning restore CA1001 // As above.
{
    /// <summary>What <c>prev</c> says in the very first record.</summary>
    public static readonly string Nothing = new('0', HashLength);

    private const int HashLength = 64;
    private const string DigestPrefix = "sha256:";
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";
    private const int TailLength = 9 + HashLength + 2;

    private readonly ArrayBufferWriter<byte> _record = new();
    private readonly ArrayBufferWriter<byte> _unwritten = new();
    private readonly Utf8JsonWriter _json = new(Stream.Null);

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
        var json = Begin(entry.Kind, entry.At);
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
            Span<char> digest = stackalloc char[DigestPrefix.Length + HashLength];
            DigestPrefix.CopyTo(digest);
            Convert.TryToHexStringLower(entry.Digest, digest[DigestPrefix.Length..], out _);
            json.WriteString("argumentsDigest"u8, digest);
        }

        WriteIfThere(json, "arguments"u8, entry.Arguments);
        End(json);
        Seal();
    }

    /// <summary>Makes a record of the log's own.</summary>
    /// <param name="kind">One of <see cref="AuditKind"/>.</param>
    /// <param name="at">When.</param>
    /// <param name="members">Its members: text or numbers.</param>
    public void Add(string kind, DateTimeOffset at, params ReadOnlySpan<(string Name, object Value)> members)
    {
        var json = Begin(kind, at);
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
        var json = _json;
        json.Reset(_record);
        json.WriteStartObject();
        json.WriteNumber("seq"u8, Number + 1);
        Span<char> time = stackalloc char[TimeFormat.Length];
        at.UtcDateTime.TryFormat(time, out var length, TimeFormat, CultureInfo.InvariantCulture);
        json.WriteString("at"u8, time[..length]);
        json.WriteString("kind"u8, kind);
        return json;
    }

    private void End(Utf8JsonWriter json)
    {
        json.WriteString("prev"u8, Hash);
        json.WriteEndObject();
        json.Flush();
    }

    private void Seal()
    {
        var hashed = _record.WrittenSpan[..^1];
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(hashed, digest);
        var hash = Convert.ToHexStringLower(digest);
        _unwritten.Write(hashed);
        _unwritten.Write(HashMember);
        Encoding.ASCII.GetBytes(hash, _unwritten);
        _unwritten.Write("\"}\n"u8);
        Number++;
        Hash = hash;
    }
}
