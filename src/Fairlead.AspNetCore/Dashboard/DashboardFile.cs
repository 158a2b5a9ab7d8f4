using System.IO.Compression;

namespace Fairlead.AspNetCore.Dashboard;

/// <summary>A file of the dashboard in the forms in which it can be sent. Compressed when somebody first asks for that.</summary>
/// <param name="bytes">As it is sent when nothing is asked for.</param>
/// <param name="contentType">Its media type.</param>
internal sealed class DashboardFile(byte[] bytes, string contentType)
{
    private readonly Lazy<byte[]> _brotli = new(() => Compress(bytes, static to => new BrotliStream(to, CompressionLevel.Optimal)));
    private readonly Lazy<byte[]> _gzip = new(() => Compress(bytes, static to => new GZipStream(to, CompressionLevel.Optimal)));

    /// <summary>As it is.</summary>
    public byte[] Bytes => bytes;

    /// <summary>Its media type.</summary>
    public string ContentType => contentType;

    /// <summary>The bytes in an encoding: <c>br</c>, <c>gzip</c>, or null for none.</summary>
    public byte[] In(string? encoding) => encoding switch
    {
        "br" => _brotli.Value,
        "gzip" => _gzip.Value,
        _ => bytes,
    };

    private static byte[] Compress(byte[] bytes, Func<Stream, Stream> compressor)
    {
        using var to = new MemoryStream();
        using (var through = compressor(to))
        {
            through.Write(bytes);
        }

        return to.ToArray();
    }
}
