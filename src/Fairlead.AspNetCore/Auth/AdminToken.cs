using System.Security.Cryptography;
using System.Text;

namespace Fairlead.AspNetCore.Auth;

/// <summary>The secret that administration needs (decision 2). Compared in constant time; never logged.</summary>
internal sealed class AdminToken
{
    private const string Scheme = "Bearer ";

    private readonly byte[]? _digest;
    private readonly DashboardSessions _sessions;

    /// <summary>Takes the token; null = nobody is let in.</summary>
    /// <param name="token">The token.</param>
    /// <param name="sessions">Tokens of dashboards, which count as much.</param>
    public AdminToken(string? token, DashboardSessions sessions)
    {
        _digest = token is null ? null : SHA256.HashData(Encoding.UTF8.GetBytes(token));
        _sessions = sessions;
    }

    /// <summary>Whether an Authorization header carries the token, or one of a dashboard.</summary>
    public bool Accepts(string authorization)
    {
        if (_digest is null || TokenOf(authorization) is not { } token)
        {
            return false;
        }

        var given = SHA256.HashData(Encoding.UTF8.GetBytes(token));
        return CryptographicOperations.FixedTimeEquals(given, _digest) | _sessions.Accepts(given);
    }

    /// <summary>The token in an Authorization header; null when there is none.</summary>
    public static string? TokenOf(string authorization) =>
        authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? authorization[Scheme.Length..].Trim() : null;
}
