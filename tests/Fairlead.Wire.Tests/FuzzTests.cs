using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using static Fairlead.Wire.Tests.Messages;

namespace Fairlead.Wire.Tests;

/// <summary>
/// Feeds the corpus and random damage of it to everything that reads bytes from outside. Inputs that show behaviour not seen before join the pool of
/// the run; inputs that fail are written to the corpus folder. The random numbers are the same in every run, unless FAIRLEAD_TEST_SEED says otherwise.
/// </summary>
public class FuzzTests
{
    private static readonly bool s_full = Environment.GetEnvironmentVariable("FAIRLEAD_TEST_FULL") == "1";
    private static readonly int s_rounds = s_full ? 300_000 : 15_000;
    private static readonly string s_folder = FindFolder();

    [Theory]
    [InlineData(".json")]
    [InlineData(".lines")]
    [InlineData(".sse")]
    [InlineData(".header")]
    public void Readers_WhenInputIsDamaged_NeitherThrowNorDisagree(string extension)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("FAIRLEAD_TEST_SEED"), out var given) ? given : 20260728;
        var random = new Random(seed);
        var seen = new HashSet<string>();
        var pool = Directory.EnumerateFiles(s_folder, "*" + extension).Order(StringComparer.Ordinal).Select(File.ReadAllBytes).ToList();
        Assert.True(pool.Count >= 3, "The corpus has lost its seeds.");
        foreach (var input in pool)
        {
            seen.Add(Try(extension, input, new Random(seed)));
        }

        for (var round = 0; round < s_rounds; round++)
        {
            var input = pool[random.Next(pool.Count)];
            if (random.Next(8) == 0)
            {
                input = Mutation.Cross(input, pool[random.Next(pool.Count)], random);
            }

            input = Mutation.Apply(input, random);
            if (input.Length <= 4096 && seen.Add(Try(extension, input, random)))
            {
                pool.Add(input);
            }
        }
    }

    /// <summary>Reads one input in all ways.</summary>
    /// <returns>What was seen, in short: inputs with the same words did the same.</returns>
    private static string Try(string extension, byte[] input, Random random)
    {
        try
        {
            return extension switch
            {
                ".json" => TryMessage(input),
                ".lines" => TryLines(input, random),
                ".sse" => TryEvents(input, random),
                _ => TryHeader(input),
            };
        }
        catch (Exception failure)
        {
            var name = $"crash-{Convert.ToHexStringLower(SHA256.HashData(input)[..6])}{extension}";
            File.WriteAllBytes(Path.Combine(s_folder, name), input);
            throw new InvalidOperationException($"Corpus/{name} fails: {failure.Message} Mend the reader and commit the file.", failure);
        }
    }

    private static string TryMessage(byte[] input)
    {
        Reference.AssertAgrees(input);
        var error = Scan(input, out var found);
        EraClassifier.ClassifyPost(found, input, "2026-07-28");
        if (error != ScanError.None)
        {
            return $"{error} {found.Kind} {found.Id.Exists}";
        }

        if (found.Kind == MessageKind.Batch)
        {
            using var document = JsonDocument.Parse(input);
            Assert.Equal(document.RootElement.GetArrayLength(), JsonElements.Count(input, found.Root));
            return $"Batch {EraClassifier.ClassifyPost(found, input, "")}";
        }

        if (found.MetaProtocolVersion.Exists)
        {
            ModernRequest.Check(found, input, "2026-07-28", "tools/call", "n");
        }

        AssertStripped(input, found);
        return $"{found.Kind} {found.KnownMethod} {found.Name.Exists}{found.Meta.Exists}{found.ProgressToken.Exists}{found.MetaProtocolVersion.Exists}{found.ResultType.Exists}{found.ErrorCode != 0}";
    }

    /// <summary>Takes out and changes whatever the envelope knows: what is left must be a message of the same kind without it.</summary>
    private static void AssertStripped(byte[] input, in Envelope found)
    {
        var splice = new Splice(input, stackalloc byte[Splice.ScratchBytes], blankNewlines: true);
        foreach (var place in new[] { found.Name, found.Arguments, found.Cursor, found.InputResponses, found.MetaProtocolVersion, found.MetaClientInfo, found.ResultType, found.TtlMs })
        {
            if (place.Exists)
            {
                splice.RemoveMember(place);
            }
        }

        if (found.Id.Exists)
        {
            splice.Replace(found.Id, "424242"u8);
        }

        if (found.Meta.Exists)
        {
            splice.AppendMember(found.Meta, "+last"u8, "{}"u8);
            splice.PrependMember(found.Meta, "+first"u8, "[]"u8);
        }

        var spliced = new byte[splice.ResultLength];
        splice.WriteTo(spliced);
        splice.Dispose();
        Assert.DoesNotContain((byte)'\n', spliced);
        var error = Scan(spliced, out var after);
        Assert.True(error == ScanError.None, $"The spliced message is {error}: {Text(spliced)}");
        Assert.Equal(found.Kind, after.Kind);
        Assert.Equal(default, after.Name);
        Assert.Equal(default, after.MetaProtocolVersion);
    }

    private static string TryLines(byte[] input, Random random)
    {
        var limit = random.Next(1, 400);
        var whole = ReadLines(input, [input.Length], limit);
        Assert.Equal(whole, ReadLines(input, RandomCut(input.Length, random), limit));
        return Shape(whole);
    }

    private static string ReadLines(byte[] input, int[] cut, int limit)
    {
        var framer = new LineFramer(limit);
        var text = new StringBuilder();
        var start = 0;
        var end = 0;
        var buffer = ReadOnlySequence<byte>.Empty;
        foreach (var length in cut)
        {
            var held = end - start;
            end += length;
            buffer = Chunks.Sequence(input.AsMemory(start, end - start), held, length);
            while (framer.TryRead(ref buffer, out var frame))
            {
                Show(frame);
            }

            start = end - (int)buffer.Length;
        }

        if (framer.TryReadLast(buffer, out var last))
        {
            Show(last);
        }

        return text.ToString();

        void Show(LineFrame frame)
        {
            text.Append(frame.Kind).Append(' ').Append(Convert.ToHexString(frame.Line.ToArray()));
            if (frame.Kind == LineKind.TooLong)
            {
                text.Append(framer.TooLongAsks).Append(Convert.ToHexString(framer.TooLongId));
            }

            text.Append('\n');
        }
    }

    private static string TryEvents(byte[] input, Random random)
    {
        var limit = random.Next(1, 600);
        var whole = ReadEvents(input, [input.Length], limit);
        Assert.Equal(whole, ReadEvents(input, RandomCut(input.Length, random), limit));
        return Shape(whole);
    }

    private static string ReadEvents(byte[] input, int[] cut, int limit)
    {
        using var parser = new SseParser(limit);
        var text = new StringBuilder();
        var at = 0;
        foreach (var length in cut)
        {
            ReadOnlySpan<byte> part = input.AsSpan(at, length).ToArray();
            at += length;
            var read = parser.Read(ref part);
            while (read is SseRead.Event or SseRead.TooLarge)
            {
                Show(read);
                read = parser.Read(ref part);
            }

            if (read == SseRead.GaveUp)
            {
                return text.Append(read).ToString();
            }

            Assert.True(part.IsEmpty);
        }

        Show(parser.ReadLast());
        return text.ToString();

        void Show(SseRead read)
        {
            text.Append(read).Append(' ').Append(Convert.ToHexString(parser.EventName)).Append(' ').Append(Convert.ToHexString(parser.LastEventId)).Append(' ').Append(parser.RetryMs);
            text.Append(' ').Append(Convert.ToHexString(parser.Data)).Append(read == SseRead.TooLarge ? $"{parser.TooLargeAsks}{Convert.ToHexString(parser.TooLargeId)}" : "").Append('\n');
        }
    }

    private static string TryHeader(byte[] input)
    {
        // Latin-1, as servers read header bytes.
        var header = Encoding.Latin1.GetString(input);
        var decoded = new byte[header.Length];
        var reads = HeaderValues.TryDecode(header, decoded, out var written);
        var isInteger = HeaderValues.TryReadInteger(input, out var integer);
        if (isInteger)
        {
            Assert.True(HeaderValues.Matches(integer.ToString(System.Globalization.CultureInfo.InvariantCulture), input));
        }

        ProtocolVersions.Parse(header);
        if (reads)
        {
            var text = decoded.AsSpan(0, written);
            var token = new byte[JsonText.StringLength(text)];
            JsonText.WriteString(text, token);
            Assert.True(HeaderValues.Matches(header, token));
            Assert.True(HeaderValues.Matches(HeaderValues.Encode(text), token));
            Assert.Equal(ScanError.NotJsonRpc, Scan(token, out _));
        }

        return $"{reads} {isInteger} {header.StartsWith("=?", StringComparison.Ordinal)} {header.EndsWith("?=", StringComparison.Ordinal)} {header.Length > 20}";
    }

    private static int[] RandomCut(int length, Random random)
    {
        var cut = new List<int>();
        while (length > 0)
        {
            var next = Math.Min(length, random.Next(random.Next(2) == 0 ? 4 : 60));
            cut.Add(next);
            length -= next;
        }

        return [.. cut];
    }

    /// <summary>The kinds of the frames without their bytes, runs shortened.</summary>
    private static string Shape(string frames) =>
        string.Join(' ', frames.Split('\n').Take(8).Select(line => line.Split(' ')[0] + (line.Length % 3)));

    private static string FindFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var corpus = Path.Combine(folder.FullName, "tests", "Fairlead.Wire.Tests", "Corpus");
            if (Directory.Exists(corpus))
            {
                return corpus;
            }
        }

        throw new DirectoryNotFoundException("tests/Fairlead.Wire.Tests/Corpus was not found above the test's folder: run the tests from a checkout.");
    }
}
