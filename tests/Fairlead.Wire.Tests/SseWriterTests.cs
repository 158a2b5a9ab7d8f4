using System.Buffers;
using static Fairlead.Wire.Tests.Messages;

namespace Fairlead.Wire.Tests;

public class SseWriterTests
{
    private readonly ArrayBufferWriter<byte> _writer = new(16);

    private string Written => Text(_writer.WrittenSpan);

    [Fact]
    public void WriteMessage_WhenJsonHasNewlines_IsOneDataLine()
    {
        SseWriter.WriteMessage(_writer, "{\r\n \"a\": 1\n}"u8, "7-1"u8);
        SseWriter.WriteMessage(_writer, "{}"u8);
        Assert.Equal("event: message\nid: 7-1\ndata: {   \"a\": 1 }\n\nevent: message\ndata: {}\n\n", Written);
    }

    [Fact]
    public void WritePriming_WhenClientResumes_HasAnIdAndEmptyData()
    {
        SseWriter.WritePriming(_writer, "a1"u8);
        SseWriter.WritePriming(_writer, "a2"u8, 500);
        SseWriter.WriteRetry(_writer, 0);
        Assert.Equal("id: a1\ndata: \n\nid: a2\nretry: 500\ndata: \n\nretry: 0\n\n", Written);
        Assert.Throws<ArgumentOutOfRangeException>(() => SseWriter.WriteRetry(_writer, -1));
    }

    [Fact]
    public void WriteComment_WhenTextHasNewlines_StaysAComment()
    {
        SseWriter.WriteComment(_writer, "bye\ndata: 1"u8);
        SseWriter.WriteEndpoint(_writer, "/message?sessionId=1"u8);
        Assert.Equal(": bye data: 1\n\nevent: endpoint\ndata: /message?sessionId=1\n\n", Written);
        Assert.Equal(":\n\n", Text(SseWriter.KeepAlive));
    }

    [Fact]
    public void WriteMessage_OfAnySize_IsReadBack()
    {
        using var parser = new SseParser(1 << 20);
        foreach (var length in new[] { 1, 100, 5000, 300_000 })
        {
            var json = Utf8("\"" + new string('x', length) + "\"");
            _writer.Clear();
            SseWriter.WriteMessageStart(_writer, "id"u8);
            _writer.Write(json);
            SseWriter.WriteMessageEnd(_writer);
            SseWriter.WriteMessage(_writer, json, "other"u8);
            var input = _writer.WrittenSpan;
            foreach (var id in new[] { "id", "other" })
            {
                Assert.Equal(SseRead.Event, parser.Read(ref input));
                Assert.True(parser.IsMessage);
                Assert.Equal(json, parser.Data.ToArray());
                Assert.Equal(id, Text(parser.LastEventId));
            }

            Assert.Equal(SseRead.NeedMore, parser.Read(ref input));
        }
    }
}
