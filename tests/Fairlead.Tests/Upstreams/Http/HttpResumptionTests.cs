using Fairlead.TestKit;
using Fairlead.Upstreams;
using Fairlead.Upstreams.Http;

namespace Fairlead.Tests.Upstreams.Http;

/// <summary>Legacy event streams that end before the answer (2025-11-25, resumability and polling).</summary>
public sealed class HttpResumptionTests
{
    [Fact]
    public async Task Stream_WhenTheServerClosesItAfterPriming_IsPolledAfterTheTimeItAskedFor()
    {
        var callId = "";
        await using var upstream = await new LegacyScript
        {
            Call = async (_, context, request) =>
            {
                callId = request.Id;
                await context.StartEventsAsync();
                await context.WriteAsync("id: event-1\nretry: 500\ndata: \n\n");
            },
            Get = async (self, context, request) =>
            {
                if (request["Last-Event-ID"] is null)
                {
                    await context.StatusAsync(405);
                    return;
                }

                await context.StartEventsAsync();
                await context.EventAsync("{\"jsonrpc\":\"2.0\",\"id\":" + callId + ",\"result\":{}}", "event-2");
                await context.HangAsync(self);
            },
        }.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);
        var call = rig.Open(idle: TimeSpan.FromSeconds(30));

        rig.Send(call);
        await rig.Clock.WhenTimerArmedAsync(TimeSpan.FromMilliseconds(500));
        Assert.DoesNotContain(upstream.Requests, request => request["Last-Event-ID"] is not null);
        rig.Clock.Advance(TimeSpan.FromMilliseconds(500));

        Assert.Equal(ForwardError.None, (await HttpRig.EndAsync(call)).Error);
        var resumption = Assert.Single(upstream.Requests, request => request["Last-Event-ID"] is not null);
        Assert.Equal("event-1", resumption["Last-Event-ID"]);
        Assert.Equal("s1", resumption["Mcp-Session-Id"]);
        Assert.Equal("text/event-stream", resumption["Accept"]);
    }

    [Fact]
    public async Task Stream_WhenCutInTheMiddleOfAnEvent_IsResumedAfterTheLastWholeOne()
    {
        var callId = "";
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await new LegacyScript
        {
            Call = async (_, context, request) =>
            {
                callId = request.Id;
                await context.StartEventsAsync();
                await context.EventAsync("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":" + request.Id + ",\"progress\":1}}", "a");
                await context.WriteAsync("id: b\ndata: {\"jsonrpc\":\"2.0\",\"id\":" + request.Id);
                await Guard.WithinAsync(seen.Task, "the arrival of the first event");
                context.Abort();
            },
            Get = async (_, context, request) =>
            {
                if (request["Last-Event-ID"] is null)
                {
                    await context.StatusAsync(405);
                    return;
                }

                await context.StartEventsAsync();
                await context.EventAsync("{\"jsonrpc\":\"2.0\",\"id\":" + callId + ",\"result\":{}}", "b");
            },
        }.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);
        var call = rig.Open();

        rig.Send(call);
        await HttpRig.NextMessageAsync(call);
        seen.SetResult();
        await rig.Clock.WhenTimerArmedAsync(TimeSpan.FromSeconds(1));
        rig.Clock.Advance(TimeSpan.FromSeconds(1));

        var end = await HttpRig.EndAsync(call);
        Assert.Equal(ForwardError.None, end.Error);
        Assert.Empty(end.Messages);
        Assert.Equal("a", upstream.Requests.Single(request => request["Last-Event-ID"] is not null)["Last-Event-ID"]);
    }

    [Fact]
    public async Task Stream_WhenTheServerDoesNotResume_IsLost()
    {
        await using var upstream = await new LegacyScript
        {
            Call = async (_, context, _) =>
            {
                await context.StartEventsAsync();
                await context.WriteAsync("id: 1\nretry: 100\ndata: \n\n");
            },
        }.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);
        var call = rig.Open();

        rig.Send(call);
        await rig.Clock.WhenTimerArmedAsync(TimeSpan.FromMilliseconds(100));
        rig.Clock.Advance(TimeSpan.FromMilliseconds(100));

        var end = await HttpRig.EndAsync(call);
        Assert.Equal(ForwardError.ServerLost, end.Error);
        Assert.Contains("did not resume it (HTTP 405)", end.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stream_WhenResumingBringsNothing_IsGivenUp()
    {
        await using var upstream = await new LegacyScript
        {
            Call = async (_, context, _) =>
            {
                await context.StartEventsAsync();
                await context.WriteAsync("id: 1\nretry: 0\ndata: \n\n");
            },
            Get = (_, context, request) => request["Last-Event-ID"] is null ? context.StatusAsync(405) : context.StatusAsync(503),
        }.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);
        var call = rig.Open();

        rig.Send(call);
        for (var i = 0; i < HttpExchange.FruitlessResumptionsMax; i++)
        {
            await rig.Clock.WhenTimerArmedAsync(TimeSpan.FromMilliseconds(100));
            rig.Clock.Advance(TimeSpan.FromMilliseconds(100));
            await upstream.NextAsync(request => request["Last-Event-ID"] is not null, "a resumption");
        }

        Assert.Equal(ForwardError.ServerLost, (await HttpRig.EndAsync(call)).Error);
    }

    [Fact]
    public async Task Stream_WhenTheServerGaveNoIds_IsLostAtOnce()
    {
        await using var upstream = await new LegacyScript { Call = (_, context, _) => context.AnswerAsync(200, RawAnswers.Events, ": hello\n\n") }.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);

        Assert.Equal(ForwardError.ServerLost, (await rig.CallAsync()).Error);
    }

    [Fact]
    public async Task Stream_WhenItsLastEventHasNoBlankLine_TheAnswerCounts()
    {
        await using var upstream = await new LegacyScript
        {
            Call = (_, context, request) => context.AnswerAsync(200, RawAnswers.Events, "data: {\"jsonrpc\":\"2.0\",\"id\":" + request.Id + ",\"result\":{}}\n"),
        }.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);

        Assert.Equal(ForwardError.None, (await rig.CallAsync()).Error);
    }

    [Fact]
    public async Task Cancel_WhenTheCallWaitsToResume_EndsIt()
    {
        await using var upstream = await new LegacyScript
        {
            Call = async (_, context, _) =>
            {
                await context.StartEventsAsync();
                await context.WriteAsync("id: 1\nretry: 90000\ndata: \n\n");
            },
        }.StartAsync();
        await using var rig = await HttpRig.OpenAsync(upstream);
        var call = rig.Open();
        rig.Send(call);
        await rig.Clock.WhenTimerArmedAsync(TimeSpan.FromSeconds(90));

        rig.Connection.Cancel(call);

        Assert.Equal(ForwardError.ClientCancelled, (await HttpRig.EndAsync(call)).Error);
        await upstream.NextAsync("notifications/cancelled");
    }
}
