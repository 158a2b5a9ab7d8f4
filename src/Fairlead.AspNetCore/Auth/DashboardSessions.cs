using System.Security.Cryptography;
using System.Text;

namespace Fairlead.AspNetCore.Auth;

/// <summary>How a browser comes by administration without being given the admin token (decision 2): a one-time code is exchanged for a token of limited life, which counts as the admin token does.</summary>
/// <remarks>
/// Owns the codes and tokens that are good at this moment; they do not survive the process. Only digests are kept, and they are compared in constant time.
/// Any thread; nothing on the road of a call comes here.
/// </remarks>
internal sealed class DashboardSessions(TimeProvider time)
{
    /// <summary>How long a code waits to be used.</summary>
    public static readonly TimeSpan CodeLifetime = TimeSpan.FromMinutes(10);

    /// <summary>How long a token is good.</summary>
    public static readonly TimeSpan TokenLifetime = TimeSpan.FromHours(12);

    /// <summary>Codes that may wait at the same time; the oldest gives way.</summary>
    public const int CodesMax = 16;

    /// <summary>Tokens that may be good at the same time; the oldest gives way.</summary>
    public const int TokensMax = 64;

    private const int SecretBytes = 32;

    private readonly Lock _lock = new();
    private readonly List<(byte[] Digest, DateTimeOffset Ends)> _codes = [];
    private readonly List<(byte[] Digest, DateTimeOffset Ends)> _tokens = [];

    /// <summary>A new code. It goes into the fragment of a link, which browsers send to nobody.</summary>
    public (string Code, DateTimeOffset ExpiresAt) IssueCode()
    {
        lock (_lock)
        {
            return Issue_NeedsLock(_codes, CodeLifetime, CodesMax);
        }
    }

    /// <summary>Takes a code and gives a token for it.</summary>
    /// <returns>Null when the code is unknown, was used or is too old; which of them is not told.</returns>
    public (string Token, DateTimeOffset ExpiresAt)? Exchange(string code)
    {
        lock (_lock)
        {
            return Remove_NeedsLock(_codes, DigestOf(code)) ? Issue_NeedsLock(_tokens, TokenLifetime, TokensMax) : null;
        }
    }

    /// <summary>Whether a token is good, by its SHA-256.</summary>
    public bool Accepts(ReadOnlySpan<byte> digest)
    {
        lock (_lock)
        {
            return Find_NeedsLock(_tokens, digest) >= 0;
        }
    }

    /// <summary>Ends a token before its time.</summary>
    /// <returns>False when it was none.</returns>
    public bool End(string token)
    {
        lock (_lock)
        {
            return Remove_NeedsLock(_tokens, DigestOf(token));
        }
    }

    private static byte[] DigestOf(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));

    private (string Secret, DateTimeOffset Ends) Issue_NeedsLock(List<(byte[] Digest, DateTimeOffset Ends)> kept, TimeSpan lifetime, int max)
    {
        var secret = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretBytes));
        var ends = time.GetUtcNow() + lifetime;
        kept.RemoveAll(one => one.Ends <= time.GetUtcNow());
        if (kept.Count == max)
        {
            kept.RemoveAt(0);
        }

        kept.Add((DigestOf(secret), ends));
        return (secret, ends);
    }

    private bool Remove_NeedsLock(List<(byte[] Digest, DateTimeOffset Ends)> kept, ReadOnlySpan<byte> digest)
    {
        var at = Find_NeedsLock(kept, digest);
        if (at < 0)
        {
            return false;
        }

        kept.RemoveAt(at);
        return true;
    }

    // All are looked at, whichever fits.
    private int Find_NeedsLock(List<(byte[] Digest, DateTimeOffset Ends)> kept, ReadOnlySpan<byte> digest)
    {
        var (found, now) = (-1, time.GetUtcNow());
        for (var i = 0; i < kept.Count; i++)
        {
            if (CryptographicOperations.FixedTimeEquals(kept[i].Digest, digest) && kept[i].Ends > now)
            {
                found = i;
            }
        }

        return found;
    }
}
