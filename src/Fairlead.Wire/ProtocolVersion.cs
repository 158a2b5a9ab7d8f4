using System.Text;

namespace Fairlead.Wire;

/// <summary>The revisions of MCP, oldest first: they compare by age. <see cref="ProtocolVersions"/> reads and writes them.</summary>
public enum ProtocolVersion : byte
{
    /// <summary>None of the five; older than all of them in comparisons.</summary>
    Unknown,

    /// <summary>2024-11-05: HTTP+SSE.</summary>
    V20241105,

    /// <summary>2025-03-26: Streamable HTTP, batches.</summary>
    V20250326,

    /// <summary>2025-06-18: elicitation, structured content, the version header.</summary>
    V20250618,

    /// <summary>2025-11-25: tasks, url elicitation; the latest revision with a handshake.</summary>
    V20251125,

    /// <summary>2026-07-28: no handshake, no session ("modern").</summary>
    V20260728,
}

/// <summary>Texts and rules of the revisions.</summary>
public static class ProtocolVersions
{
    /// <summary>What is offered to a client that asks for a revision we do not know (protocol.md 4.1, 9).</summary>
    public const ProtocolVersion LatestLegacy = ProtocolVersion.V20251125;

    /// <summary>The newest revision.</summary>
    public const ProtocolVersion Latest = ProtocolVersion.V20260728;

    /// <summary>The revision of a session whose requests carry no version header and whose handshake is not known (MCP 2025-06-18, transports).</summary>
    public const ProtocolVersion WithoutHeader = ProtocolVersion.V20250326;

    /// <summary>Whether the revision has no handshake and no server requests: 2026-07-28.</summary>
    public static bool IsModern(this ProtocolVersion version) => version >= ProtocolVersion.V20260728;

    /// <summary>Whether the revision begins with <c>initialize</c>: the four up to 2025-11-25.</summary>
    public static bool IsLegacy(this ProtocolVersion version) => version is > ProtocolVersion.Unknown and < ProtocolVersion.V20260728;

    /// <summary>The revision's date as ASCII without quotes; empty for <see cref="ProtocolVersion.Unknown"/>.</summary>
    public static ReadOnlySpan<byte> Utf8Of(ProtocolVersion version) => version switch
    {
        ProtocolVersion.V20241105 => "2024-11-05"u8,
        ProtocolVersion.V20250326 => "2025-03-26"u8,
        ProtocolVersion.V20250618 => "2025-06-18"u8,
        ProtocolVersion.V20251125 => "2025-11-25"u8,
        ProtocolVersion.V20260728 => "2026-07-28"u8,
        _ => default,
    };

    /// <summary>The revision's date; "" for <see cref="ProtocolVersion.Unknown"/>. Allocates nothing.</summary>
    public static string Format(this ProtocolVersion version) => version switch
    {
        ProtocolVersion.V20241105 => "2024-11-05",
        ProtocolVersion.V20250326 => "2025-03-26",
        ProtocolVersion.V20250618 => "2025-06-18",
        ProtocolVersion.V20251125 => "2025-11-25",
        ProtocolVersion.V20260728 => "2026-07-28",
        _ => "",
    };

    /// <summary>Reads a header value; spaces and tabs around it do not count. <see cref="ProtocolVersion.Unknown"/> for anything but the five dates.</summary>
    public static ProtocolVersion Parse(ReadOnlySpan<char> text)
    {
        text = text.Trim(" \t");
        for (var version = ProtocolVersion.V20241105; version <= Latest; version++)
        {
            if (Ascii.Equals(Utf8Of(version), text))
            {
                return version;
            }
        }

        return ProtocolVersion.Unknown;
    }

    /// <summary>Reads a JSON token; <see cref="ProtocolVersion.Unknown"/> for anything but a string with one of the five dates.</summary>
    public static ProtocolVersion ParseToken(ReadOnlySpan<byte> token)
    {
        for (var version = ProtocolVersion.V20241105; version <= Latest; version++)
        {
            if (JsonText.Equals(token, Utf8Of(version)))
            {
                return version;
            }
        }

        return ProtocolVersion.Unknown;
    }

    /// <summary>The answer to <c>initialize</c>: the revision asked for, or the latest legacy one when it is unknown or has no handshake (MCP
    /// 2025-11-25, lifecycle, version negotiation).</summary>
    public static ProtocolVersion Negotiate(ProtocolVersion requested) => requested.IsLegacy() ? requested : LatestLegacy;

    /// <summary>The answer to <c>initialize</c> from the token of <c>params.protocolVersion</c>, absent or of any type.</summary>
    public static ProtocolVersion Negotiate(ReadOnlySpan<byte> requestedToken) => Negotiate(ParseToken(requestedToken));
}
