namespace Fairlead.TestServers.Echo;

/// <summary>Which revisions of the protocol the server speaks.</summary>
internal enum Era
{
    /// <summary>Both: each message is answered by its own claim (a protocol version in <c>params._meta</c> means modern).</summary>
    Dual,

    /// <summary>2024-11-05 to 2025-11-25: <c>initialize</c>, and <c>server/discover</c> is an unknown method.</summary>
    Legacy,

    /// <summary>2026-07-28 only: <c>initialize</c> and <c>ping</c> are unknown methods, every request must carry its claim.</summary>
    Modern,
}
