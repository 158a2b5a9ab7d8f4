using System.Security.Cryptography;
using System.Text;

namespace Fairlead.AspNetCore.Auth;

/// <summary>The secret that administration needs (decision 2). Compared in constant time; never logged.</summary>
internal sealed class AdminToken
{
    private const string Scheme = "Bearer ";

    private readonly byte[]? _digest;

    /// <summary>Takes the token; null = nobody is let in.</summary>
    public AdminToken(string? token) => _digest = token is null ? null : SHA256.HashData(Encoding.UTF8.GetBytes(token));

    /// <summary>Whether an Authorization header carries the token.</summary>
    public bool Accepts(string authorization)
    {
        if (_digest is null || !authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        var given = SHA256.HashData(Encoding.UTF8.GetBytes(authorization[Scheme.Length..].Trim()));
        return CryptographicOperations.FixedTimeEquals(given, _digest);
    }
}
