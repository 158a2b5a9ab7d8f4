using System.Text;

namespace Fairlead.Measuring.Tests;

public sealed class AnswerCheckTests
{
    private const long Id = 1_000_000_007;
    private const string Good = """{"result":{"resultType":"complete","content":[{"type":"text","text":"x","isError":true}]},"jsonrpc":"2.0","id":1000000007}""";

    [Fact]
    public void Judge_WhenOnlyTheIdDiffers_TakesTheNextAnswerToo()
    {
        var check = new AnswerCheck(checksId: true);
        Assert.Null(Judge(check, Good, Id));
        Assert.Null(Judge(check, Good.Replace("007}", "008}", StringComparison.Ordinal), Id + 1));
        Assert.NotNull(Judge(check, Good, Id + 2));
        Assert.NotNull(Judge(check, Good.Replace("\"text\":\"x\"", "\"text\":\"x\",", StringComparison.Ordinal), Id));
        Assert.Null(Judge(check, Good.Replace("\"x\"", "\"another\"", StringComparison.Ordinal), Id));
    }

    [Fact]
    public void Judge_WhenTheIdStandsInTheTextToo_StillTellsAnswersApart()
    {
        var check = new AnswerCheck(checksId: true);
        var twice = Good.Replace("\"x\"", "\"1000000007\"", StringComparison.Ordinal);
        Assert.Null(Judge(check, twice, Id));
        Assert.Null(Judge(check, twice, Id));
        Assert.NotNull(Judge(check, twice, Id + 1));
    }

    [Theory]
    [InlineData("""{"error":{"code":-32602,"message":"Unknown tool"},"jsonrpc":"2.0","id":1000000007}""", "Unknown tool")]
    [InlineData("""{"result":{"content":[],"isError":true},"jsonrpc":"2.0","id":1000000007}""", "isError")]
    [InlineData("""{"result":{"resultType":"input_required","requestState":"s"},"jsonrpc":"2.0","id":1000000007}""", "input_required")]
    [InlineData("""{"result":{},"jsonrpc":"2.0","id":7}""", "\"id\":7")]
    [InlineData("""[]""", "no JSON object")]
    [InlineData("""<html>""", "no JSON")]
    [InlineData("""{"result":{}""", "no JSON")]
    public void Judge_WhenItIsNoSuccess_ShowsWhatCame(string body, string expected) =>
        Assert.Contains(expected, Judge(new AnswerCheck(checksId: true), body, Id), StringComparison.Ordinal);

    [Fact]
    public void Judge_WhenTheStatusIsAnother_ShowsItWithTheBody() =>
        Assert.Equal("status 503: busy now", Judge(new AnswerCheck(checksId: true), "busy\nnow", Id, status: 503));

    [Fact]
    public void Judge_WhenIdsAreNotChecked_TakesConstantBytes()
    {
        var check = new AnswerCheck(checksId: false);
        Assert.Null(Judge(check, Good, 1));
        Assert.Null(Judge(check, Good, 2));
        Assert.NotNull(Judge(check, """{"error":{},"id":1}""", 2));
    }

    [Fact]
    public void Judge_WhenTheAnswerIsAnEventStream_FindsItBehindOtherEvents()
    {
        var stream = "id: a1\ndata:\n\n: keep-alive\nevent: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{}}\n\nevent: message\r\nid: a2\r\ndata: " + Good + "\r\n\r\n";
        var check = new AnswerCheck(checksId: true);
        Assert.Null(Judge(check, stream, Id, type: "text/event-stream"));
        Assert.Null(Judge(check, stream.Replace("a2", "b77", StringComparison.Ordinal), Id, type: "text/event-stream"));
        Assert.Equal(Good, Encoding.UTF8.GetString(check.FindMessage(Encoding.UTF8.GetBytes(stream), Id)));
        Assert.Contains("ended without an answer", Judge(check, "data: {\"method\":\"x\"}\n\n", Id, type: "text/event-stream"), StringComparison.Ordinal);
        Assert.Contains("isError", Judge(check, "data: {\"result\":{\"isError\":true},\"id\":1000000007}\n\n", Id, type: "text/event-stream"), StringComparison.Ordinal);
    }

    [Fact]
    public void JudgeRaw_WhenTheLengthChanges_SaysSo()
    {
        var check = new AnswerCheck(checksId: true);
        Assert.Contains("not the expected answer: {\"no\":1}", check.JudgeRaw(Answer("{\"no\":1}", 200, "application/json"), "ok"), StringComparison.Ordinal);
        Assert.Null(check.JudgeRaw(Answer("{\"ok\":1}", 201, "application/json"), "ok"));
        Assert.Null(check.JudgeRaw(Answer("{\"ok\":2}", 200, "application/json"), "ok"));
        Assert.Contains("where the first had 8", check.JudgeRaw(Answer("{\"error\":2}", 200, "application/json"), "ok"), StringComparison.Ordinal);
    }

    private static string? Judge(AnswerCheck check, string body, long id, int status = 200, string type = "application/json") => check.Judge(Answer(body, status, type), id);

    private static HttpAnswer Answer(string body, int status, string type)
    {
        var answer = new HttpAnswer();
        HttpAnswerTests.Feed(answer, Encoding.UTF8.GetBytes($"HTTP/1.1 {status} X\r\nContent-Type: {type}\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}"));
        return answer;
    }
}
