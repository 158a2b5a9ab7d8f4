using System.Collections.Concurrent;
using System.Text;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Tests.Upstreams.Http;

/// <summary>Calls beside each other, cancellation, questions and the end of a connection.</summary>
public sealed class HttpConnectionTests
{
    [Fact]
    public async Task TrySendQueued_WhenTheAnswerIsThereAtOnce_DoesNotWaitForItself()
    {
        await using var rig = HttpRig.Create(new Uri("http://127.0.0.1:9/"), handler: new ReadyHandler());
        var (outcome, reason) = await rig.HandshakeAsync();
        Assert.True(outcome == HandshakeOutcome.Ready, reason);
        var call = new TurnCall();
        Assert.True(rig.Connection.TryOpen(call));

        // On the thread on which another call has ended.
        Assert.True(await Guard.WithinAsync(Task.Run(() => rig.Connection.TrySendQueued(call.UpstreamId)), "the end of sending a call whose turn has come"));
        Assert.Contains("\"content\":[]", (await HttpRig.EndAsync(call)).Answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancel_WhenModern_EndsTheStreamAndSendsNothing()
    {
        var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await ModernScript.StartAsync(async (self, context, _) =>
        {
            await context.HangAsync(self);
            left.TrySetResult();
        });
        await using var rig = await HttpRig.OpenAsync(upstream);
        var call = rig.Open(new object());
        rig.Send(call);
        await upstream.NextAsync("tools/call");

        rig.Connection.Cancel(call);

        Assert.Equal(ForwardError.ClientCancelled, (await HttpRig.EndAsync(call)).Error);
        await Guard.WithinAsync(left.Task, "the end of the request at the server");
        Assert.Equal(2, upstream.Requests.Count);
    }

    [Fact]
    public async Task Cancel_WhenLegacy_TellsTheServer()
    {
        await using var upstream = await new LegacyScript
        {
            Call = async (self, context, request) =>
            {
                if (request.RpcMethod != "tools/call")
                {
                    await context.StatusAsync(202);
                    return;
                }

                await context.StartEventsAsync();
                await context.HangAsync(self);
            },
        }.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);
        var call = rig.Open(new object());
        rig.Send(call);
        var sent = await upstream.NextAsync("tools/call");

        rig.Connection.Cancel(call);

        Assert.Equal(ForwardError.ClientCancelled, (await HttpRig.EndAsync(call)).Error);
        var cancelled = await upstream.NextAsync("notifications/cancelled");
        Assert.Contains($"\"requestId\":{sent.Id},", cancelled.Body, StringComparison.Ordinal);
        Assert.Equal("s1", cancelled["Mcp-Session-Id"]);
    }

    [Fact]
    public async Task Cancel_WhenTheCallWasNotSentYet_SendsNothing()
    {
        await using var upstream = await ModernScript.StartAsync((_, context, request) => context.ResultAsync(request, "{}"));
        await using var rig = await HttpRig.OpenAsync(upstream);
        var call = rig.Open(new object());

        rig.Connection.Cancel(call);
        rig.Send(call);

        Assert.Equal(ForwardError.ClientCancelled, (await HttpRig.EndAsync(call)).Error);
        await rig.CallAsync(McpMethod.ToolsList, "");
        Assert.DoesNotContain(upstream.Requests, request => request.RpcMethod == "tools/call");
    }

    [Fact]
    public async Task Question_WhenAskedOnACallsStream_ReachesThatCallAmongSeveralOwners()
    {
        var answers = new Dictionary<string, TaskCompletionSource<string>> { ["a"] = new(), ["b"] = new() };
        await using var upstream = await new LegacyScript
        {
            Call = async (_, context, request) =>
            {
                if (request.RpcMethod == "tools/call")
                {
                    var name = request.Body.Contains("\"name\":\"a\"", StringComparison.Ordinal) ? "a" : "b";
                    await context.StartEventsAsync();
                    await context.EventAsync("{\"jsonrpc\":\"2.0\",\"id\":\"" + name + "\",\"method\":\"elicitation/create\",\"params\":{\"message\":\"for " + name + "\"}}");
                    var content = await Guard.WithinAsync(answers[name].Task, "the answer to the question");
                    await context.EventAsync("{\"jsonrpc\":\"2.0\",\"id\":" + request.Id + ",\"result\":{\"got\":" + content + "}}");
                    return;
                }

                var asked = request.Body.Contains("\"id\":\"a\"", StringComparison.Ordinal) ? "a" : "b";
                answers[asked].SetResult(request.Body[request.Body.IndexOf("\"result\":", StringComparison.Ordinal)..][9..^1]);
                await context.StatusAsync(202);
            },
        }.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);
        var kinds = new ConcurrentQueue<McpMethod>(); // each stream tells of its own question
        rig.Connection.Asked = (_, kind) => kinds.Enqueue(kind);
        var a = rig.Open("owner a");
        var b = rig.Open("owner b");

        rig.Send(a, members: "\"name\":\"a\"");
        rig.Send(b, members: "\"name\":\"b\"");
        foreach (var (call, name) in new[] { (a, "a"), (b, "b") })
        {
            var question = await HttpRig.NextMessageAsync(call);
            Assert.Contains($"for {name}", Encoding.UTF8.GetString(question.Bytes), StringComparison.Ordinal);
            question.Question!.Answer("result"u8, Encoding.UTF8.GetBytes("{\"action\":\"accept\",\"content\":{\"n\":\"" + name + "\"}}"));
        }

        Assert.Contains("{\"n\":\"a\"}", (await HttpRig.EndAsync(a)).Answer, StringComparison.Ordinal);
        Assert.Contains("{\"n\":\"b\"}", (await HttpRig.EndAsync(b)).Answer, StringComparison.Ordinal);
        Assert.Equal([McpMethod.ElicitationCreate, McpMethod.ElicitationCreate], kinds);
    }

    [Fact]
    public async Task Question_WhenItIsAPing_IsAnsweredAtOnce()
    {
        await using var upstream = await new LegacyScript
        {
            Call = async (_, context, request) =>
            {
                if (request.RpcMethod != "tools/call")
                {
                    await context.StatusAsync(202);
                    return;
                }

                await context.StartEventsAsync();
                await context.EventAsync("""{"jsonrpc":"2.0","id":77,"method":"ping"}""");
                await context.EventAsync("{\"jsonrpc\":\"2.0\",\"id\":" + request.Id + ",\"result\":{}}");
            },
        }.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);

        await rig.CallAsync();

        var answer = await upstream.NextAsync(request => request.Body.Contains("\"id\":77", StringComparison.Ordinal), "the answer to the ping");
        Assert.Equal("""{"jsonrpc":"2.0","id":77,"result":{}}""", answer.Body);
    }

    [Fact]
    public async Task Calls_WhenManyRunAtOnce_EachGetsItsOwnAnswer()
    {
        await using var upstream = await ModernScript.StartAsync(async (_, context, request) =>
        {
            var planted = request.Body[(request.Body.IndexOf("\"v\":", StringComparison.Ordinal) + 4)..].Split('}')[0];
            if (int.Parse(planted, System.Globalization.CultureInfo.InvariantCulture) % 2 == 0)
            {
                await context.ResultAsync(request, "{\"v\":" + planted + "}");
                return;
            }

            await context.StartEventsAsync();
            await context.EventAsync("{\"jsonrpc\":\"2.0\",\"id\":" + request.Id + ",\"result\":{\"v\":" + planted + "}}");
        });
        await using var rig = await HttpRig.OpenAsync(upstream);

        var ends = await Task.WhenAll(Enumerable.Range(0, 300).Select(async i => (i, await rig.CallAsync(members: "\"name\":\"t\",\"arguments\":{\"v\":" + i + "}"))));

        Assert.All(ends, end => Assert.Contains($"{{\"v\":{end.i}}}", end.Item2.Answer, StringComparison.Ordinal));
        Assert.Equal(0, rig.Connection.Pending.CountOpen());
    }

    [Fact]
    public async Task Calls_WhenCancelledAtRandomAndUsedAgain_NoMessageMeetsAnother()
    {
        await using var upstream = await new LegacyScript
        {
            Call = async (_, context, request) =>
            {
                if (request.RpcMethod != "tools/call")
                {
                    await context.StatusAsync(202);
                    return;
                }

                await context.StartEventsAsync();
                for (var i = 0; i < 5; i++)
                {
                    await context.EventAsync("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":\"of " + request.Id + "\"}}");
                }

                await context.EventAsync("{\"jsonrpc\":\"2.0\",\"id\":" + request.Id + ",\"result\":{\"of\":" + request.Id + "}}");
            },
        }.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            for (var i = 0; i < 150; i++)
            {
                var call = PooledCall.Rent(owner: $"worker {worker}");
                Assert.True(rig.Connection.TryOpen(call));
                var id = call.UpstreamId;
                rig.Connection.Send(call, ControlRequest.Compose(id, McpMethod.ToolsCall, "\"name\":\"t\""u8, modern: false));
                if (random.Next(3) == 0)
                {
                    await call.WaitAsync();
                    rig.Connection.Cancel(call);
                }

                var end = await HttpRig.EndAsync(call);
                Assert.All(end.Messages, message => Assert.Contains($"of {id}\"", message, StringComparison.Ordinal));
                Assert.True(end.Error == ForwardError.ClientCancelled || end.Answer.Contains($"{{\"of\":{id}}}", StringComparison.Ordinal), end.Detail ?? end.Answer);
            }
        })));

        Assert.Equal(0, rig.Connection.Pending.CountOpen());
    }

    [Fact]
    public async Task Send_WhenTooManyBytesWait_IsRefusedUntilSomeHaveGone()
    {
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await ModernScript.StartAsync(async (_, context, request) =>
        {
            await go.Task;
            await context.ResultAsync(request, "{}");
        });
        await using var rig = await HttpRig.OpenAsync(upstream, new LimitsOptions { BufferedBytesMax = 1024 });
        var padding = "\"name\":\"t\",\"arguments\":{\"a\":\"" + new string('x', 500) + "\"}";
        var first = rig.Open();
        rig.Send(first, members: padding);

        var refused = await rig.CallAsync(members: padding);
        go.SetResult();
        await HttpRig.EndAsync(first);

        Assert.Equal(ForwardError.TooManyCalls, refused.Error);
        Assert.Contains("bufferedBytesMax", refused.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dispose_WhenCallsAreOpen_FailsThemAndEndsTheSession()
    {
        await using var upstream = await new LegacyScript { Call = (self, context, _) => context.HangAsync(self) }.StartAsync();
        var rig = await HttpRig.OpenAsync(upstream);
        var call = rig.Open(new object());
        rig.Send(call);
        await upstream.NextAsync("tools/call");

        await rig.DisposeAsync();

        Assert.Equal(ForwardError.ServerLost, (await HttpRig.EndAsync(call)).Error);
        Assert.Equal("the connection was closed", await rig.Connection.Lost);
        var goodbye = Assert.Single(upstream.Requests, request => request.Method == "DELETE");
        Assert.Equal("s1", goodbye["Mcp-Session-Id"]);
        Assert.False(rig.Connection.TryOpen(UpstreamCall.Create()));
    }

    [Fact]
    public async Task Call_WhenTheServerIsDown_FailsAloneAndTheConnectionStays()
    {
        RawUpstream upstream;
        HttpRig rig;
        await using (upstream = await ModernScript.StartAsync((_, context, request) => context.ResultAsync(request, "{}")))
        {
            rig = await HttpRig.OpenAsync(upstream);
        }

        await using var _ = rig;
        var hints = new List<string>();
        rig.Connection.Unreachable = hints.Add;

        var end = await rig.CallAsync();

        Assert.True(ForwardErrors.IsTransient(end.Error));
        Assert.False(rig.Connection.Lost.IsCompleted);
        Assert.Equal(end.Detail, Assert.Single(hints));
    }

    /// <summary>A call whose object serves again, like those of clients.</summary>
    private sealed class PooledCall : UpstreamCall
    {
        private static readonly ConcurrentBag<PooledCall> s_free = [];

        public static PooledCall Rent(object owner)
        {
            var call = s_free.TryTake(out var used) ? used : new PooledCall();
            call.Reset();
            call.Owner = owner;
            call.CarriesMessages = true;
            return call;
        }

        protected override void Recycle() => s_free.Add(this);
    }

    /// <summary>A call whose turn comes.</summary>
    private sealed class TurnCall : UpstreamCall
    {
        public TurnCall() => Reset();

        protected override void StartQueued() => Connection!.Send(this, ControlRequest.Compose(UpstreamId, McpMethod.ToolsCall, "\"name\":\"t\""u8.ToArray(), true));
    }

    /// <summary>A server whose answers are there before anybody waits for them, as those of a quick one on the same machine may be.</summary>
    private sealed class ReadyHandler : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            // Complete before it returns: memory makes nobody wait.
            using var buffer = new MemoryStream();
            await request.Content!.CopyToAsync(buffer, cancellationToken);
            var sent = new RawRequest("POST", [], Encoding.UTF8.GetString(buffer.ToArray()));
            var members = sent.RpcMethod == "server/discover" ? """ "supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}""" : """ "content":[]""";
            var answer = $$"""{"jsonrpc":"2.0","id":{{sent.Id}},"result":{"resultType":"complete","ttlMs":0,"cacheScope":"private",{{members}} } }""";
            return new HttpResponseMessage { Content = new StringContent(answer, Encoding.UTF8, "application/json") };
        }
    }
}
