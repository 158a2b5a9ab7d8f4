using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Bad input over HTTP: exact status and code of protocol.md 2.3, 2.4 and 4.1, and a sentence that says what was wrong.</summary>
public sealed class BadInputTests : IAsyncLifetime
{
    private FrontHost _host = null!;

    public async Task InitializeAsync() => _host = await FrontHost.StartAsync(Echo.Options("echo"));

    public Task DisposeAsync() => _host.DisposeAsync().AsTask();

    public static TheoryData<string, int, string> BrokenBodies() => new()
    {
        { "this is not json", -32700, "send one JSON-RPC message" },
        { "", -32700, "send one JSON-RPC message" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"", -32700, "send one JSON-RPC message" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":" + new string('[', 100) + new string(']', 100) + "}", -32700, "raise jsonDepthMax" },
        { "42", -32600, "it needs \"jsonrpc\":\"2.0\" and a method" },
        { "\"text\"", -32600, "it needs \"jsonrpc\":\"2.0\" and a method" },
        { "{}", -32600, "it needs \"jsonrpc\":\"2.0\" and a method" },
        { "{\"id\":1,\"method\":\"ping\"}", -32600, "it needs \"jsonrpc\":\"2.0\" and a method" },
        { "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}", -32600, "it needs \"jsonrpc\":\"2.0\" and a method" },
        { "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", -32600, "must be a string or a number" },
        { "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", -32600, "must be a string or a number" },
        { "{\"jsonrpc\":\"2.0\",\"id\":\"" + new string('x', 300) + "\",\"method\":\"ping\"}", -32600, "raise idBytesMax" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"ping\"}", -32600, "send each once" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"a\",\"n\\u0061me\":\"b\"}}", -32600, "send each once" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"result\":{}}", -32600, "send a method, or a result, or an error" },
        { "[]", -32600, "Send each message by itself" },
        { "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]", -32600, "begin with initialize" },
    };

    [Theory]
    [MemberData(nameof(BrokenBodies))]
    public async Task Post_WhenTheBodyIsBroken_AnswersStatus400WithTheCode(string body, int code, string mend)
    {
        foreach (var path in new[] { "/mcp", "/mcp/echo" })
        {
            var (status, answer, _) = await _host.PostAsync(path, body);
            Assert.Equal(HttpStatusCode.BadRequest, status);
            Assert.Equal(code, Error(answer).GetProperty("code").GetInt32());
            Assert.Contains(mend, Error(answer).GetProperty("message").GetString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Post_WhenTheBodyIsTooLong_Answers413WithoutReadingIt()
    {
        var (status, answer, _) = await _host.PostAsync("/mcp", new string(' ', 17 * 1024 * 1024));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, status);
        Assert.Equal(-32600, Error(answer).GetProperty("code").GetInt32());
        Assert.Contains("send less or raise requestBodyBytesMax", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Content-Length: 104857600", 0)]
    [InlineData("Transfer-Encoding: chunked", 17 * 1024 * 1024)]
    public async Task Post_WhenTheBodyHas100Megabytes_IsRefusedBeforeItHasBeenSent(string framing, int sent)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await Guard.WithinAsync(socket.ConnectAsync(_host.Url.Host, _host.Url.Port), "the connection");
        await socket.SendAsync(Encoding.ASCII.GetBytes($"POST /mcp HTTP/1.1\r\nHost: {_host.Url.Authority}\r\nContent-Type: application/json\r\n{framing}\r\n\r\n"));
        var sending = sent == 0 ? Task.CompletedTask : SendAsync();
        var answer = "";
        var buffer = new byte[4096];
        while (!answer.EndsWith('}'))
        {
            var read = await Guard.WithinAsync(socket.ReceiveAsync(buffer), "the refusal");
            Assert.True(read > 0, "The connection ended after: " + answer);
            answer += Encoding.UTF8.GetString(buffer, 0, read);
        }

        Assert.StartsWith("HTTP/1.1 413 ", answer, StringComparison.Ordinal);
        Assert.Contains("longer than 16777216 bytes; send less or raise requestBodyBytesMax", answer, StringComparison.Ordinal);
        await Guard.WithinAsync(sending, "the part that was sent");

        async Task SendAsync()
        {
            await socket.SendAsync("6400000\r\n"u8.ToArray());
            for (var rest = new byte[sent].AsMemory(); !rest.IsEmpty;)
            {
                rest = rest[await socket.SendAsync(rest)..];
            }
        }
    }

    [Fact]
    public async Task Post_WhenNotJsonByContentType_Answers415()
    {
        var (status, answer, _) = await _host.PostAsync("/mcp", "{}", "Content-Type: text/plain");
        Assert.Equal((HttpStatusCode.UnsupportedMediaType, -32600), (status, Error(answer).GetProperty("code").GetInt32()));
        Assert.Contains("must be application/json", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/mcp")]
    [InlineData("/mcp/echo")]
    [InlineData("/health")]
    [InlineData("/api/v1/servers")]
    public async Task AnyVerb_WhenHostOrOriginIsAnotherSite_Answers403(string path)
    {
        foreach (var verb in new[] { "GET", "POST", "DELETE" })
        {
            foreach (var (name, value) in new[] { ("Host", "evil.example.com"), ("Origin", "http://evil.example.com"), ("Host", "127.0.0.1:1"), ("Origin", "null") })
            {
                using var request = new HttpRequestMessage(new HttpMethod(verb), path);
                request.Headers.TryAddWithoutValidation(name, value);
                using var response = await _host.Http.SendAsync(request);
                Assert.True(response.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.MethodNotAllowed, $"{verb} {path} {name} {value}: {response.StatusCode}");
                if (response.StatusCode == HttpStatusCode.Forbidden)
                {
                    Assert.Contains(name == "Host" ? "configure publicUrl" : "add it to allowedOrigins", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
                }
            }
        }
    }

    [Fact]
    public async Task Post_WhenOriginIsOurOwn_IsServed()
    {
        var (status, _, _) = await _host.ModernAsync("/mcp", "tools/list", "", null, "1", "", $"Origin: http://127.0.0.1:{_host.Url.Port}");
        Assert.Equal(HttpStatusCode.OK, status);
    }

    [Fact]
    public async Task Post_WhenTheServerIsUnknown_Answers404NamingIt()
    {
        var (status, answer, _) = await _host.PostAsync("/mcp/nobody", "{}");
        Assert.Equal(HttpStatusCode.NotFound, status);
        Assert.Equal(-32600, Error(answer).GetProperty("code").GetInt32());
        Assert.Contains("There is no server 'nobody' here; fairlead ps lists the servers.", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Legacy_WhenTheSessionIsMissingUnknownOrAnotherEndpoints_Answers400Or404()
    {
        const string Ping = """{"jsonrpc":"2.0","id":7,"method":"ping"}""";
        var (missing, said, _) = await _host.PostAsync("/mcp", Ping);
        Assert.Equal((HttpStatusCode.BadRequest, -32600), (missing, Error(said).GetProperty("code").GetInt32()));
        Assert.Contains("begin with initialize", said, StringComparison.Ordinal);
        var (unknown, told, _) = await _host.PostAsync("/mcp", Ping, "Mcp-Session-Id: 00");
        Assert.Equal((HttpStatusCode.NotFound, -32600), (unknown, Error(told).GetProperty("code").GetInt32()));
        Assert.Contains("begin again with initialize", told, StringComparison.Ordinal);
        var session = await _host.InitializeAsync("/mcp/echo");
        Assert.Equal(HttpStatusCode.NotFound, (await _host.PostAsync("/mcp", Ping, "Mcp-Session-Id: " + session)).Status);
        Assert.Equal("""{"jsonrpc":"2.0","id":7,"result":{}}""", (await _host.PostAsync("/mcp/echo", Ping, "Mcp-Session-Id: " + session)).Body);
    }

    [Fact]
    public async Task Legacy_WhenTheVersionHeaderIsUnsupported_Answers400()
    {
        var session = await _host.InitializeAsync("/mcp");
        var (status, answer, _) = await _host.PostAsync("/mcp", """{"jsonrpc":"2.0","id":1,"method":"ping"}""", "Mcp-Session-Id: " + session, "MCP-Protocol-Version: 1999-01-01");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("1999-01-01", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Initialize_WhenTheVersionIsUnknown_CountersWithOneThatIsKnown()
    {
        var (status, answer, _) = await _host.PostAsync(
            "/mcp", """{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2099-01-01","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}""");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("\"protocolVersion\":\"2025-11-25\"", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Initialize_WhenTheHeaderIsModern_Answers400HeaderMismatch()
    {
        var (status, answer, _) = await _host.PostAsync(
            "/mcp", """{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}""",
            "MCP-Protocol-Version: 2026-07-28");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal(-32020, Error(answer).GetProperty("code").GetInt32());
    }

    [Fact]
    public async Task Delete_WhenDone_MakesTheSessionUnknown()
    {
        var session = await _host.InitializeAsync("/mcp");
        using var request = new HttpRequestMessage(HttpMethod.Delete, "/mcp");
        request.Headers.Add("Mcp-Session-Id", session);
        Assert.True((await _host.Http.SendAsync(request)).IsSuccessStatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _host.PostAsync("/mcp", """{"jsonrpc":"2.0","id":1,"method":"ping"}""", "Mcp-Session-Id: " + session)).Status);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("DELETE")]
    public async Task Modern_WhenNotPost_Answers405WithAllow(string verb)
    {
        using var request = new HttpRequestMessage(new HttpMethod(verb), "/mcp");
        request.Headers.Add("MCP-Protocol-Version", "2026-07-28");
        using var response = await _host.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
        Assert.Equal("POST", response.Content.Headers.Allow.Single());
    }

    [Theory]
    [InlineData("initialize")]
    [InlineData("ping")]
    [InlineData("logging/setLevel")]
    [InlineData("resources/subscribe")]
    [InlineData("no/such/method")]
    public async Task Modern_WhenTheMethodIsNotOfTheRevision_Answers404WithBodyAndId(string method)
    {
        var (status, answer, _) = await _host.ModernAsync("/mcp", method, "", id: "\"a\"");
        Assert.Equal(HttpStatusCode.NotFound, status);
        Assert.Equal(-32601, Error(answer).GetProperty("code").GetInt32());
        Assert.Equal("a", JsonDocument.Parse(answer).RootElement.GetProperty("id").GetString());
    }

    [Theory]
    [InlineData("MCP-Protocol-Version: 2025-11-25", -32020)]
    [InlineData("Mcp-Method: tools/list", -32020)]
    [InlineData("Mcp-Method: Tools/Call", -32020)]
    [InlineData("Mcp-Name: other", -32020)]
    [InlineData("Mcp-Name: =?base64?ZWNobw?=", -32020)]
    public async Task Modern_WhenAHeaderDisagreesWithTheBody_Answers400(string header, int code)
    {
        var (status, answer, _) = await _host.ModernAsync("/mcp/echo", "tools/call", "\"name\":\"echo\"", "echo", "1", "", header);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal(code, Error(answer).GetProperty("code").GetInt32());
        Assert.Contains("send the same in both", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("MCP-Protocol-Version")]
    [InlineData("Mcp-Method")]
    [InlineData("Mcp-Name")]
    public async Task Modern_WhenAHeaderIsMissing_Answers400NamingItAndWhatItCarries(string header)
    {
        string[] headers = ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: echo"];
        var (status, answer, _) = await _host.PostAsync(
            "/mcp/echo",
            """{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"echo","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}""",
            [.. headers.Where(one => !one.StartsWith(header, StringComparison.Ordinal))]);
        Assert.Equal((HttpStatusCode.BadRequest, -32020), (status, Error(answer).GetProperty("code").GetInt32()));
        Assert.Contains($"The {header} header is missing; send ", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Modern_WhenMetaIsIncomplete_Answers400InvalidParams()
    {
        foreach (var meta in new[] { "{}", "{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}" })
        {
            var (status, answer, _) = await _host.PostAsync(
                "/mcp", $$$"""{"jsonrpc":"2.0","id":5,"method":"tools/list","params":{"_meta":{{{meta}}}}}""", "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/list");
            Assert.Equal(HttpStatusCode.BadRequest, status);
            Assert.Equal(-32602, Error(answer).GetProperty("code").GetInt32());
            Assert.Contains("\"id\":5", answer, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Modern_WhenTheVersionIsUnknown_Answers400NamingTheSupportedOnes()
    {
        var (status, answer, _) = await _host.PostAsync(
            "/mcp", """{"jsonrpc":"2.0","id":5,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"v999.0.0","io.modelcontextprotocol/clientCapabilities":{}}}}""",
            "MCP-Protocol-Version: v999.0.0", "Mcp-Method: tools/list");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal(-32022, Error(answer).GetProperty("code").GetInt32());
        Assert.Contains("data.supported lists", answer, StringComparison.Ordinal);
        Assert.Equal("2026-07-28", Error(answer).GetProperty("data").GetProperty("supported")[0].GetString());
        Assert.Equal("v999.0.0", Error(answer).GetProperty("data").GetProperty("requested").GetString());
    }

    [Fact]
    public async Task Call_WhenTheToolIsUnknown_AnswersInvalidParamsInBothEras()
    {
        var (_, modern, _) = await _host.ModernAsync("/mcp", "tools/call", "\"name\":\"nope\"", "nope");
        Assert.Equal(-32602, Error(modern).GetProperty("code").GetInt32());
        var session = await _host.InitializeAsync("/mcp");
        var (_, legacy, _) = await _host.PostAsync("/mcp", """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"nope"}}""", "Mcp-Session-Id: " + session);
        Assert.Equal(-32602, Error(legacy).GetProperty("code").GetInt32());
        Assert.Contains("Unknown tool: nope. The lists of this endpoint name what can be used.", legacy, StringComparison.Ordinal);
    }

    private static JsonElement Error(string answer) => JsonDocument.Parse(answer).RootElement.GetProperty("error");
}
