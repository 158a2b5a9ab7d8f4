namespace Fairlead.TestServers.Conformance;

/// <summary>Smallest valid media files.</summary>
internal static class Media
{
    /// <summary>Base64 of a PNG of one red pixel.</summary>
    public const string RedPixelPngBase64 = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";

    /// <summary>Base64 of a WAV file without samples: 8 kHz, mono, 8 bit.</summary>
    public const string SilentWavBase64 = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

    /// <summary>Bytes of <see cref="RedPixelPngBase64"/>.</summary>
    public static ReadOnlyMemory<byte> RedPixelPng { get; } = Convert.FromBase64String(RedPixelPngBase64);
}
