using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Fairlead.State;
using Fairlead.Wire;

namespace Fairlead.Exchanges.Tasks;

/// <summary>The ids by which clients know the tasks of servers: the server's name and its own id, signed, so that nothing has to be remembered (protocol.md 8).</summary>
/// <remarks>
/// An id is <c>base64url(mac ‖ layout ‖ length of name ‖ name ‖ the server's own id)</c>. The mac, 128 bits of HMAC-SHA256, covers the principal too: in the hands of another
/// one the id is as unknown as an invented one. It is signed and not sealed: the same task always has the same id, which clients compare, and neither part is a secret from a
/// client that may see both. The key, <c>keys/tasks.json</c> in the state folder, is never replaced by another: ids live as long as servers keep tasks. Any thread.
/// </remarks>
internal sealed class TaskIds
{
    /// <summary>Longest id that is looked at, in characters. An own id of a server that makes a longer one cannot be used.</summary>
    public const int IdCharsMax = 4096;

    private const int FormatVersion = 1;
    private const int MacBytes = 16;
    private const int SecretBytes = 32;
    private const byte TaskLayout = 1;
    private const byte CursorLayout = 2;

    private readonly byte[] _secret;

    /// <summary>Reads the key of a state folder, or makes it.</summary>
    /// <param name="files">The state folder; null = the key is kept in memory, and ids end with this process.</param>
    public TaskIds(StateFiles? files)
    {
        byte[] secret = [];
        var file = files?.File(Path.Combine("keys", "tasks.json"), FormatVersion, "Clients have to start again the tasks that they know.");
        file?.Read(bytes =>
        {
            using var document = JsonDocument.Parse(bytes);
            var read = document.RootElement.GetProperty("secret").GetBytesFromBase64();
            secret = read.Length == SecretBytes ? read : throw new FormatException("the key in it has the wrong length");
        });
        if (secret.Length == 0)
        {
            secret = RandomNumberGenerator.GetBytes(SecretBytes);
            file?.Write(Encoding.ASCII.GetBytes($"{{\"formatVersion\":{FormatVersion},\"secret\":\"{Convert.ToBase64String(secret)}\"}}\n"));
        }

        _secret = secret;
    }

    /// <summary>The id that clients get, as a raw string token.</summary>
    /// <param name="principal">Digest of whose task it is.</param>
    /// <param name="server">The server's name.</param>
    /// <param name="ownToken">The server's own id, a raw string token.</param>
    public byte[] ToClient(ReadOnlySpan<byte> principal, string server, ReadOnlySpan<byte> ownToken)
    {
        var own = new byte[ownToken.Length];
        JsonText.TryUnescape(ownToken, own, out var written);
        return Sign(TaskLayout, principal, server, own.AsSpan(0, written));
    }

    /// <summary>Finds server and own id behind an id of ours. False for everything else: invented, changed, another principal's.</summary>
    /// <param name="principal">Digest of who asks.</param>
    /// <param name="token">Any JSON token.</param>
    /// <param name="server">The server's name; it may have left the fleet.</param>
    /// <param name="ownToken">The server's own id as a raw string token.</param>
    public bool TryToServer(ReadOnlySpan<byte> principal, ReadOnlySpan<byte> token, [NotNullWhen(true)] out string? server, [NotNullWhen(true)] out byte[]? ownToken)
    {
        ownToken = null;
        if (!TryVerify(TaskLayout, principal, token, out server, out var own))
        {
            return false;
        }

        ownToken = new byte[JsonText.StringLength(own)];
        JsonText.WriteString(own, ownToken);
        return true;
    }

    /// <summary>A cursor of <c>tasks/list</c>, as a raw string token: the server at which to go on, and its own cursor, which may be empty.</summary>
    public byte[] ToCursor(ReadOnlySpan<byte> principal, string server, ReadOnlySpan<byte> ownCursorToken) => Sign(CursorLayout, principal, server, ownCursorToken);

    /// <summary>Reads a cursor of ours; false for everything else.</summary>
    public bool TryReadCursor(ReadOnlySpan<byte> principal, ReadOnlySpan<byte> token, [NotNullWhen(true)] out string? server, out byte[] ownCursorToken) =>
        TryVerify(CursorLayout, principal, token, out server, out ownCursorToken);

    private byte[] Sign(byte layout, ReadOnlySpan<byte> principal, string server, ReadOnlySpan<byte> own)
    {
        var name = Encoding.UTF8.GetBytes(server);
        var bytes = new byte[MacBytes + 2 + name.Length + own.Length];
        bytes[MacBytes] = layout;
        bytes[MacBytes + 1] = (byte)name.Length;
        name.CopyTo(bytes, MacBytes + 2);
        own.CopyTo(bytes.AsSpan(MacBytes + 2 + name.Length));
        Mac(principal, bytes.AsSpan(MacBytes), bytes);
        return [(byte)'"', .. Base64Url.EncodeToUtf8(bytes), (byte)'"'];
    }

    private bool TryVerify(byte layout, ReadOnlySpan<byte> principal, ReadOnlySpan<byte> token, [NotNullWhen(true)] out string? server, out byte[] own)
    {
        server = null;
        own = [];
        if (!JsonText.IsString(token) || token.Length - 2 is 0 or > IdCharsMax || !Base64Url.IsValid(token[1..^1]))
        {
            return false;
        }

        // Several texts stand for the same bytes where the last character has bits to spare, or with padding; only one of them is the id that was given out.
        var bytes = Base64Url.DecodeFromUtf8(token[1..^1]);
        if (!Base64Url.EncodeToUtf8(bytes).AsSpan().SequenceEqual(token[1..^1]) || bytes.Length < MacBytes + 2 || bytes[MacBytes] != layout)
        {
            return false;
        }

        Span<byte> mac = stackalloc byte[MacBytes];
        Mac(principal, bytes.AsSpan(MacBytes), mac);
        if (!CryptographicOperations.FixedTimeEquals(mac, bytes.AsSpan(0, MacBytes)))
        {
            return false;
        }

        var name = bytes.AsSpan(MacBytes + 2, bytes[MacBytes + 1]);
        server = Encoding.UTF8.GetString(name);
        own = bytes[(MacBytes + 2 + name.Length)..];
        return true;
    }

    private void Mac(ReadOnlySpan<byte> principal, ReadOnlySpan<byte> plain, Span<byte> mac)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _secret);
        hash.AppendData([(byte)principal.Length]);
        hash.AppendData(principal);
        hash.AppendData(plain);
        hash.GetHashAndReset().AsSpan(0, MacBytes).CopyTo(mac);
    }
}
