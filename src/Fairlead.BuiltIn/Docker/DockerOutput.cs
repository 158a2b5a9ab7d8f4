using System.Buffers.Binary;
using System.Text;

namespace Fairlead.BuiltIn.Docker;

/// <summary>What a process in a container wrote.</summary>
/// <param name="Stdout">To stdout, or to its terminal.</param>
/// <param name="Stderr">To stderr.</param>
/// <param name="Truncated">Whether there was more.</param>
internal sealed record DockerOutput(string Stdout, string Stderr, bool Truncated)
{
    /// <summary>Longest text that is kept of both together, in bytes.</summary>
    public const int BytesMax = 256 * 1024;

    private const int HeaderBytes = 8;

    /// <summary>Both, for reading.</summary>
    public string Text() => string.Join('\n', new[] { Stdout.TrimEnd(), Stderr.TrimEnd(), Truncated ? "... truncated" : "" }.Where(static part => part.Length != 0));

    /// <summary>Takes the frames of a stream apart (Docker Engine API, attach: 8 bytes of header with the stream and the length).</summary>
    /// <param name="bytes">The stream, perhaps cut off.</param>
    /// <param name="isTruncated">Whether it was.</param>
    /// <param name="isTerminal">A terminal's stream has no frames.</param>
    public static DockerOutput Read(ReadOnlySpan<byte> bytes, bool isTruncated, bool isTerminal)
    {
        if (isTerminal)
        {
            return new DockerOutput(Encoding.UTF8.GetString(bytes), "", isTruncated);
        }

        var (output, error) = (new MemoryStream(), new MemoryStream());
        while (bytes.Length >= HeaderBytes)
        {
            var length = (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]), (uint)(bytes.Length - HeaderBytes));
            (bytes[0] == 2 ? error : output).Write(bytes.Slice(HeaderBytes, length));
            bytes = bytes[(HeaderBytes + length)..];
        }

        return new DockerOutput(Encoding.UTF8.GetString(output.ToArray()), Encoding.UTF8.GetString(error.ToArray()), isTruncated);
    }
}
