using System.Text;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Tests.Upstreams.Http;

/// <summary>What one call makes of what a server answers, in both eras.</summary>
public sealed class HttpExchangeTests
{
    private const string Ok = """{"resultType":"complete","content":[]}""";

    [Fact]
    public async Task Send_WhenLegacy_CarriesSessionAndRevision()
    {
        await using var upstream = await new LegacyScript { Call = (_, context, request) => context.ResultAsync(request, Ok) }.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream, headers: new Dictionary<string, string> { ["X-Key"] = "k3y" });

        var end = await rig.CallAsync();

        Assert.Equal(ForwardError.None, end.Error);
        var request = await upstream.NextAsync("tools/call");
        Assert.Equal("application/json, text/event-stream", request["Accept"]);
        Assert.Equal("application/json", request["Content-Type"]);
        Assert.Equal("identity", request["Accept-Encoding"]);
        Assert.Equal(Encoding.UTF8.GetByteCount(request.Body).ToString(System.Globalization.CultureInfo.InvariantCulture), request["Content-Length"]);
        Assert.Null(request["Transfer-Encoding"]);
        Assert.Equal("k3y", request["X-Key"]);
        Assert.Equal(upstream.Url.Authority, request["Host"]);
        Assert.Equal("s1", request["Mcp-Session-Id"]);
        Assert.Equal("2025-11-25", request["MCP-Protocol-Version"]);
        Assert.Null(request["Mcp-Method"]);
        Assert.Null(upstream.Requests.Single(r => r.RpcMethod == "initialize")["MCP-Protocol-Version"]);
    }

    [Fact]
    public async Task Send_WhenModern_RepeatsTheBodyInHeadersAndHasNoSession()
    {
        await using var upstream = await ModernScript.StartAsync((_, context, request) =>
        {
            context.Response.Headers["Mcp-Session-Id"] = "ignored";
            return context.ResultAsync(request, Ok);
        });
        await using var rig = await HttpRig.OpenAsync(upstream);
        McpHeaderParameter[] headers =
        [
            new("Region", ["region"], false), new("Count", ["deep", "count"], true), new("Flag", ["flag"], false), new("Empty", ["empty"], false), new("Text", ["text"], false),
            new("Nothing", ["nothing"], false), new("Absent", ["absent"], false), new("Method", ["method"], false),
        ];

        await rig.CallAsync(headers: headers, members: """
            "name":"wetter \u00fc","arguments":{"region":"eu north, 1","deep":{"count":42},"flag":false,"empty":"","text":" Z\u00fcrich","nothing":null,"method":"m","float":1.5}
            """);
        await rig.CallAsync(McpMethod.ResourcesRead, "\"uri\":\"file:///path/to/file%20name.txt\"");

        var call = await upstream.NextAsync("tools/call");
        Assert.Equal("2026-07-28", call["MCP-Protocol-Version"]);
        Assert.Equal("tools/call", call["Mcp-Method"]);
        Assert.Equal("=?base64?" + Convert.ToBase64String(Encoding.UTF8.GetBytes("wetter ü")) + "?=", call["Mcp-Name"]);
        Assert.Equal("eu north, 1", call["Mcp-Param-Region"]);
        Assert.Equal("42", call["Mcp-Param-Count"]);
        Assert.Equal("false", call["Mcp-Param-Flag"]);
        Assert.Equal("", call["Mcp-Param-Empty"]);
        Assert.Equal("=?base64?" + Convert.ToBase64String(Encoding.UTF8.GetBytes(" Zürich")) + "?=", call["Mcp-Param-Text"]);
        Assert.Equal("m", call["Mcp-Param-Method"]);
        Assert.Null(call["Mcp-Param-Nothing"]);
        Assert.Null(call["Mcp-Param-Absent"]);
        var read = await upstream.NextAsync("resources/read");
        Assert.Equal("file:///path/to/file%20name.txt", read["Mcp-Name"]);
        Assert.Null(read["Mcp-Session-Id"]);
        Assert.DoesNotContain(upstream.Requests, request => request.Method != "POST");
    }

    [Fact]
    public async Task Answer_WhenPrettyPrinted_ArrivesOnOneLine()
    {
        await using var upstream = await ModernScript.StartAsync((_, context, request) =>
            context.JsonAsync("\uFEFF{\r\n  \"id\": " + request.Id + ",\n  \"jsonrpc\": \"2.0\",\n  \"result\": {}\n}\n"));
        await using var rig = await HttpRig.OpenAsync(upstream);

        var end = await rig.CallAsync();

        Assert.Equal(ForwardError.None, end.Error);
        Assert.StartsWith("{  ", end.Answer, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', end.Answer);
    }

    [Theory]
    [InlineData(false, "\n")]
    [InlineData(false, "\r")]
    [InlineData(true, "\r\n")]
    public async Task Stream_WhenCutAtEveryByte_KeepsOrderAndText(bool modern, string lineEnd)
    {
        Task CallAsync(RawUpstream upstream, HttpContext context, RawRequest request) => WriteByteByByteAsync(context, string.Join(
            lineEnd,
            ": a comment", "id: 1", "data:", "", "event: ping", "data: {}", "",
            "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":" + request.Id + ",\"progress\":1}}", "",
            "id: 2", "event: message", "data: {\"jsonrpc\":\"2.0\",", "data: \"id\":" + request.Id + ",\"result\":{\"text\":\"grün €\"}}", "", ""));
        await using var upstream = modern ? await ModernScript.StartAsync(CallAsync) : await new LegacyScript { Call = CallAsync }.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);

        var end = await rig.CallAsync();

        Assert.Equal(ForwardError.None, end.Error);
        Assert.Contains("\"progress\":1", Assert.Single(end.Messages), StringComparison.Ordinal);
        Assert.Contains("{\"text\":\"grün €\"}", end.Answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answer_WhenItComesInPiecesWithoutLength_IsWhole()
    {
        await using var upstream = await ModernScript.StartAsync(async (_, context, request) =>
        {
            context.Response.ContentType = "application/json";
            await WriteByteByByteAsync(context, "{\"jsonrpc\":\"2.0\",\"result\":{\"a\":[" + string.Join(',', Enumerable.Range(0, 50)) + "]},\"id\":" + request.Id + "}", events: false);
        });
        await using var rig = await HttpRig.OpenAsync(upstream);

        var end = await rig.CallAsync();

        Assert.Contains("48,49]", end.Answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answer_WhenItStandsInABatch_IsFound()
    {
        await using var upstream = await new LegacyScript
        {
            Call = (_, context, request) => context.JsonAsync(
                "[{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":" + request.Id + ",\"progress\":1}},{\"jsonrpc\":\"2.0\",\"id\":" + request.Id + ",\"result\":{}}]"),
        }.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);

        var end = await rig.CallAsync();

        Assert.Equal(ForwardError.None, end.Error);
        Assert.Single(end.Messages);
    }

    [Theory]
    [InlineData(400, """{"jsonrpc":"2.0","id":null,"error":{"code":-32602,"message":"bad"}}""")]
    [InlineData(400, """{"jsonrpc":"2.0","error":{"code":-32602,"message":"bad"}}""")]
    [InlineData(400, """{"jsonrpc":"2.0","id":ID,"error":{"code":-32602,"message":"bad"}}""")]
    [InlineData(404, """{"jsonrpc":"2.0","id":ID,"error":{"code":-32602,"message":"bad"}}""")]
    [InlineData(200, """{"jsonrpc":"2.0","id":null,"error":{"code":-32602,"message":"bad"}}""")]
    [InlineData(200, """{"jsonrpc":"2.0","id":ID.0,"error":{"code":-32602,"message":"bad"}}""")]
    public async Task Answer_WhenItIsAJsonRpcError_IsTheAnswerWhateverTheStatus(int status, string body)
    {
        await using var upstream = await ModernScript.StartAsync((_, context, request) => context.JsonAsync(body.Replace("ID", request.Id, StringComparison.Ordinal), status));
        await using var rig = await HttpRig.OpenAsync(upstream);
        var call = rig.Open();
        rig.Send(call);

        var end = await HttpRig.EndAsync(call);

        Assert.Equal(ForwardError.None, end.Error);
        Assert.Contains("-32602", end.Answer, StringComparison.Ordinal);
        Assert.Matches("\"id\":[0-9]+", end.Answer);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(404)]
    public async Task Answer_WhenARefusalComesAsAnEventStream_IsTheAnswer(int status)
    {
        await using var upstream = await ModernScript.StartAsync((_, context, request) => context.AnswerAsync(
            status, "text/event-stream", $"event: message\ndata: {{\"jsonrpc\":\"2.0\",\"id\":{request.Id},\"error\":{{\"code\":-32601,\"message\":\"no\"}}}}\n\n"));
        await using var rig = await HttpRig.OpenAsync(upstream);

        var end = await rig.CallAsync();

        Assert.Equal(ForwardError.None, end.Error);
        Assert.Contains("-32601", end.Answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(401, "text/plain", "who are you", "AuthenticationRequired", "HTTP 401: who are you")]
    [InlineData(403, "application/json", """{"error":"forbidden"}""", "AuthenticationRequired", "HTTP 403: forbidden")]
    [InlineData(500, "text/plain", "it broke: s3cr3t-token\n at line 3", "SendFailed", "HTTP 500: it broke: REDACTED  at line 3")]
    [InlineData(500, "application/json", """{"jsonrpc":"2.0","id":ID,"error":{"code":-32603,"message":"Internal"}}""", "SendFailed", "HTTP 500: Internal")]
    [InlineData(502, "text/html", "<html>Bad gateway</html>", "SendFailed", "HTTP 502: text/html")]
    [InlineData(429, "text/plain", "slow down", "SendFailed", "HTTP 429: slow down")]
    [InlineData(404, "text/plain", "no such page", "SendFailed", "HTTP 404: no such page")]
    [InlineData(404, "application/json", """{"detail":"Not Found"}""", "SendFailed", "HTTP 404")]
    [InlineData(307, "", "", "SendFailed", "HTTP 307: it redirects")]
    [InlineData(202, "", "", "AnswerInvalid", "HTTP 202: it sent no answer")]
    [InlineData(200, "text/html", "<html>Welcome</html>", "AnswerInvalid", "HTTP 200: text/html")]
    [InlineData(200, "application/json", "{\"jsonrpc\":\"2.0\",", "AnswerInvalid", "not valid")]
    [InlineData(200, "application/json", """{"jsonrpc":"2.0","method":"notifications/message","params":{}}""", "AnswerInvalid", "no JSON-RPC response")]
    [InlineData(200, "application/json", """{"jsonrpc":"2.0","id":999,"result":{}}""", "AnswerInvalid", "another request")]
    [InlineData(200, "application/json", """{"jsonrpc":"2.0","id":"ID","result":{}}""", "AnswerInvalid", "another request")]
    [InlineData(200, "application/json", """{"jsonrpc":"2.0","id":ID,"result":{},"result":{}}""", "AnswerInvalid", "DuplicateMember")]
    [InlineData(200, "text/event-stream", "data: {\"jsonrpc\":\"2.0\",\"id\":999,\"result\":{}}\n\n", "AnswerInvalid", "another request")]
    [InlineData(200, "text/event-stream", "data: {broken}\n\n", "AnswerInvalid", "not valid")]
    [InlineData(200, "text/event-stream", "data: hello\n\n", "ServerLost", "not valid")]
    [InlineData(200, "text/event-stream", "", "ServerLost", "ended before the answer")]
    public async Task Answer_WhenItIsNone_SaysWhatCame(int status, string contentType, string body, string error, string detail)
    {
        await using var upstream = await ModernScript.StartAsync((_, context, request) =>
            context.AnswerAsync(status, contentType, body.Replace("ID", request.Id, StringComparison.Ordinal)));
        await using var rig = await HttpRig.OpenAsync(upstream, headers: new Dictionary<string, string> { ["Authorization"] = "Bearer s3cr3t-token" });

        var end = await rig.CallAsync();

        Assert.Equal(error, end.Error.ToString());
        Assert.Contains(detail, end.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answer_WhenTheServersWordsAreLong_KeepsTwoHundredCharacters()
    {
        await using var upstream = await ModernScript.StartAsync((_, context, _) => context.AnswerAsync(500, "text/plain", new string('x', 100_000)));
        await using var rig = await HttpRig.OpenAsync(upstream);

        var end = await rig.CallAsync();

        Assert.Equal("HTTP 500: " + new string('x', 200), end.Detail);
    }

    [Theory]
    [InlineData("known length")]
    [InlineData("chunked")]
    [InlineData("event")]
    public async Task Answer_WhenItIsTooLarge_IsRefusedAndTheNextCallWorks(string how)
    {
        var isFirst = true;
        await using var upstream = await ModernScript.StartAsync(async (_, context, request) =>
        {
            var body = "{\"jsonrpc\":\"2.0\",\"result\":{\"text\":\"" + new string('x', isFirst ? 5000 : 10) + "\"},\"id\":" + request.Id + "}";
            isFirst = false;
            switch (how)
            {
                case "known length":
                    await context.JsonAsync(body);
                    break;
                case "chunked":
                    context.Response.ContentType = "application/json";
                    await context.WriteAsync(body);
                    break;
                default:
                    await context.StartEventsAsync();
                    await context.EventAsync(body);
                    break;
            }
        });
        await using var rig = await HttpRig.OpenAsync(upstream, new LimitsOptions { UpstreamMessageBytesMax = 1024 });

        var first = await rig.CallAsync();
        var second = await rig.CallAsync();

        Assert.Equal(ForwardError.AnswerTooLarge, first.Error);
        Assert.Contains("upstreamMessageBytesMax is 1024", first.Detail, StringComparison.Ordinal);
        Assert.Equal(ForwardError.None, second.Error);
    }

    [Fact]
    public async Task Stream_WhenANotificationIsTooLarge_TheAnswerStillComes()
    {
        await using var upstream = await ModernScript.StartAsync(async (_, context, request) =>
        {
            await context.StartEventsAsync();
            await context.EventAsync("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":\"" + new string('x', 2000) + "\"}}");
            await context.EventAsync("{\"jsonrpc\":\"2.0\",\"result\":{},\"id\":" + request.Id + "}");
        });
        await using var rig = await HttpRig.OpenAsync(upstream, new LimitsOptions { UpstreamMessageBytesMax = 1024 });

        Assert.Equal(ForwardError.None, (await rig.CallAsync()).Error);
    }

    [Theory]
    [InlineData("before")]
    [InlineData("json")]
    [InlineData("stream")]
    public async Task Answer_WhenTheServerDiesInTheMiddle_IsLost(string when)
    {
        await using var upstream = await ModernScript.StartAsync(async (_, context, request) =>
        {
            if (when == "json")
            {
                context.Response.ContentLength = 500;
                context.Response.ContentType = "application/json";
                await context.WriteAsync("{\"jsonrpc\":\"2.0\",\"id\":" + request.Id + ",");
            }
            else if (when == "stream")
            {
                await context.StartEventsAsync();
                await context.WriteAsync("id: 7\ndata: {\"jsonrpc\":\"2.0\",");
            }

            context.Abort();
        });
        await using var rig = await HttpRig.OpenAsync(upstream);

        var end = await rig.CallAsync();

        Assert.Equal(ForwardError.ServerLost, end.Error);
        Assert.False(rig.Connection.Lost.IsCompleted);
    }

    [Fact]
    public async Task Answer_WhenItIsCompressedUnasked_IsRefused()
    {
        await using var upstream = await ModernScript.StartAsync((_, context, request) =>
        {
            context.Response.Headers.ContentEncoding = "gzip";
            return context.ResultAsync(request, Ok);
        });
        await using var rig = await HttpRig.OpenAsync(upstream);

        var end = await rig.CallAsync();

        Assert.Equal(ForwardError.AnswerInvalid, end.Error);
        Assert.Contains("gzip", end.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answer_WhenTheHeadersDoNotFitTheTool_IsAskedForOnceMoreWithTheHeadersOfTheNewSchema()
    {
        await using var upstream = await ModernScript.StartAsync((_, context, request) => request.Headers.ContainsKey("Mcp-Param-Zone")
            ? context.ResultAsync(request, "{\"ok\":true}")
            : context.ErrorAsync(request, """{"code":-32020,"message":"Mcp-Param-Zone is missing"}""", 400));
        await using var rig = await HttpRig.OpenAsync(upstream);
        rig.Connection.SchemaStale = static (_, tool, _) =>
            Task.FromResult<McpHeaderParameter[]?>([new McpHeaderParameter(Encoding.UTF8.GetString(tool) == "\"t\"" ? "Zone" : "Wrong", ["zone"], false)]);

        var end = await rig.CallAsync(members: """ "name":"t","arguments":{"zone":"eu"} """.Trim());

        Assert.Equal(ForwardError.None, end.Error);
        Assert.Contains("\"ok\":true", end.Answer, StringComparison.Ordinal);
        Assert.Equal(2, upstream.Requests.Count(static request => request.RpcMethod == "tools/call"));
    }

    [Fact]
    public async Task Answer_WhenTheHeadersDoNotFitTheNewSchemaEither_IsTheRefusal()
    {
        await using var upstream = await ModernScript.StartAsync((_, context, request) => context.ErrorAsync(request, """{"code":-32020,"message":"Mcp-Param-Region is missing"}""", 400));
        await using var rig = await HttpRig.OpenAsync(upstream);
        rig.Connection.SchemaStale = static (_, _, _) => Task.FromResult<McpHeaderParameter[]?>(null);

        var end = await rig.CallAsync();

        Assert.Equal(ForwardError.None, end.Error);
        Assert.Contains("-32020", end.Answer, StringComparison.Ordinal);
        Assert.Equal(2, upstream.Requests.Count(static request => request.RpcMethod == "tools/call"));
    }

    [Fact]
    public async Task Stream_WhenAModernServerAsksSomething_NobodyIsBothered()
    {
        await using var upstream = await ModernScript.StartAsync(async (_, context, request) =>
        {
            await context.StartEventsAsync();
            await context.EventAsync("""{"jsonrpc":"2.0","id":0,"method":"elicitation/create","params":{}}""");
            await context.EventAsync("{\"jsonrpc\":\"2.0\",\"result\":{},\"id\":" + request.Id + "}");
        });
        await using var rig = await HttpRig.OpenAsync(upstream);

        var end = await rig.CallAsync(owner: new object());

        Assert.Empty(end.Messages);
        Assert.Equal(ForwardError.None, end.Error);
        Assert.Equal(2, upstream.Requests.Count);
    }

    [Fact]
    public async Task Deadline_WhenTheServerIsSilent_LetsGoOfTheStream()
    {
        var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await ModernScript.StartAsync(async (self, context, _) =>
        {
            await context.StartEventsAsync();
            await context.HangAsync(self);
            left.TrySetResult();
        });
        await using var rig = await HttpRig.OpenAsync(upstream);
        var call = rig.Open(idle: TimeSpan.FromSeconds(30));
        rig.Send(call);
        await upstream.NextAsync("tools/call");

        rig.Clock.Advance(TimeSpan.FromSeconds(31));

        Assert.Equal(ForwardError.ServerTimedOut, (await HttpRig.EndAsync(call)).Error);
        await Guard.WithinAsync(left.Task, "the end of the request at the server");
    }

    private static async Task WriteByteByByteAsync(HttpContext context, string text, bool events = true)
    {
        if (events)
        {
            await context.StartEventsAsync();
        }

        foreach (var value in Encoding.UTF8.GetBytes(text))
        {
            await context.Response.Body.WriteAsync(new[] { value });
            await context.Response.Body.FlushAsync();
        }
    }
}
