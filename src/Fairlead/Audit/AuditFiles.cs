using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Fairlead.Audit;

/// <summary>The files of an audit log: <c>audit-000001.jsonl</c> and so on, and <c>head.json</c>, which says where the chain has got to.</summary>
internal static class AuditFiles
{
    /// <summary>The folder of the log in the state folder.</summary>
    public const string FolderName = "audit";

    /// <summary>Which record is the last.</summary>
    public const string HeadName = "head.json";

    private const string Prefix = "audit-";
    private const string Suffix = ".jsonl";
    private const int BlockBytes = 64 * 1024;

    /// <summary>The path of a file.</summary>
    public static string PathOf(string folder, int file) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{file:000000}{Suffix}"));

    /// <summary>The numbers of the files that are there, in order.</summary>
    public static int[] In(string folder) => !Directory.Exists(folder) ? [] : [.. Directory.EnumerateFiles(folder, Prefix + "*" + Suffix)
        .Select(static path => int.TryParse(Path.GetFileName(path).AsSpan()[Prefix.Length..^Suffix.Length], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0)
        .Where(static number => number > 0).Order()];

    /// <summary>The number and hash of the last record, as <c>head.json</c> says.</summary>
    /// <returns>Null when there is no such file, or it cannot be understood.</returns>
    public static (long Number, string Hash)? Head(string folder)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, HeadName)));
            return (document.RootElement.GetProperty("seq").GetInt64(), document.RootElement.GetProperty("hash").GetString()!);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            // It only helps to see that records were cut off at the end; the files stand for themselves.
            return null;
        }
    }

    /// <summary>The lines of a file, each without its end. The last may have none yet.</summary>
    public static IEnumerable<(byte[] Line, bool IsWhole)> Lines(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new BufferedStream(stream, BlockBytes);
        var line = new ArrayBufferWriter<byte>();
        for (var next = reader.ReadByte(); next >= 0; next = reader.ReadByte())
        {
            if (next == '\n')
            {
                yield return (line.WrittenSpan.ToArray(), true);
                line.ResetWrittenCount();
            }
            else
            {
                line.GetSpan(1)[0] = (byte)next;
                line.Advance(1);
            }
        }

        if (line.WrittenCount > 0)
        {
            yield return (line.WrittenSpan.ToArray(), false);
        }
    }

    /// <summary>The lines of a file from its end, each without its end. What stands behind the last line's end is left out.</summary>
    /// <param name="path">It may be written to meanwhile: what comes later is not seen.</param>
    public static IEnumerable<byte[]> LinesFromEnd(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var block = new byte[BlockBytes];
        var at = stream.Length;
        var hasEnd = false;
        var carried = new List<byte[]>();
        while (at > 0)
        {
            var count = (int)Math.Min(BlockBytes, at);
            at -= count;
            stream.Position = at;
            stream.ReadExactly(block, 0, count);
            var end = count;
            for (var i = count - 1; i >= 0; i--)
            {
                if (block[i] != (byte)'\n')
                {
                    continue;
                }

                if (hasEnd)
                {
                    yield return Joined(block.AsSpan(i + 1, end - i - 1), carried);
                }

                carried.Clear();
                hasEnd = true;
                end = i;
            }

            carried.Insert(0, block[..end]);
        }

        if (hasEnd && carried.Sum(static part => part.Length) > 0)
        {
            yield return Joined([], carried);
        }
    }

    private static byte[] Joined(ReadOnlySpan<byte> first, List<byte[]> others)
    {
        var line = new byte[first.Length + others.Sum(static part => part.Length)];
        first.CopyTo(line);
        var at = first.Length;
        foreach (var part in others)
        {
            part.CopyTo(line, at);
            at += part.Length;
        }

        return line;
    }
}
