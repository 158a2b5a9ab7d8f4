namespace Fairlead.TestServers.Echo;

/// <summary>The constant results, one JSON value each.</summary>
internal static class EchoTexts
{
    private static readonly byte[][] s_legacyVersions =
        [.. new[] { "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05" }.Select(v => System.Text.Encoding.UTF8.GetBytes($"\"{v}\""))];

    public static ReadOnlySpan<byte> LegacyToolList =>
        """{"tools":[{"name":"echo","description":"Gives the message back.","inputSchema":{"type":"object","properties":{"message":{"type":"string"}},"required":["message"]}}]}"""u8;

    public static ReadOnlySpan<byte> ModernToolList =>
        """{"resultType":"complete","ttlMs":60000,"cacheScope":"public","tools":[{"name":"echo","description":"Gives the message back.","inputSchema":{"type":"object","properties":{"message":{"type":"string"}},"required":["message"]}}]}"""u8;

    public static ReadOnlySpan<byte> Discover =>
        """{"resultType":"complete","ttlMs":60000,"cacheScope":"public","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"echo","version":"1.0.0"}}}"""u8;

    public static ReadOnlySpan<byte> LegacyMissingMessage =>
        """{"content":[{"type":"text","text":"The argument 'message' must be a string."}],"isError":true}"""u8;

    public static ReadOnlySpan<byte> ModernMissingMessage =>
        """{"resultType":"complete","content":[{"type":"text","text":"The argument 'message' must be a string."}],"isError":true}"""u8;

    /// <summary>The offered revision when the server speaks it, else the newest legacy one (basic/lifecycle, Version Negotiation). Quotes included.</summary>
    public static ReadOnlySpan<byte> LegacyVersion(ReadOnlySpan<byte> offered)
    {
        foreach (var version in s_legacyVersions)
        {
            if (offered.SequenceEqual(version))
            {
                return version;
            }
        }

        return s_legacyVersions[0];
    }
}
