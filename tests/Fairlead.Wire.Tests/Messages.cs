using System.Text;

namespace Fairlead.Wire.Tests;

/// <summary>Short ways to write and read messages in tests.</summary>
internal static class Messages
{
    public static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>JSON written with single quotes.</summary>
    public static byte[] Json(string text) => Utf8(text.Replace('\'', '"'));

    public static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);

    /// <summary>The text of a place, "" when it is absent, with single quotes.</summary>
    public static string At(byte[] message, ByteRange place) => Text(place.Of(message)).Replace('"', '\'');

    public static ScanError Scan(byte[] message, out Envelope envelope) => EnvelopeScanner.Scan(message, ScanLimits.Default, out envelope);
}
