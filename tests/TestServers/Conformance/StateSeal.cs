using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Fairlead.TestServers.Conformance;

/// <summary>
/// Signs the <c>requestState</c> that a client carries from round to round: <c>base64url(text).base64url(hmac)</c>. The key lives as long as
/// the process, so a state of another process is refused (2026-07-28 basic/utilities/mrtr: the state is under the client's control).
/// </summary>
internal static class StateSeal
{
    private static readonly byte[] s_key = RandomNumberGenerator.GetBytes(32);

    /// <summary>Signs <paramref name="text"/>.</summary>
    public static string Seal(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return $"{Base64Url.EncodeToString(bytes)}.{Base64Url.EncodeToString(HMACSHA256.HashData(s_key, bytes))}";
    }

    /// <summary>The signed text, or null when the state was changed or signed elsewhere.</summary>
    public static string? Open(string state)
    {
        var parts = state.Split('.');
        if (parts.Length != 2 || !Base64Url.IsValid(parts[0]) || !Base64Url.IsValid(parts[1]))
        {
            return null;
        }

        var bytes = Base64Url.DecodeFromChars(parts[0]);
        return CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(s_key, bytes), Base64Url.DecodeFromChars(parts[1]))
            ? Encoding.UTF8.GetString(bytes)
            : null;
    }
}
