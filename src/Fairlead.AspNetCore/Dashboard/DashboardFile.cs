using System.IO.Compression;

namespace Fairlead.AspNetCore.Dashboard;

/// <summary>A file of the dashboard in the forms in which it can be sent. Compressed when somebody first asks for that.</summary>
/// <param name="Bytes">As it stands in <c>ui</c>.</param>
/// <param name="ContentType">Its media type.</param>
internal sealed record DashboardFile(byte[] Bytes, string ContentType)
{
    private readonly Lazy<byte[]> _brotli = new(() => Compress(Bytes, static to => new BrotliStream(to, CompressionLevel.Optimal)));
    private readonly Lazy<byte[]> _gzip = new(() => Compress(Bytes, static to => new GZipStream(to, CompressionLevel.Optimal)));

    /// <summary>The bytes in an encoding: <c>br</c>, <c>gzip</c>, or null for none.</summary>
    public byte[] In(string? encoding) => encoding switch
    {
        "br" => _brotli.Value,
        "gzip" => _gzip.Value,
        _ => Bytes,
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
