using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Upstreams.Http;
using Fairlead.Upstreams;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Tests.Upstreams;

/// <summary>The bound over all large answers (<c>bufferedBytesTotalMax</c>): the call that would exceed it fails and says so, others go on.</summary>
public sealed class BufferBudgetTests
{
    private const int MiB = 1024 * 1024;

    [Theory]
    [InlineData("json")]
    [InlineData("chunked")]
    [InlineData("sse")]
    public async Task Answer_WhenThereIsNoRoomForIt_FailsAloneUntilThereIs(string answers)
    {
        await using var upstream = await ModernScript.StartAsync((_, context, request) => AnswerAsync(context, request, answers));
        await using var rig = await HttpRig.OpenAsync(upstream, new LimitsOptions { BufferedBytesTotalMax = 5 * MiB });
        var held = rig.Open();
        rig.Send(held, members: "\"name\":\"large\"");
        await Guard.WithinAsync(WhenCompleteAsync(held), "a large answer");
        Assert.Equal(ForwardError.None, held.Error);

        var refused = await rig.CallAsync(members: "\"name\":\"large\"");
        var small = await rig.CallAsync(members: "\"name\":\"small\"");

        Assert.Equal(ForwardError.BuffersFull, refused.Error);
        Assert.Contains("bufferedBytesTotalMax is 5242880", refused.Detail, StringComparison.Ordinal);
        Assert.Equal(ForwardError.None, small.Error);
        held.Release();
        await Guard.WithinAsync(WhenEmptyAsync(rig), "the room of the first answer to be free");
        Assert.Equal(ForwardError.None, (await rig.CallAsync(members: "\"name\":\"large\"")).Error);
        await Guard.WithinAsync(WhenEmptyAsync(rig), "the room of the last answer to be free");
    }

    [Fact]
    public async Task Answer_OverAPipe_TakesItsRoomAndGivesItBack()
    {
        await using var server = new PipeServer(new LimitsOptions { BufferedBytesTotalMax = 5 * MiB });
        var calls = new UpstreamCall[2];
        for (var i = 0; i < calls.Length; i++)
        {
            calls[i] = server.Call();
            await server.AnswerAsync(calls[i], "\"" + new string('x', 3 * MiB) + "\"");
            await Guard.WithinAsync(WhenCompleteAsync(calls[i]), "a large answer");
        }

        Assert.Equal([ForwardError.None, ForwardError.BuffersFull], calls.Select(static call => call.Error));
        foreach (var call in calls)
        {
            call.Release();
        }

        Assert.Equal(0, server.Connection.Buffers.Held);
    }

    // The exchange with the server keeps a call for a moment after its end.
    private static async Task WhenEmptyAsync(HttpRig rig)
    {
        while (rig.Connection.Buffers.Held != 0)
        {
            await Task.Yield();
        }
    }

    private static async Task WhenCompleteAsync(UpstreamCall call)
    {
        while (!call.IsComplete)
        {
            await call.WaitAsync();
        }
    }

    private static async Task AnswerAsync(HttpContext context, RawRequest request, string answers)
    {
        var text = "{\"jsonrpc\":\"2.0\",\"id\":" + request.Id + ",\"result\":{\"content\":[],\"x\":\"" + new string('x', request.Body.Contains("large", StringComparison.Ordinal) ? 3 * MiB : 10) + "\"}}";
        switch (answers)
        {
            case "json":
                await context.JsonAsync(text);
                break;
            case "chunked":
                context.Response.ContentType = "application/json";
                await context.WriteAsync(text);
                break;
            default:
                await context.StartEventsAsync();
                await context.EventAsync(text);
                break;
        }
    }
}
