using System.Buffers;
using static Fairlead.Wire.Tests.Messages;

namespace Fairlead.Wire.Tests;

public class LineFramerTests
{
    [Theory]
    [InlineData("{\"a\":1}\n[{}]\n", "Message:{\"a\":1}|Message:[{}]")]
    [InlineData("{}\r\n\r\n\n  \t\n{}", "Message:{}|Message:{}")]
    [InlineData("\uFEFF{}\n", "Message:{}")]
    [InlineData("\uFEFF\n{}\n", "Message:{}")]
    [InlineData("{}\n\uFEFF{}\n", "Message:{}|Junk:\uFEFF{}")]
    [InlineData("hello\n[info] up\n{dump}\n{ \"a\":1}\n[ ]\n{\n", "Junk:hello|Junk:[info] up|Junk:{dump}|Message:{ \"a\":1}|Message:[ ]|Junk:{")]
    [InlineData("", "")]
    [InlineData("\n\r\n", "")]
    [InlineData("{}\r", "Message:{}")]
    [InlineData("{\"ä€😀\":\"\u2028\"}\n{\"a\":\"\r\"}\n", "Message:{\"ä€😀\":\"\u2028\"}|Message:{\"a\":\"\r\"}")]
    public void TryRead_WhenStreamIsCutAnywhere_LinesAreTheSame(string stream, string expected)
    {
        var bytes = Utf8(stream);
        foreach (var cut in Chunks.EveryCut(bytes.Length))
        {
            Assert.Equal(expected, Read(bytes, cut, lineBytesMax: 100, out _));
        }
    }

    [Theory]
    [InlineData("{\"id\":7,\"result\":{\"x\":\"0123456789012345678901234567890123456789\"}}\n{}\n", "TooLong:7|Message:{}")]
    [InlineData("{\"result\":{\"x\":\"0123456789012345678901234567890123456789\"},\"jsonrpc\":\"2.0\",\"id\": \"a\\\"b\" }\r\n{}\n", "TooLong:\"a\\\"b\"|Message:{}")]
    [InlineData("\uFEFF{\"id\":7,\"result\":{\"x\":\"01234567890123456789012345678901234567\"}}\n", "TooLong:7")]
    [InlineData("{\"params\":{\"x\":\"0123456789012345678901234567890123456789\"},\"id\":7}\n{}\n", "TooLong:asks|Message:{}")]
    [InlineData("0123456789012345678901234567890123456789012345678901\n{}\n", "TooLong:|Message:{}")]
    [InlineData("0123456789012345678901234567890123456789012345678901", "TooLong:")]
    [InlineData("0123456789012345678901234567890123456789\n", "Junk:0123456789012345678901234567890123456789")]
    [InlineData("0123456789012345678901234567890123456789\r\n{}", "Junk:0123456789012345678901234567890123456789|Message:{}")]
    public void TryRead_WhenLineIsTooLong_SaysWhoseAnswerItWas(string stream, string expected)
    {
        var bytes = Utf8(stream);
        foreach (var cut in Chunks.EveryCut(bytes.Length))
        {
            Assert.Equal(expected, Read(bytes, cut, lineBytesMax: 40, out var heldMost));
            Assert.InRange(heldMost, 0, 41);
        }
    }

    [Fact]
    public void TryRead_WhenLineNeverEnds_GivesUpAtFourTimesTheLimit()
    {
        var framer = new LineFramer(100);
        var kinds = new List<LineKind>();
        var sent = 0;
        while (kinds.Count == 0)
        {
            var buffer = new ReadOnlySequence<byte>(new byte[102]);
            sent += 102;
            while (framer.TryRead(ref buffer, out var frame))
            {
                kinds.Add(frame.Kind);
            }

            Assert.True(buffer.IsEmpty || kinds.Count != 0);
        }

        Assert.Equal([LineKind.GaveUp], kinds);
        Assert.Equal(408, sent);
        var more = new ReadOnlySequence<byte>(Utf8("{}\n"));
        Assert.False(framer.TryRead(ref more, out _));
        Assert.False(framer.TryReadLast(more, out _));
    }

    /// <summary>Feeds chunks as a pipe does: what was not taken comes again with the next chunk behind it.</summary>
    private static string Read(byte[] bytes, int[] cut, int lineBytesMax, out int heldMost)
    {
        var framer = new LineFramer(lineBytesMax);
        var lines = new List<string>();
        var start = 0;
        var end = 0;
        heldMost = 0;
        var buffer = ReadOnlySequence<byte>.Empty;
        foreach (var length in cut)
        {
            var held = end - start;
            heldMost = Math.Max(heldMost, held);
            end += length;
            buffer = Chunks.Sequence(bytes.AsMemory(start, end - start), held, length);
            while (framer.TryRead(ref buffer, out var frame))
            {
                lines.Add(Show(framer, frame));
            }

            start = end - (int)buffer.Length;
        }

        if (framer.TryReadLast(buffer, out var last))
        {
            lines.Add(Show(framer, last));
        }

        return string.Join('|', lines);
    }

    private static string Show(LineFramer framer, LineFrame frame) => frame.Kind == LineKind.TooLong
        ? "TooLong:" + (framer.TooLongAsks ? "asks" : Text(framer.TooLongId))
        : $"{frame.Kind}:{Text(frame.Line.ToArray())}";
}
