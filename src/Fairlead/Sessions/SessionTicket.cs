using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Fairlead.Wire;

namespace Fairlead.Sessions;

/// <summary>What a session's id says of it to whoever holds the key (decision 10): enough to open the session again in a process that does not know it.</summary>
/// <param name="Created">When the session began; whole seconds.</param>
/// <param name="PrincipalDigest">Whose session it is: <see cref="DigestBytes"/> bytes.</param>
/// <param name="Version">The negotiated revision.</param>
/// <param name="Endpoint">Where it was opened; null = the aggregate.</param>
/// <param name="Capabilities">The raw client capabilities object. In a sealed ticket they are those that matter, when all of them would be too long.</param>
/// <param name="ClientInfo">The raw clientInfo; empty when there is none. In a sealed ticket name and version, or nothing, when all of it would be too long.</param>
internal sealed record SessionTicket(DateTimeOffset Created, byte[] PrincipalDigest, ProtocolVersion Version, string? Endpoint, byte[] Capabilities, byte[] ClientInfo)
{
    /// <summary>Longest id, in characters.</summary>
    public const int IdCharsMax = 512;

    /// <summary>How long an id can be opened again after its session began. A session that a process knows lives as long as it is used.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(24);

    /// <summary>Length of a principal's digest.</summary>
    public const int DigestBytes = 16;

    /// <summary>Length of the name of a node, in characters.</summary>
    public const int NodeChars = 8;

    private const string Prefix = "v1.";
    private const int RandomBytes = 16;
    private const int RandomChars = 22;
    private const int TagBytes = 16;
    private const int NonceBytes = 12;
    private const byte Layout = 1;

    // v1.NODE.RANDOM. and then the ticket.
    private const int HeadChars = 3 + NodeChars + 1 + RandomChars + 1;
    private const int FixedBytes = 1 + 4 + DigestBytes + 10 + 1 + 2 + 2;
    private const int SealedBytesMax = (IdCharsMax - HeadChars) * 3 / 4;
    private const int PlainBytesMax = SealedBytesMax - TicketKey.IdBytes - TagBytes;

    /// <summary>Makes a new id that carries this ticket: <c>v1.NODE.RANDOM.TICKET</c>, at most <see cref="IdCharsMax"/> visible ASCII characters, 128 random bits.</summary>
    /// <param name="key">Seals it (AES-256-GCM over the ticket; node and random part are bound to it).</param>
    /// <param name="node">Who makes it: <see cref="NodeChars"/> characters of hexadecimal.</param>
    public string ToId(TicketKey key, string node)
    {
        Span<byte> random = stackalloc byte[RandomBytes];
        RandomNumberGenerator.Fill(random);
        var head = $"{Prefix}{node}.{Base64Url.EncodeToString(random)}";
        var plain = ToBytes();
        var ticket = new byte[TicketKey.IdBytes + plain.Length + TagBytes];
        key.Id.CopyTo(ticket, 0);

        // The random part is as good a nonce as another random number, and the id is shorter without a second one.
        using var cipher = new AesGcm(key.Secret, TagBytes);
        cipher.Encrypt(random[..NonceBytes], plain, ticket.AsSpan(TicketKey.IdBytes, plain.Length), ticket.AsSpan(TicketKey.IdBytes + plain.Length), Encoding.ASCII.GetBytes(head));
        return $"{head}.{Base64Url.EncodeToString(ticket)}";
    }

    /// <summary>Opens an id. False for anything that none of the keys has sealed exactly so. Age, endpoint and principal are the caller's to check.</summary>
    public static bool TryOpen(string id, Func<uint, TicketKey?> keys, [NotNullWhen(true)] out SessionTicket? ticket)
    {
        ticket = null;
        if (id.Length is <= HeadChars or > IdCharsMax || !id.StartsWith(Prefix, StringComparison.Ordinal) || id[HeadChars - 1] != '.')
        {
            return false;
        }

        var random = new byte[RandomBytes];
        var bytes = new byte[SealedBytesMax];
        if (!TryDecode(RandomOf(id), random, out var count) || count != RandomBytes
            || !TryDecode(id.AsSpan(HeadChars), bytes, out count) || count < TicketKey.IdBytes + TagBytes + FixedBytes)
        {
            return false;
        }

        if (keys(BinaryPrimitives.ReadUInt32BigEndian(bytes)) is not { } key)
        {
            return false;
        }

        var plain = new byte[count - TicketKey.IdBytes - TagBytes];
        try
        {
            using var cipher = new AesGcm(key.Secret, TagBytes);
            cipher.Decrypt(
                random.AsSpan(0, NonceBytes), bytes.AsSpan(TicketKey.IdBytes, plain.Length), bytes.AsSpan(TicketKey.IdBytes + plain.Length, TagBytes), plain,
                Encoding.ASCII.GetBytes(id[..(HeadChars - 1)]));
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }

        return (ticket = FromBytes(plain)) is not null;
    }

    /// <summary>The part of an id of ours that no other id has.</summary>
    public static ReadOnlySpan<char> RandomOf(string id) => id.AsSpan(Prefix.Length + NodeChars + 1, RandomChars);

    // Several texts stand for the same bytes where the last character has bits to spare; only one of them is the id that was given out.
    private static bool TryDecode(ReadOnlySpan<char> text, Span<byte> bytes, out int count)
    {
        Span<char> again = stackalloc char[IdCharsMax];
        count = 0;
        if (text.Length % 4 == 1)
        {
            return false;
        }

        return Base64Url.DecodeFromChars(text, bytes, out _, out count) == System.Buffers.OperationStatus.Done
            && Base64Url.EncodeToChars(bytes[..count], again) == text.Length && again[..text.Length].SequenceEqual(text);
    }

    private byte[] ToBytes()
    {
        var endpoint = Encoding.UTF8.GetBytes(Endpoint ?? "");
        var room = PlainBytesMax - FixedBytes - endpoint.Length;
        var capabilities = TicketCapabilities.Fit(Capabilities, room);
        var info = TicketCapabilities.FitInfo(ClientInfo, room - capabilities.Length);
        var bytes = new byte[FixedBytes + endpoint.Length + capabilities.Length + info.Length];
        bytes[0] = Layout;
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(1), (uint)Created.ToUnixTimeSeconds());
        PrincipalDigest.CopyTo(bytes, 5);
        var at = 5 + DigestBytes;
        ProtocolVersions.Utf8Of(Version).CopyTo(bytes.AsSpan(at));
        at += 10;
        bytes[at++] = (byte)endpoint.Length;
        endpoint.CopyTo(bytes, at);
        at += endpoint.Length;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(at), (ushort)capabilities.Length);
        capabilities.CopyTo(bytes, at + 2);
        at += 2 + capabilities.Length;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(at), (ushort)info.Length);
        info.CopyTo(bytes, at + 2);
        return bytes;
    }

    /// <summary>Null for a layout of another Fairlead; anything else was written by <see cref="ToBytes"/>, because its seal is whole.</summary>
    private static SessionTicket? FromBytes(ReadOnlySpan<byte> bytes)
    {
        if (bytes[0] != Layout)
        {
            return null;
        }

        var created = DateTimeOffset.FromUnixTimeSeconds(BinaryPrimitives.ReadUInt32BigEndian(bytes[1..]));
        var principal = bytes.Slice(5, DigestBytes).ToArray();
        bytes = bytes[(5 + DigestBytes)..];
        var version = ProtocolVersions.Parse(Encoding.ASCII.GetString(bytes[..10]));
        var endpoint = bytes.Slice(11, bytes[10]);
        bytes = bytes[(11 + endpoint.Length)..];
        var capabilities = bytes.Slice(2, BinaryPrimitives.ReadUInt16BigEndian(bytes)).ToArray();
        bytes = bytes[(2 + capabilities.Length)..];
        var info = bytes.Slice(2, BinaryPrimitives.ReadUInt16BigEndian(bytes)).ToArray();
        return version.IsLegacy() ? new SessionTicket(created, principal, version, endpoint.IsEmpty ? null : Encoding.UTF8.GetString(endpoint), capabilities, info) : null;
    }
}
