using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Fairlead.Sessions;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>What a <c>requestState</c> of ours says to whoever holds the key (decision 9): which call it belongs to, whose it is, and what was asked.</summary>
/// <param name="Node">Where the call is parked.</param>
/// <param name="ParkId">Which call; 0 = none is held, and the request is simply made again (a page that had to be visited first, -32042).</param>
/// <param name="Round">The round that it ends.</param>
/// <param name="ExpiresAt">When it is no longer good, in milliseconds since 1970.</param>
/// <param name="Principal">Digest of whose call it is: <see cref="SessionTicket.DigestBytes"/> bytes.</param>
/// <param name="Request">Digest of method and params: <see cref="DigestBytes"/> bytes.</param>
internal sealed record ParkHandle(string Node, long ParkId, int Round, long ExpiresAt, byte[] Principal, byte[] Request)
{
    /// <summary>Length of a request's digest.</summary>
    public const int DigestBytes = 16;

    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int PlainBytes = SessionTicket.NodeChars + 8 + 4 + 8 + SessionTicket.DigestBytes + DigestBytes;
    private const int SealedBytes = TicketKey.IdBytes + NonceBytes + PlainBytes + TagBytes;

    private static readonly int s_textChars = Base64Url.GetEncodedLength(SealedBytes);

    /// <summary>What every handle begins with: it tells ours from a server's own states, which may look like anything.</summary>
    private static ReadOnlySpan<byte> Prefix => "fairlead-park.1."u8;

    /// <summary>Whether a raw token has the form of a handle. Only <see cref="TryOpen"/> says that it is one.</summary>
    public static bool LooksLikeOne(ReadOnlySpan<byte> token) => token.Length == Prefix.Length + s_textChars + 2 && token[1..].StartsWith(Prefix);

    /// <summary>Seals the handle.</summary>
    /// <returns>A raw JSON string token.</returns>
    public byte[] Seal(TicketKey key)
    {
        Span<byte> plain = stackalloc byte[PlainBytes];
        Encoding.ASCII.GetBytes(Node, plain);
        var at = SessionTicket.NodeChars;
        BinaryPrimitives.WriteInt64BigEndian(plain[at..], ParkId);
        BinaryPrimitives.WriteInt32BigEndian(plain[(at + 8)..], Round);
        BinaryPrimitives.WriteInt64BigEndian(plain[(at + 12)..], ExpiresAt);
        Principal.CopyTo(plain[(at + 20)..]);
        Request.CopyTo(plain[(at + 20 + SessionTicket.DigestBytes)..]);

        var box = new byte[SealedBytes];
        key.Id.CopyTo(box, 0);
        var nonce = box.AsSpan(TicketKey.IdBytes, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var cipher = new AesGcm(key.Secret, TagBytes);
        cipher.Encrypt(nonce, plain, box.AsSpan(TicketKey.IdBytes + NonceBytes, PlainBytes), box.AsSpan(SealedBytes - TagBytes), Prefix);
        return [(byte)'"', .. Prefix, .. Encoding.ASCII.GetBytes(Base64Url.EncodeToString(box)), (byte)'"'];
    }

    /// <summary>Opens a raw token; null for anything that none of the keys has sealed exactly so. Age, principal and request are the caller's to check.</summary>
    public static ParkHandle? TryOpen(ReadOnlySpan<byte> token, Func<uint, TicketKey?> keys)
    {
        if (!LooksLikeOne(token))
        {
            return null;
        }

        Span<byte> box = stackalloc byte[SealedBytes];
        Span<byte> again = stackalloc byte[s_textChars];
        var text = token[(1 + Prefix.Length)..^1];

        // Several texts stand for the same bytes where the last character has bits to spare; only one of them was given out.
        if (Base64Url.DecodeFromUtf8(text, box, out _, out var count) != System.Buffers.OperationStatus.Done || count != SealedBytes
            || Base64Url.EncodeToUtf8(box, again) != text.Length || !again.SequenceEqual(text) || keys(BinaryPrimitives.ReadUInt32BigEndian(box)) is not { } key)
        {
            return null;
        }

        Span<byte> plain = stackalloc byte[PlainBytes];
        try
        {
            using var cipher = new AesGcm(key.Secret, TagBytes);
            cipher.Decrypt(box.Slice(TicketKey.IdBytes, NonceBytes), box.Slice(TicketKey.IdBytes + NonceBytes, PlainBytes), box[^TagBytes..], plain, Prefix);
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }

        var at = SessionTicket.NodeChars;
        return new ParkHandle(
            Encoding.ASCII.GetString(plain[..at]), BinaryPrimitives.ReadInt64BigEndian(plain[at..]), BinaryPrimitives.ReadInt32BigEndian(plain[(at + 8)..]),
            BinaryPrimitives.ReadInt64BigEndian(plain[(at + 12)..]), plain.Slice(at + 20, SessionTicket.DigestBytes).ToArray(), plain[(at + 20 + SessionTicket.DigestBytes)..].ToArray());
    }

    /// <summary>The digest of a request: its method, and its params without what differs from round to round (<c>_meta</c>, <c>inputResponses</c>, <c>requestState</c>). The order of the params does not count.</summary>
    public static byte[] DigestOf(ReadOnlySpan<byte> message, in Envelope envelope)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(McpMethods.NameOf(envelope.KnownMethod));
        var members = new List<(string Name, ByteRange Value)>();
        if (envelope.Params.Exists && message[envelope.Params.Start] == (byte)'{')
        {
            foreach (var member in new JsonMembers(message, envelope.Params))
            {
                if (member.Value != envelope.Meta && member.Value != envelope.InputResponses && member.Value != envelope.RequestState)
                {
                    members.Add((JsonText.ToString(member.Name.Of(message)) ?? "", member.Value));
                }
            }
        }

        members.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        foreach (var (name, value) in members)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"\n{name.Length}:{name}:{value.Length}:"));
            hash.AppendData(value.Of(message));
        }

        return hash.GetHashAndReset()[..DigestBytes];
    }
}
