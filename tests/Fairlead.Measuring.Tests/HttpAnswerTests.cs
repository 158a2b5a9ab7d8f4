using System.Text;

namespace Fairlead.Measuring.Tests;

public sealed class HttpAnswerTests
{
    private const string Json = """{"result":{},"jsonrpc":"2.0","id":1}""";

    public static TheoryData<string, string, bool> WholeAnswers => new()
    {
        { $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {Json.Length}\r\n\r\n{Json}", Json, true },
        { $"HTTP/1.1 200 OK\r\ntransfer-encoding: CHUNKED\r\n\r\n5\r\n{Json[..5]}\r\n{Json.Length - 5:x};ext=1\r\n{Json[5..]}\r\n0\r\n\r\n", Json, true },
        { $"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n{Json.Length:X}\r\n{Json}\r\n0\r\nTrailer: yes\r\n\r\n", Json, false },
        { $"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length:{Json.Length}\r\n\r\n{Json}", Json, true },
        { "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", "", true },
        { "HTTP/1.1 204 No Content\r\n\r\n", "", true },
        { $"HTTP/1.0 200 OK\r\nContent-Length: {Json.Length}\r\n\r\n{Json}", Json, false },
    };

    [Theory]
    [MemberData(nameof(WholeAnswers))]
    public void Take_WhenAnAnswerIsCutAnywhere_GivesTheSameBody(string text, string body, bool keepsAlive)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        var answer = new HttpAnswer();
        for (var first = 1; first <= bytes.Length; first++)
        {
            for (var step = 1; step <= 3; step++)
            {
                answer.Reset();
                Feed(answer, bytes.AsSpan(0, first));
                for (var at = first; at < bytes.Length; at += step)
                {
                    Assert.False(answer.IsComplete);
                    Feed(answer, bytes.AsSpan(at, Math.Min(step, bytes.Length - at)));
                }

                Assert.True(answer.IsComplete);
                Assert.Equal(body, Encoding.Latin1.GetString(answer.Body));
                Assert.Equal(keepsAlive, answer.KeepsAlive);
            }
        }
    }

    [Fact]
    public void Take_WhenTheBodyEndsWithTheConnection_IsCompleteThen()
    {
        var answer = new HttpAnswer();
        Feed(answer, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\ndata: 1\n"u8);
        Assert.True(answer.HasHead);
        Assert.True(answer.IsEventStream);
        Assert.False(answer.IsComplete);
        answer.Take(0);
        Assert.True(answer.IsComplete);
        Assert.False(answer.KeepsAlive);
        Assert.Equal("data: 1\n", Encoding.Latin1.GetString(answer.Body));
    }

    [Fact]
    public void Take_WhenTheBodyIsLargerThanTheBuffer_HoldsAllOfIt()
    {
        var body = new string('x', 1_000_000);
        var bytes = Encoding.Latin1.GetBytes($"HTTP/1.1 200 OK\r\nMcp-Session-Id: s1\r\nTransfer-Encoding: chunked\r\n\r\n{body.Length:x}\r\n{body}\r\n0\r\n\r\n");
        var answer = new HttpAnswer();
        Feed(answer, bytes);
        Assert.True(answer.IsComplete);
        Assert.Equal(body.Length, answer.Body.Length);
        Assert.Equal("s1", answer.Header("mcp-session-id"));
        Assert.Null(answer.Header("Mcp-Session"));
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH\r\n\r\n", "no HTTP/1.1 status line")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "'many' is no length")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "'gzip' is not known here")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "'xyz' is no chunk size")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", "longer than its size")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc", "2 bytes came after the end")]
    public void Take_WhenItIsNoAnswer_SaysWhatIsWrong(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<FormatException>(() => Feed(new HttpAnswer(), Encoding.Latin1.GetBytes(text))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("", "before an answer came")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "in the middle of an answer")]
    public void Take_WhenTheConnectionEndsEarly_SaysSo(string text, string expected)
    {
        var answer = new HttpAnswer();
        if (text.Length != 0)
        {
            Feed(answer, Encoding.Latin1.GetBytes(text));
        }

        Assert.Contains(expected, Assert.Throws<FormatException>(() => answer.Take(0)).Message, StringComparison.Ordinal);
    }

    internal static void Feed(HttpAnswer answer, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var count = Math.Min(bytes.Length, answer.Free.Length);
            bytes[..count].CopyTo(answer.Free.Span);
            answer.Take(count);
            bytes = bytes[count..];
        }
    }
}
