using System.Text;
using static Fairlead.Wire.Tests.Messages;

namespace Fairlead.Wire.Tests;

public class SseParserTests
{
    [Theory]
    [InlineData("data: {}\n\n", "message[{}]")]
    [InlineData("data:{}\n\ndata:  x\n\n", "message[{}]|message[ x]")]
    [InlineData("event: message\nid: a1\ndata: {}\n\n", "message[{}]#a1")]
    [InlineData("event: endpoint\ndata: /message?x=1\n\n", "endpoint[/message?x=1]")]
    [InlineData("data: {\ndata: \"a\":1}\n\n", "message[{\n\"a\":1}]")]
    [InlineData("id: a\ndata:\n\n", "message[]#a")]
    [InlineData("id: a\ndata\n\ndata: 1\n\n", "message[]#a|message[1]#a")]
    [InlineData("id: a\n\ndata: 1\n\n", "message[1]#a")]
    [InlineData("id: a\n\nid\n\ndata: 1\n\n", "message[1]")]
    [InlineData("id: a\0b\ndata: 1\n\n", "message[1]")]
    [InlineData("retry: 500\ndata: 1\n\nretry: 5x\nretry:-1\nretry: 99999999999\ndata: 2\n\n", "message[1]~500|message[2]~500")]
    [InlineData(": comment\n:\n\ndata: 1\n:x\nevents: y\n dat: z\n\n", "message[1]")]
    [InlineData("\uFEFFdata: 1\n\n", "message[1]")]
    [InlineData("\uFEFF\ndata: 1\n\n\uFEFFdata: 2\n\n", "message[1]")]
    [InlineData("event: ping\n\ndata: 1\n\n", "message[1]")]
    [InlineData("event: x\nevent: y\ndata: 1\n\ndata: 2\n\n", "y[1]|message[2]")]
    [InlineData("data: ä€😀\n\n", "message[ä€😀]")]
    [InlineData("data: a:b: c\n\n\n\n", "message[a:b: c]")]
    [InlineData("data: 1\n", "last:message[1]")]
    [InlineData("data: 1", "last:message[1]")]
    [InlineData("data: 1\n\nid: 3\n", "message[1]")]
    public void Read_WhenStreamIsCutAnywhere_EventsAreTheSame(string stream, string expected)
    {
        foreach (var lineEnd in new[] { "\n", "\r\n", "\r" })
        {
            var bytes = Utf8(stream.Replace("\n", lineEnd));
            foreach (var cut in Chunks.EveryCut(bytes.Length))
            {
                Assert.Equal(expected, Read(bytes, cut, dataBytesMax: 1000));
            }
        }
    }

    [Theory]
    [InlineData("data: 0123456789012345678901234567890123456789\n\ndata: 1\n\n", "0123456789012345678901234567890123456789")]
    [InlineData("event: message\nid: 1\ndata:0123456789012345678901234\ndata: 56789\nretry: 7\n: c\ndata\ndata:  x\nid: 2\n\ndata: 1\n\n", "0123456789012345678901234\n56789\n\n x")]
    [InlineData("data: 0123456789012345678901234567890123456789\ndata: a", "0123456789012345678901234567890123456789\na")]
    public void Read_WhenTheRestOfAnEventIsPassedOn_ItsPartsAreItsDataWhereverItIsCut(string stream, string expected)
    {
        foreach (var lineEnd in new[] { "\n", "\r\n", "\r" })
        {
            var bytes = Utf8(stream.Replace("\n", lineEnd));
            foreach (var cut in Chunks.EveryCut(bytes.Length))
            {
                Assert.Equal((expected, stream.EndsWith("data: 1\n\n", StringComparison.Ordinal) ? "1" : ""), ReadParts(bytes, cut));
            }
        }
    }

    private static (string Passed, string Next) ReadParts(ReadOnlySpan<byte> bytes, int[] cut)
    {
        using var parser = new SseParser(dataBytesMax: 1000, partBytes: 20);
        var (passed, next, events) = ("", "", 0);
        void Take(SseRead read)
        {
            var data = Encoding.UTF8.GetString(parser.Data);
            if (read == SseRead.Part && passed.Length == 0)
            {
                parser.PassOn();
                data = Encoding.UTF8.GetString(parser.Data);
            }

            passed += events == 0 ? data : "";
            next += events == 0 ? "" : data;
            events += read == SseRead.Event ? 1 : 0;
        }

        foreach (var length in cut)
        {
            var part = bytes[..length];
            bytes = bytes[length..];
            for (var read = parser.Read(ref part); read != SseRead.NeedMore; read = parser.Read(ref part))
            {
                Take(read);
            }
        }

        if (events == 0 && parser.ReadLast() == SseRead.Event)
        {
            Take(SseRead.Event);
        }

        return (passed, next);
    }

    [Theory]
    [InlineData("data: {\"id\":7,\"result\":{\"x\":\"01234567890123456789012345678901234567890\"}}\n\ndata: 1\n\n", "large:7|message[1]")]
    [InlineData("data: {\"result\":{\"x\":\"01234567890123456789012\ndata: 345678901234567890\"},\ndata:\"id\":7}\n\ndata: 1\n\n", "large:7|message[1]")]
    [InlineData("data: {\"method\":\"ping\",\"x\":\"01234567890123456789012345678901234567890\",\"id\":1}\n\ndata: 1\n\n", "large:asks|message[1]")]
    [InlineData("\uFEFFdata: {\"id\":7,\"result\":{\"x\":\"01234567890123456789012345678901234567890\"}}\nid: 4\n\ndata: 1\n\n", "large:7|message[1]#4")]
    [InlineData(":567890123456789012345678901234567890123456789012345678901234567890123456789\ndata: 1\n\n", "message[1]")]
    [InlineData("databases: 123456789012345678901234567890123456789012345678901234567890123456789\ndata: 1\n\n", "message[1]")]
    [InlineData("data: 123456789012345678901234567890123456789012345678901234567890", "last:large:")]
    [InlineData("data: 0123456789012345678901234567890123456789\n\n", "message[0123456789012345678901234567890123456789]")]
    [InlineData("data: 01234567890123456789012345678901234567890\n\n", "large:")]
    public void Read_WhenEventIsTooLarge_SaysWhoseAnswerItWas(string stream, string expected)
    {
        foreach (var lineEnd in new[] { "\n", "\r\n", "\r" })
        {
            var bytes = Utf8(stream.Replace("\n", lineEnd));
            foreach (var cut in Chunks.EveryCut(bytes.Length))
            {
                Assert.Equal(expected, Read(bytes, cut, dataBytesMax: 40));
            }
        }
    }

    [Theory]
    [InlineData("data: ", "0123456789")]
    [InlineData("", "data: 01234567\n")]
    public void Read_WhenEventNeverEnds_GivesUpAtFourTimesTheLimit(string start, string repeated)
    {
        using var parser = new SseParser(40);
        ReadOnlySpan<byte> input = Utf8(start);
        Assert.Equal(SseRead.NeedMore, parser.Read(ref input));
        var read = SseRead.NeedMore;
        var rounds = 0;
        while (read == SseRead.NeedMore && rounds < 50)
        {
            input = Utf8(repeated);
            read = parser.Read(ref input);
            rounds++;
        }

        Assert.Equal(SseRead.GaveUp, read);
        Assert.InRange(rounds, 17, 20);
        Assert.Equal(SseRead.GaveUp, parser.Read(ref input));
        Assert.Equal(SseRead.NeedMore, parser.ReadLast());
    }

    private static string Read(byte[] bytes, int[] cut, int dataBytesMax)
    {
        using var parser = new SseParser(dataBytesMax);
        var events = new List<string>();
        var at = 0;
        foreach (var length in cut)
        {
            // An array of its own, so that a parser that keeps a reference into it is found out.
            var chunk = bytes.AsSpan(at, length).ToArray();
            at += length;
            ReadOnlySpan<byte> input = chunk;
            SseRead read;
            while ((read = parser.Read(ref input)) != SseRead.NeedMore)
            {
                events.Add(Show(parser, read));
            }

            Assert.True(input.IsEmpty);
            chunk.AsSpan().Fill((byte)'?');
        }

        var last = parser.ReadLast();
        if (last != SseRead.NeedMore)
        {
            events.Add("last:" + Show(parser, last));
        }

        return string.Join('|', events);
    }

    private static string Show(SseParser parser, SseRead read)
    {
        if (read == SseRead.TooLarge)
        {
            return "large:" + (parser.TooLargeAsks ? "asks" : Text(parser.TooLargeId));
        }

        Assert.Equal(SseRead.Event, read);
        var text = new StringBuilder();
        text.Append(parser.IsMessage ? "message" : Text(parser.EventName)).Append('[').Append(Text(parser.Data)).Append(']');
        return text.Append(parser.LastEventId.IsEmpty ? "" : "#" + Text(parser.LastEventId)).Append(parser.RetryMs is { } wait ? $"~{wait}" : "").ToString();
    }
}
