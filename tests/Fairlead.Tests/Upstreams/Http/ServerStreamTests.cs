using System.Text;
using Fairlead.TestKit;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Tests.Upstreams.Http;

/// <summary>The GET stream of a legacy session.</summary>
public sealed class ServerStreamTests
{
    [Fact]
    public async Task Open_WhenTheServerHasAStream_IsThereBeforeTheFirstCall()
    {
        await using var upstream = await new LegacyScript
        {
            Call = (_, context, request) => context.ResultAsync(request, "{}"),
            Get = async (self, context, _) =>
            {
                await context.StartEventsAsync();
                await context.HangAsync(self);
            },
        }.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);

        await rig.CallAsync();

        Assert.Equal(["server/discover", "initialize", "notifications/initialized", "", "tools/call"], upstream.Requests.Select(request => request.RpcMethod));
        var get = upstream.Requests.Single(request => request.Method == "GET");
        Assert.Equal("s1", get["Mcp-Session-Id"]);
        Assert.Equal("2025-11-25", get["MCP-Protocol-Version"]);
        Assert.Equal("text/event-stream", get["Accept"]);
        Assert.Null(get["Last-Event-ID"]);
    }

    [Fact]
    public async Task Question_WhenAskedOnTheStream_ReachesTheOnlyOwnerAndItsAnswerIsPosted()
    {
        var question = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var answer = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await new LegacyScript
        {
            Call = async (_, context, request) =>
            {
                if (request.RpcMethod == "tools/call")
                {
                    question.SetResult();
                    await context.ResultAsync(request, await Guard.WithinAsync(answer.Task, "the answer to the question"));
                    return;
                }

                answer.SetResult(request.Body[request.Body.IndexOf("{\"action\"", StringComparison.Ordinal)..^1]);
                await context.StatusAsync(202);
            },
            Get = async (self, context, _) =>
            {
                await context.StartEventsAsync();
                await Guard.WithinAsync(question.Task, "the call");
                await context.EventAsync("""{"method":"elicitation/create","params":{"message":"name?"},"jsonrpc":"2.0","id":0}""");
                await context.HangAsync(self);
            },
        }.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);
        var call = rig.Open(new object());

        rig.Send(call);
        var asked = await HttpRig.NextMessageAsync(call);
        asked.Question!.Answer("result"u8, """{"action":"accept","content":{"a":30,"b":95.5}}"""u8);

        var end = await HttpRig.EndAsync(call);
        Assert.Contains("\"content\":{\"a\":30,\"b\":95.5}", end.Answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Question_WhenCallsOfTwoOwnersAreOpen_IsDeclined()
    {
        var both = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await new LegacyScript
        {
            Call = (self, context, request) => request.RpcMethod == "tools/call" ? context.HangAsync(self) : context.StatusAsync(202),
            Get = async (self, context, _) =>
            {
                await context.StartEventsAsync();
                await both.Task;
                await context.EventAsync("""{"method":"elicitation/create","params":{},"jsonrpc":"2.0","id":5}""");
                await context.HangAsync(self);
            },
        }.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);
        var a = rig.Open("a");
        var b = rig.Open("b");
        rig.Send(a);
        rig.Send(b);

        both.SetResult();

        var declined = await upstream.NextAsync(request => request.Body.Contains("\"id\":5,", StringComparison.Ordinal), "the answer to the question");
        Assert.Contains("{\"action\":\"cancel\"}", declined.Body, StringComparison.Ordinal);
        rig.Connection.Cancel(a);
        rig.Connection.Cancel(b);
        Assert.Empty((await HttpRig.EndAsync(a)).Messages);
        Assert.Empty((await HttpRig.EndAsync(b)).Messages);
    }

    [Fact]
    public async Task Stream_WhenItEnds_IsResumedWhereItWasAfterTheTimeTheServerAskedFor()
    {
        var gets = 0;
        await using var upstream = await new LegacyScript
        {
            Call = (_, context, _) => context.StatusAsync(500),
            Get = async (self, context, _) =>
            {
                await context.StartEventsAsync();
                if (Interlocked.Increment(ref gets) == 1)
                {
                    await context.WriteAsync("retry: 7000\n\n");
                    await context.EventAsync("""{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}""", "e1");
                    return;
                }

                await context.HangAsync(self);
            },
        }.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);

        await rig.Clock.WhenTimerArmedAsync(TimeSpan.FromSeconds(7));
        Assert.Contains("list_changed", Assert.Single(rig.Notifications), StringComparison.Ordinal);
        rig.Clock.Advance(TimeSpan.FromSeconds(7));

        var second = await upstream.NextAsync(request => request["Last-Event-ID"] is not null, "the second GET");
        Assert.Equal("e1", second["Last-Event-ID"]);
    }

    [Fact]
    public async Task Stream_WhenItKeepsFailing_IsTriedAtLongerIntervals()
    {
        await using var upstream = await new LegacyScript { Call = (_, context, request) => context.ResultAsync(request, "{}"), Get = (_, context, _) => context.StatusAsync(503) }.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);

        foreach (var seconds in new[] { 2, 4, 8, 16, 30, 30 })
        {
            await rig.Clock.WhenTimerArmedAsync(TimeSpan.FromSeconds(seconds));
            rig.Clock.Advance(TimeSpan.FromSeconds(seconds));
        }

        Assert.Equal(ForwardError.None, (await rig.CallAsync()).Error);
    }

    [Theory]
    [InlineData(405)]
    [InlineData(404)]
    [InlineData(400)]
    public async Task Stream_WhenTheServerHasNone_IsNotAskedForAgain(int status)
    {
        await using var upstream = await new LegacyScript { Call = (_, context, request) => context.ResultAsync(request, "{}"), Get = (_, context, _) => context.StatusAsync(status) }.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);

        Assert.Equal(ForwardError.None, (await rig.CallAsync()).Error);
        rig.Clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(ForwardError.None, (await rig.CallAsync()).Error);
        Assert.Single(upstream.Requests, request => request.Method == "GET");
        Assert.Single(upstream.Requests, request => request.RpcMethod == "initialize");
    }

    [Fact]
    public async Task Stream_WhenItIsUnknownAfterItWorked_TheSessionIsRenewed()
    {
        var gets = 0;
        var script = new LegacyScript
        {
            Call = (_, context, request) => context.ResultAsync(request, "{}"),
            Get = async (self, context, request) =>
            {
                if (request["Mcp-Session-Id"] == "s1" && Interlocked.Increment(ref gets) == 2)
                {
                    await context.StatusAsync(404);
                    return;
                }

                await context.StartEventsAsync();
                if (request["Mcp-Session-Id"] != "s1")
                {
                    await context.HangAsync(self);
                }
            },
        };
        await using var upstream = await script.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);
        var renewed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        rig.Connection.SessionRenewed = _ => renewed.SetResult();

        await rig.Clock.WhenTimerArmedAsync(TimeSpan.FromSeconds(2));
        rig.Clock.Advance(TimeSpan.FromSeconds(2));

        await Guard.WithinAsync(renewed.Task, "the renewal of the session");
        Assert.Equal(2, script.Sessions);
    }

    [Fact]
    public async Task Open_WhenTheServerHoldsTheHeadBack_GoesOnAfterTwoSeconds()
    {
        await using var upstream = await new LegacyScript
        {
            Call = (_, context, request) => context.ResultAsync(request, "{}"),
            Get = (self, context, _) => context.HangAsync(self),
        }.StartAsync();
        await using var rig = HttpRig.Create(upstream.Url);

        var handshake = rig.HandshakeAsync();
        await upstream.NextAsync(request => request.Method == "GET", "the GET");
        await rig.Clock.WhenTimerArmedAsync(TimeSpan.FromSeconds(2));
        rig.Clock.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(HandshakeOutcome.Ready, (await handshake).Outcome);
        Assert.Equal(ForwardError.None, (await rig.CallAsync()).Error);
    }

    [Fact]
    public async Task Answer_WhenReplayedOnTheStream_EndsItsCall()
    {
        var id = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await new LegacyScript
        {
            Call = async (self, context, request) =>
            {
                id.SetResult(request.Id);
                await context.StartEventsAsync();
                await context.HangAsync(self);
            },
            Get = async (self, context, _) =>
            {
                await context.StartEventsAsync();
                await context.EventAsync("{\"jsonrpc\":\"2.0\",\"id\":" + await id.Task + ",\"result\":{\"replayed\":true}}");
                await context.HangAsync(self);
            },
        }.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);

        var end = await rig.CallAsync();

        Assert.Contains("replayed", end.Answer, StringComparison.Ordinal);
    }
}
