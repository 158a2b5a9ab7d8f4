using System.Net;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.Exchanges;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;
using Fairlead.AspNetCore.Mcp;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>A legacy server that asks, in front of a client of 2026-07-28 (protocol.md 6.2, park; decision 9): every byte of the server is the test's.</summary>
public sealed class ParkTests
{
    private const string Form = """{"message":"Wer? \u00e9","requestedSchema":{"type":"object","properties":{"n":{"type":"number","minimum":1.50}}}}""";
    private const string Accept = """{"action":"accept", "content":{"n":2.50,"o":"\/"}}""";

    public static TheoryData<string, string, string> Questions() => new()
    {
        { "elicitation/create", Form, Accept },
        { "elicitation/create", """{"mode":"url","message":"open","url":"https://a.example/"}""", """{"action":"accept"}""" },
        { "sampling/createMessage", """{"messages":[{"role":"user","content":{"type":"text","text":"\u0041"}}],"maxTokens":1e2,"tools":[{"name":"t","inputSchema":{"type":"object"}}]}""", """{"role":"assistant","content":{"type":"text","text":"hi"}, "model":"m"}""" },
        { "roots/list", "", """{"roots":[{"uri":"file:\/\/\/tmp"}]}""" },
    };

    [Theory]
    [MemberData(nameof(Questions))]
    public async Task Question_WhenTheClientComesBack_PassesByteForByteBothWays(string method, string parameters, string response)
    {
        var server = new Asking((method, parameters));
        await using var host = await server.StartAsync();
        var client = new ModernClient(host, "/mcp/s");

        var (questions, state) = await client.AskedAsync("hello");
        var question = Assert.Single(questions.EnumerateObject());
        Assert.Equal(parameters.Length == 0 ? $$"""{"method":"{{method}}"}""" : $$"""{"method":"{{method}}","params":{{parameters}}}""", question.Value.GetRawText());
        var (_, answer) = await client.CallAsync("hello", ModernClient.Round(state, $$"""{"{{question.Name}}":{{response}}}"""));

        Assert.Equal("complete", answer.GetProperty("result").GetProperty("resultType").GetString());
        Assert.Equal([$$"""{"jsonrpc":"2.0","id":0,"result":{{response}}}"""], await server.AnswersAsync(1));
        Assert.Equal(0, Parked(host).Count);
    }

    [Fact]
    public async Task Elicitation_WhenItHasAnIdOfItsOwn_LosesItOnTheWayToARevisionThatHasNone()
    {
        var server = new Asking(("elicitation/create", """{"mode":"url","elicitationId":"e1","message":"open","url":"https://a.example/"}"""));
        await using var host = await server.StartAsync();

        var (questions, _) = await new ModernClient(host, "/mcp/s").AskedAsync("hello");

        Assert.Equal("""{"mode":"url","message":"open","url":"https://a.example/"}""", questions.GetProperty("q1").GetProperty("params").GetRawText());
    }

    [Fact]
    public async Task Questions_WhenSeveralComeAtOnce_AreAskedInOneRoundAndMissingAnswersAreAskedAgain()
    {
        var server = new Asking(("elicitation/create", Form), ("roots/list", ""), ("sampling/createMessage", """{"messages":[],"maxTokens":1}"""));
        await using var host = await server.StartAsync();
        var client = new ModernClient(host, "/mcp/s");

        var (first, state) = await client.AskedAsync("hello");
        Assert.Equal(["q1", "q2", "q3"], first.EnumerateObject().Select(static one => one.Name));

        // One answer, one that is no result, and one that nobody asked for.
        var (second, next) = await client.AskedAsync("hello", ModernClient.Round(state, """{"q2":{"roots":[]},"q1":"later","q9":{}}"""));
        Assert.Equal(["q1", "q3"], second.EnumerateObject().Select(static one => one.Name));
        Assert.Equal(["""{"jsonrpc":"2.0","id":1,"result":{"roots":[]}}"""], await server.AnswersAsync(1));
        var (_, answer) = await client.CallAsync("hello", ModernClient.Round(next, "{\"q1\":" + Accept + ",\"q3\":{\"role\":\"assistant\",\"content\":[],\"model\":\"m\"}}"));

        Assert.True(answer.TryGetProperty("result", out _), answer.GetRawText());
        Assert.Equal(3, (await server.AnswersAsync(3)).Count);
    }

    [Fact]
    public async Task Stop_WhenACallWaitsForItsClient_DeclinesItsQuestionWhileTheServerIsThere()
    {
        var server = new Asking(("elicitation/create", Form)) { HoldsAnswer = true };
        await using var host = await server.StartAsync();
        await new ModernClient(host, "/mcp/s").AskedAsync("hello");

        host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();

        Assert.Equal(["""{"jsonrpc":"2.0","id":0,"result":{"action":"cancel"}}"""], await server.AnswersAsync(1));
        await server.Server.WhenReceivedAsync(static received => received.Any(static one => one.Method == "notifications/cancelled"), "the cancellation of the call");
        Assert.Equal(0, Parked(host).Count);
    }

    [Fact]
    public async Task Handle_WhenItIsNoGood_NeverTouchesTheParkedCall()
    {
        var server = new Asking(("elicitation/create", Form));
        await using var host = await server.StartAsync();
        var client = new ModernClient(host, "/mcp/s");
        var (_, state) = await client.AskedAsync("hello");
        const string Answers = $$"""{"q1":{{Accept}}}""";

        // Tampered, in each part; nonsense; another request; none at all of a kind.
        for (var at = 1; at < state.Length - 1; at += 7)
        {
            var broken = state[..at] + (state[at] == 'A' ? 'B' : 'A') + state[(at + 1)..];
            await RefusedAsync(client, "invalid requestState", broken, Answers);
        }

        await RefusedAsync(client, "invalid requestState", "\"\"", Answers);
        await RefusedAsync(client, "invalid requestState", "7", Answers);
        await RefusedAsync(client, "invalid requestState", state, Answers, """{"n":1.5}""");
        await RefusedAsync(client, "invalid requestState", state, Answers, """{"n":1.50,"m":1}""");
        Assert.Empty(await server.AnswersAsync(0));

        var (_, answer) = await client.CallAsync("hello", ModernClient.Round(state, Answers));
        Assert.True(answer.TryGetProperty("result", out _), answer.GetRawText());

        // The call has ended: its handle is of an unknown call.
        await RefusedAsync(client, "invalid requestState", state, Answers);
    }

    [Fact]
    public async Task Handle_WhenItsRoundIsOver_IsAnsweredAlreadyAndTheCallGoesOn()
    {
        var server = new Asking(("elicitation/create", Form), ("roots/list", ""));
        await using var host = await server.StartAsync();
        var client = new ModernClient(host, "/mcp/s");
        var (_, first) = await client.AskedAsync("hello");
        var (_, second) = await client.AskedAsync("hello", ModernClient.Round(first, $$"""{"q1":{{Accept}}}"""));

        await RefusedAsync(client, "already answered", first, """{"q2":{"roots":[{"uri":"file:///evil"}]}}""");

        // While a retry of the second round is open, its handle is spent as well.
        server.HoldsAnswer = true;
        var open = client.CallAsync("hello", ModernClient.Round(second, """{"q2":{"roots":[]}}"""));
        await server.AnswersAsync(2);
        await RefusedAsync(new ModernClient(host, "/mcp/s"), "already answered", second, """{"q2":{"roots":[{"uri":"file:///evil"}]}}""");
        await server.CompleteAsync();

        var (_, answer) = await Guard.WithinAsync(open, "the parked call");
        Assert.True(answer.TryGetProperty("result", out _), answer.GetRawText());
        Assert.DoesNotContain(await server.AnswersAsync(2), static line => line.Contains("evil", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Call_WhenNobodyComesBack_IsGivenUpAndNothingIsLeft()
    {
        var clock = new FakeTimeProvider();

        // A server that answers its call as soon as its question is declined may be faster than the cancellation, which it then is not sent.
        var server = new Asking(("elicitation/create", Form)) { HoldsAnswer = true };
        await using var host = await server.StartAsync(clock: clock);
        var state = await ParkAsync(new ModernClient(host, "/mcp/s"), clock);
        Assert.Equal(1, Parked(host).Count);
        var timers = clock.ArmedTimers;

        clock.Advance(TimeSpan.FromMinutes(9));
        Assert.Equal(1, Parked(host).Count);
        clock.Advance(TimeSpan.FromMinutes(1));

        // The server is told: its question is declined, its call cancelled.
        Assert.Equal(["""{"jsonrpc":"2.0","id":0,"result":{"action":"cancel"}}"""], await server.AnswersAsync(1));
        await server.Server.WhenReceivedAsync("notifications/cancelled");
        Assert.Equal(0, Parked(host).Count);
        Assert.Equal(0, Cell(host).Current.Shared!.Pending.CountOpen());
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.True(clock.ArmedTimers < timers, $"{clock.ArmedTimers} timers are armed, {timers} were while the call was parked.");
        await RefusedAsync(new ModernClient(host, "/mcp/s"), "invalid requestState", state, "{}");
    }

    [Fact]
    public async Task Deadlines_WhileACallIsParked_Rest()
    {
        var clock = new FakeTimeProvider();
        var server = new Asking(("elicitation/create", Form));
        await using var host = await server.StartAsync(clock: clock);
        var client = new ModernClient(host, "/mcp/s");
        var state = await ParkAsync(client, clock);

        // requestTimeout is 30 s.
        clock.Advance(TimeSpan.FromMinutes(5));
        var (_, answer) = await client.CallAsync("hello", ModernClient.Round(state, $$"""{"q1":{{Accept}}}"""));

        Assert.True(answer.TryGetProperty("result", out _), answer.GetRawText());
    }

    [Fact]
    public async Task Client_WhenItLeavesWhileItsRetryIsOpen_CancelsTheCall()
    {
        var server = new Asking(("elicitation/create", Form)) { HoldsAnswer = true };
        await using var host = await server.StartAsync();
        var client = new ModernClient(host, "/mcp/s");
        var (_, state) = await client.AskedAsync("hello");
        using (var leaving = new CancellationTokenSource())
        {
            using var request = client.Compose("hello", ModernClient.Round(state, $$"""{"q1":{{Accept}}}"""));
            var retry = host.Http.SendAsync(request, leaving.Token);
            await server.AnswersAsync(1);
            await leaving.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => retry);
        }

        await server.Server.WhenReceivedAsync("notifications/cancelled");
        await RefusedAsync(client, "invalid requestState", state, "{}");
    }

    [Fact]
    public async Task Server_WhenItEndsTheCallMeanwhile_TheRetryGetsItsAnswer()
    {
        var server = new Asking(("elicitation/create", Form));
        await using var host = await server.StartAsync();
        var client = new ModernClient(host, "/mcp/s");
        var (_, state) = await client.AskedAsync("hello");

        await server.CompleteAsync("""{"content":[{"type":"text","text":"too late"}],"isError":true}""");
        var (_, answer) = await client.CallAsync("hello", ModernClient.Round(state, $$"""{"q1":{{Accept}}}"""));

        Assert.Contains("too late", answer.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(0, Parked(host).Count);
    }

    [Fact]
    public async Task Server_WhenItEndsTheCallMeanwhile_IsAnsweredSoThatNothingOfItsRests()
    {
        var clock = new FakeTimeProvider();
        var server = new Asking(("elicitation/create", Form));
        await using var host = await server.StartAsync(clock: clock);
        var client = new ModernClient(host, "/mcp/s");
        var state = await ParkAsync(client, clock);

        await server.CompleteAsync();
        await server.Server.SendAsync("""{"jsonrpc":"2.0","id":"sync","method":"ping"}""");
        Assert.Equal(["""{"jsonrpc":"2.0","id":"sync","result":{}}"""], await server.AnswersAsync(1));
        clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal("""{"jsonrpc":"2.0","id":0,"result":{"action":"cancel"}}""", (await server.AnswersAsync(2))[1]);
        var (_, answer) = await client.CallAsync("hello", ModernClient.Round(state, $$"""{"q1":{{Accept}}}"""));
        Assert.Contains("done", answer.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(2, (await server.AnswersAsync(2)).Count);
    }

    [Fact]
    public async Task Park_WhenTheGatewayEnds_HoldsNothingMore()
    {
        var server = new Asking(("elicitation/create", Form));
        await using var host = await server.StartAsync();
        Parked(host).Dispose();

        var (_, answer) = await new ModernClient(host, "/mcp/s").CallAsync("hello");

        Assert.Contains("shutting down", answer.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(["""{"jsonrpc":"2.0","id":0,"result":{"action":"cancel"}}"""], await server.AnswersAsync(1));
        Assert.Equal(0, Parked(host).Count);
    }

    [Fact]
    public async Task Park_WhenTooManyCallsWait_RefusesTheNextWithTheMend()
    {
        var server = new Asking(("elicitation/create", Form)) { Isolation = ServerIsolation.Shared };
        var options = new FairleadOptions();
        (options.Limits.ParkedMax, options.Limits.ParkedPerPrincipalMax) = (2, 2);
        await using var host = await server.StartAsync(options);
        var client = new ModernClient(host, "/mcp/s");
        await client.AskedAsync("hello");
        await client.AskedAsync("hello");

        var (_, answer) = await client.CallAsync("hello");

        Assert.Equal(-32603, answer.GetProperty("error").GetProperty("code").GetInt32());
        Assert.Contains("raise parkedMax", answer.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        await server.Server.WhenReceivedAsync("notifications/cancelled");
        Assert.Equal(2, Parked(host).Count);
    }

    [Fact]
    public async Task Park_WhenTheServerAsksForEver_EndsAfterTheRoundsAllowed()
    {
        var server = new Asking([.. Enumerable.Repeat(("elicitation/create", Form), 4)]) { AsksOneByOne = true };
        var options = new FairleadOptions();
        options.Limits.ParkedRoundsMax = 3;
        await using var host = await server.StartAsync(options);
        var client = new ModernClient(host, "/mcp/s");
        var round = "";
        for (var i = 1; i <= 3; i++)
        {
            var (_, state) = await client.AskedAsync("hello", round);
            round = ModernClient.Round(state, $$"""{"q{{i}}":{{Accept}}}""");
        }

        var (_, answer) = await client.CallAsync("hello", round);

        Assert.Contains("parkedRoundsMax", answer.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        await server.Server.WhenReceivedAsync("notifications/cancelled");
        Assert.Equal(0, Parked(host).Count);
    }

    [Theory]
    [InlineData("{}", "sampling/createMessage", "-32601", """{"sampling":{}}""")]
    [InlineData("""{"elicitation":{}}""", "elicitation/create-url", "-32602", """{"elicitation":{"url":{}}}""")]
    [InlineData("""{"sampling":{}}""", "elicitation/create", "-32601", """{"elicitation":{"form":{}}}""")]
    public async Task Question_WhenItWasNotDeclared_IsRefusedAndAFailureNamesTheCapability(string declared, string method, string refusal, string required)
    {
        var isUrl = method.EndsWith("-url", StringComparison.Ordinal);
        var server = new Asking((method.Replace("-url", "", StringComparison.Ordinal), isUrl ? """{"mode":"url","message":"m","url":"https://a.example/"}""" : "{}"))
        {
            Result = """{"content":[],"isError":true}""",
        };

        // A status of its own is only possible while no stream has begun: the grace before that must not end here.
        await using var host = await server.StartAsync(clock: new FakeTimeProvider());

        var (status, answer) = await new ModernClient(host, "/mcp/s", declared).CallAsync("hello");

        Assert.Contains($"\"code\":{refusal}", Assert.Single(await server.AnswersAsync(1)), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal(-32021, answer.GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal(required, answer.GetProperty("error").GetProperty("data").GetProperty("requiredCapabilities").GetRawText());
    }

    [Fact]
    public async Task Answers_WhenTheyCameAlong_AreGivenOnceToTheQuestionOfThatName()
    {
        var server = new Asking(("elicitation/create", Form), ("elicitation/create", Form)) { AsksOneByOne = true, IdOf = static number => $"\"user_name-{number}\"" };
        await using var host = await server.StartAsync();
        var client = new ModernClient(host, "/mcp/s");

        var (questions, state) = await client.AskedAsync("hello", "\"inputResponses\":{\"user_name\":" + Accept + ",\"extra\":{}}");

        // The first was answered by what came along; the second, of the same name, is asked.
        Assert.Equal([$$"""{"jsonrpc":"2.0","id":"user_name-0","result":{{Accept}}}"""], await server.AnswersAsync(1));
        Assert.Equal("user_name", Assert.Single(questions.EnumerateObject()).Name);
        var (_, answer) = await client.CallAsync("hello", ModernClient.Round(state, $$"""{"user_name":{{Accept}}}"""));
        Assert.True(answer.TryGetProperty("result", out _), answer.GetRawText());
    }

    [Fact]
    public async Task Page_WhenItMustBeVisitedFirst_IsAskedForAndTheCallIsMadeAgain()
    {
        var visited = false;
        var runs = ScriptedRuns.Legacy(server => server.On("tools/call", request =>
        {
            Assert.DoesNotContain("requestState", request.Line, StringComparison.Ordinal);
            return visited
                ? """ "result":{"content":[]} """
                : """ "error":{"code":-32042,"message":"visit","data":{"elicitations":[{"mode":"url","elicitationId":"e","message":"Sign \u0069n","url":"https:\/\/a.example"}]}} """;
        }));
        await using var host = await FrontHost.StartAsync(new FairleadOptions { Servers = { new ServerConfig { Name = "s" } } }, manager => manager.AddServer("s", runs));
        var client = new ModernClient(host, "/mcp/s");

        var (questions, state) = await client.AskedAsync("hello");
        Assert.Equal("""{"method":"elicitation/create","params":{"mode":"url","message":"Sign \u0069n","url":"https:\/\/a.example"}}""", questions.GetProperty("u1").GetRawText());
        visited = true;
        await RefusedAsync(client, "invalid requestState", state, "{}", """{"n":2}""");
        var (_, answer) = await client.CallAsync("hello", ModernClient.Round(state, """{"u1":{"action":"accept"}}"""));
        Assert.True(answer.TryGetProperty("result", out _), answer.GetRawText());

        visited = false;
        var (status, refused) = await new ModernClient(host, "/mcp/s", """{"elicitation":{"form":{}}}""").CallAsync("hello");
        Assert.Equal((HttpStatusCode.BadRequest, -32021), (status, refused.GetProperty("error").GetProperty("code").GetInt32()));
    }

    [Fact]
    public async Task Question_WhenNoCallIsThere_IsAnUnknownMethodToTheServer()
    {
        var server = new Asking();
        await using var host = await server.StartAsync();

        await server.Server.SendAsync("""{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{}}}}""");

        Assert.Contains("-32601", Assert.Single(await server.AnswersAsync(1)), StringComparison.Ordinal);
    }

    internal static ParkedCalls Parked(FrontHost host) => host.Services.GetRequiredService<McpFront>().Parked;

    private static Fairlead.Routing.ServerCell Cell(FrontHost host) => host.Manager.Fleet.TryGet("s", out var cell) ? cell : throw new InvalidOperationException("There is no server s.");

    /// <summary>Lets the time pass in which further questions may come, and gives the state that the client is sent away with.</summary>
    private static async Task<string> ParkAsync(ModernClient client, FakeTimeProvider clock)
    {
        var asking = client.AskedAsync("hello");
        await clock.WhenTimerArmedAsync(TimeSpan.FromMilliseconds(20));
        clock.Advance(TimeSpan.FromMilliseconds(20));
        return (await Guard.WithinAsync(asking, "the question")).State;
    }

    private static async Task RefusedAsync(ModernClient client, string words, string state, string responses, string arguments = """{"n":1.50}""")
    {
        var (status, answer) = await client.CallAsync("hello", ModernClient.Round(state, responses), arguments);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(-32602, answer.GetProperty("error").GetProperty("code").GetInt32());
        Assert.Contains(words, answer.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    /// <summary>A legacy server whose tool <c>hello</c> asks the given questions, then answers.</summary>
    private sealed class Asking(params (string Method, string Parameters)[] questions)
    {
        private readonly ScriptedRuns _runs = ScriptedRuns.Legacy();
        private string _callId = "";
        private int _asked;
        private int _answered;

        public ScriptedServer Server { get; private set; } = null!;

        /// <summary>Whether the next question waits for the answer to the one before.</summary>
        public bool AsksOneByOne { get; init; }

        /// <summary>Whether the call is answered only by <see cref="CompleteAsync"/>.</summary>
        public bool HoldsAnswer { get; set; }

        public ServerIsolation Isolation { get; init; }

        public string Result { get; init; } = """{"content":[{"type":"text","text":"done"}]}""";

        public Func<int, string> IdOf { get; init; } = static number => $"{number}";

        public async Task<FrontHost> StartAsync(FairleadOptions? options = null, TimeProvider? clock = null)
        {
            options ??= new FairleadOptions();

            // The clock is moved by minutes here: a check in between would be a call of its own.
            options.Servers.Add(new ServerConfig { Name = "s", Isolation = Isolation, HealthCheck = { Kind = HealthCheckKind.None } });
            var host = await FrontHost.StartAsync(options, manager => manager.AddServer("s", _runs), clock);
            Server = (await _runs.WhenRunAsync(1)).Server;
            Server.On("tools/call", request =>
            {
                _callId = request.Id;
                (_asked, _answered) = (0, 0);
                for (var i = 0; i < (AsksOneByOne ? 1 : questions.Length); i++)
                {
                    Ask();
                }

                return null;
            });
            Server.Answered = answer =>
            {
                if (++_answered == questions.Length)
                {
                    if (!HoldsAnswer)
                    {
                        Tell(Result);
                    }
                }
                else if (AsksOneByOne)
                {
                    Ask();
                }
            };
            return host;
        }

        private void Tell(string result) => _ = CompleteAsync(result);

        public Task CompleteAsync(string? result = null) => Server.SendAsync($$"""{"result":{{result ?? Result}},"jsonrpc":"2.0","id":{{_callId}}}""");

        /// <summary>The lines that answered questions, when there are at least so many.</summary>
        public async Task<List<string>> AnswersAsync(int count)
        {
            await Server.WhenReceivedAsync(received => received.Count(static one => one.Method.Length == 0) >= count, $"{count} answers to questions");
            return [.. Server.Received.Where(static one => one.Method.Length == 0).Select(static one => one.Line)];
        }

        private void Ask()
        {
            var (method, parameters) = questions[_asked];
            _ = Server.SendAsync("{\"method\":\"" + method + "\"" + (parameters.Length == 0 ? "" : ",\"params\":" + parameters) + ",\"jsonrpc\":\"2.0\",\"id\":" + IdOf(_asked++) + "}");
        }
    }
}
