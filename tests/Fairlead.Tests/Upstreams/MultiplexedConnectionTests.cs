using System.Text;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Upstreams.Http;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Tests.Upstreams;

/// <summary>One pair of streams for all calls.</summary>
public sealed class MultiplexedConnectionTests
{
    private const string Progress = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":ID,\"progress\":1}}\n";

    [Fact]
    public async Task Answers_WhenOutOfOrder_FindTheirCalls()
    {
        await using var server = new PipeServer();
        var first = server.Call();
        var second = server.Call();

        await server.AnswerAsync(second, "{\"n\":2}");
        await server.AnswerAsync(first, "{\"n\":1}");

        Assert.Contains("{\"n\":1}", (await HttpRig.EndAsync(first)).Answer, StringComparison.Ordinal);
        Assert.Contains("{\"n\":2}", (await HttpRig.EndAsync(second)).Answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lines_WhenTheServerIsSloppy_AreUnderstood()
    {
        await using var server = new PipeServer();
        var call = server.Call();

        await server.WriteAsync("\uFEFF\r\n\r\nserver listening on stdio\r\n  {\"jsonrpc\":\"2.0\",\"id\":" + call.UpstreamId + ",\"result\":{}}\r\n");

        Assert.Equal(ForwardError.None, (await HttpRig.EndAsync(call)).Error);
        Assert.Equal(1, server.Connection.JunkLines);
    }

    [Fact]
    public async Task Lines_WhenCutAtEveryByte_AreWhole()
    {
        await using var server = new PipeServer();
        var call = server.Call();

        foreach (var value in Progress.Replace("ID", $"{call.UpstreamId}", StringComparison.Ordinal) + "{\"id\":" + call.UpstreamId + ",\"result\":{\"t\":\"abc\"},\"jsonrpc\":\"2.0\"}\n")
        {
            await server.WriteAsync(value.ToString());
        }

        var end = await HttpRig.EndAsync(call);
        Assert.Single(end.Messages);
        Assert.Contains("{\"t\":\"abc\"}", end.Answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Line_WhenItIsABatch_EachElementCounts()
    {
        await using var server = new PipeServer();
        var first = server.Call();
        var second = server.Call();

        await server.WriteAsync($"[{{\"jsonrpc\":\"2.0\",\"id\":{first.UpstreamId},\"result\":{{}}}},{{\"jsonrpc\":\"2.0\",\"id\":{second.UpstreamId},\"result\":{{}}}}]\n");

        Assert.Equal(ForwardError.None, (await HttpRig.EndAsync(first)).Error);
        Assert.Equal(ForwardError.None, (await HttpRig.EndAsync(second)).Error);
    }

    [Fact]
    public async Task Answer_WhenTooLarge_FailsItsCallAndTheNextWorks()
    {
        await using var server = new PipeServer(new LimitsOptions { UpstreamMessageBytesMax = 1024 });
        var large = server.Call();
        var small = server.Call();

        await server.AnswerAsync(large, "\"" + new string('x', 3000) + "\"");
        await server.AnswerAsync(small);

        var end = await HttpRig.EndAsync(large);
        Assert.Equal(ForwardError.AnswerTooLarge, end.Error);
        Assert.Contains("upstreamMessageBytesMax is 1024", end.Detail, StringComparison.Ordinal);
        Assert.Equal(ForwardError.None, (await HttpRig.EndAsync(small)).Error);
    }

    [Fact]
    public async Task Line_WhenItNeverEnds_LosesTheConnection()
    {
        await using var server = new PipeServer(new LimitsOptions { UpstreamMessageBytesMax = 100_000 });
        var call = server.Call();

        // The reader gives up in the middle: the pipe is not drained any more.
        var writing = server.WriteAsync(new string('x', 1_000_000));

        Assert.Equal(ForwardError.ServerLost, (await HttpRig.EndAsync(call)).Error);
        Assert.Contains("line without end", await Guard.WithinAsync(server.Connection.Lost, "the end of the connection"), StringComparison.Ordinal);
        await server.Connection.DisposeAsync();
        await Guard.WithinAsync(writing, "the server's write");
    }

    [Fact]
    public async Task Line_WhenItNeverEndsBeforeTheHandshake_IsGivenUpAfterOneMebibyte()
    {
        await using var server = new PipeServer();

        var writing = server.WriteAsync(new string(' ', 3 * 1024 * 1024));

        Assert.Contains(
            "a line without end (more than 1048576 bytes) instead of an answer to its handshake",
            await Guard.WithinAsync(server.Connection.Lost, "the end of the connection"), StringComparison.Ordinal);
        await server.Connection.DisposeAsync();
        await Guard.WithinAsync(writing, "the server's write");
    }

    [Theory]
    [InlineData("{\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":{},\"error\":{}}\n")]
    [InlineData("{\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":{},\"result\":{}}\n")]
    public async Task Answer_WhenItIsNotValid_FailsItsCallAtOnce(string line)
    {
        await using var server = new PipeServer();
        var call = server.Call();

        await server.WriteAsync(line.Replace("ID", $"{call.UpstreamId}", StringComparison.Ordinal));

        Assert.Equal(ForwardError.AnswerInvalid, (await HttpRig.EndAsync(call)).Error);
    }

    [Fact]
    public async Task Answer_WhenLateOrInvented_IsCountedAndMeetsNobody()
    {
        await using var server = new PipeServer();
        var call = server.Call();
        var id = call.UpstreamId;
        server.Connection.Cancel(call);
        await HttpRig.EndAsync(call);
        var next = server.Call();

        await server.WriteAsync($"{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"of\":\"the dead\"}}}}\n{{\"jsonrpc\":\"2.0\",\"id\":\"{next.UpstreamId}\",\"result\":{{}}}}\n");
        await server.AnswerAsync(next, "{\"of\":\"the living\"}");

        Assert.NotEqual(id, next.UpstreamId);
        Assert.Contains("the living", (await HttpRig.EndAsync(next)).Answer, StringComparison.Ordinal);
        Assert.Equal(2, server.Connection.LateAnswers);
    }

    [Fact]
    public async Task Cancel_WhenTheCallIsOpen_TellsTheServerOnce()
    {
        await using var server = new PipeServer();
        var call = server.Call(new object());
        var id = call.UpstreamId;
        await server.ReadAsync();

        server.Connection.Cancel(call);

        Assert.Equal(ForwardError.ClientCancelled, (await HttpRig.EndAsync(call)).Error);
        Assert.Contains($"\"method\":\"notifications/cancelled\",\"params\":{{\"requestId\":{id},", await server.ReadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancel_WhenItIsInitialize_TellsNobody()
    {
        await using var server = new PipeServer();
        var initialize = server.Call(isInitialize: true, method: McpMethod.Initialize);
        await server.ReadAsync();

        server.Connection.Cancel(initialize);
        await HttpRig.EndAsync(initialize);
        server.Call();

        Assert.Contains("tools/call", await server.ReadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deadline_WhenProgressComes_MovesTheIdleOneButNotTheHardOne()
    {
        await using var server = new PipeServer();
        var call = server.Call(idle: TimeSpan.FromSeconds(30), hard: TimeSpan.FromSeconds(50));
        var progress = Progress.Replace("ID", $"{call.UpstreamId}", StringComparison.Ordinal);

        server.Clock.Advance(TimeSpan.FromSeconds(29));
        await server.WriteAsync(progress);
        await HttpRig.NextMessageAsync(call);
        server.Clock.Advance(TimeSpan.FromSeconds(20));
        Assert.False(call.IsComplete);
        server.Clock.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(ForwardError.ServerTimedOutHard, (await HttpRig.EndAsync(call)).Error);
        await server.ReadUntilAsync("notifications/cancelled");
    }

    [Fact]
    public async Task Deadline_WhenTheServerIsSilent_EndsTheCall()
    {
        await using var server = new PipeServer();
        var call = server.Call(idle: TimeSpan.FromSeconds(30));

        server.Clock.Advance(TimeSpan.FromSeconds(31));

        Assert.Equal(ForwardError.ServerTimedOut, (await HttpRig.EndAsync(call)).Error);
    }

    [Fact]
    public async Task Deadline_WhenTheServerAsksForEverAndIsDeclined_EndsTheCallAllTheSame()
    {
        await using var server = new PipeServer();
        var calls = new[] { server.Call("a", idle: TimeSpan.FromSeconds(30)), server.Call("b", idle: TimeSpan.FromSeconds(30)) };

        for (var i = 0; i < 31; i++)
        {
            await server.WriteAsync("{\"jsonrpc\":\"2.0\",\"id\":\"q" + i + "\",\"method\":\"elicitation/create\",\"params\":{}}\n");
            await server.ReadUntilAsync($"\"q{i}\"");
            server.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(ForwardError.ServerTimedOut, (await HttpRig.EndAsync(calls[0])).Error);
        Assert.Equal(ForwardError.ServerTimedOut, (await HttpRig.EndAsync(calls[1])).Error);
    }

    [Fact]
    public async Task Deadline_WhenAClientIsAsked_LeavesOutTheTimeThatItTakesAndNoMore()
    {
        await using var server = new PipeServer();
        var owner = new object();
        var other = server.Call(owner, idle: TimeSpan.FromSeconds(30));
        server.Clock.Advance(TimeSpan.FromSeconds(20));
        var asking = server.Call(owner);
        await server.WriteAsync("{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"elicitation/create\",\"params\":{}}\n");
        var question = (await HttpRig.NextMessageAsync(asking)).Question!;
        question.NoteAsked();

        server.Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.False(other.IsComplete);
        question.Decline();
        server.Clock.Advance(TimeSpan.FromSeconds(9));
        Assert.False(other.IsComplete);
        server.Clock.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(ForwardError.ServerTimedOut, (await HttpRig.EndAsync(other)).Error);
    }

    [Fact]
    public async Task Question_WhenAllCallsAreOfOneOwner_GoesToTheNewest()
    {
        await using var server = new PipeServer();
        var owner = new object();
        server.Call(owner);
        server.Clock.Advance(TimeSpan.FromMilliseconds(1));
        var newest = server.Call(owner);

        await server.WriteAsync("{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"sampling/createMessage\",\"params\":{}}\n");
        var question = await HttpRig.NextMessageAsync(newest);
        question.Question!.Answer("result"u8, "{\n\"role\":\"assistant\"}"u8);

        Assert.Equal("{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{ \"role\":\"assistant\"}}", await server.ReadUntilAsync("\"result\""));
    }

    [Fact]
    public async Task Question_WhenCallsOfTwoOwnersAreOpen_IsDeclined()
    {
        await using var server = new PipeServer();
        var calls = new[] { server.Call("a"), server.Call("b") };

        await server.WriteAsync("{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"elicitation/create\",\"params\":{}}\n");

        Assert.Equal("{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"result\":{\"action\":\"cancel\"}}", await server.ReadUntilAsync("\"q\""));
        Assert.All(calls, call => Assert.False(call.TryReadMessage(out _)));
    }

    [Fact]
    public async Task Question_WhenAnotherOwnersCallWasJustGivenUp_IsDeclined()
    {
        await using var server = new PipeServer();
        var given = server.Call("a");
        server.Connection.Cancel(given);
        await HttpRig.EndAsync(given);
        var call = server.Call("b");

        await server.WriteAsync("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"elicitation/create\",\"params\":{}}\n");

        await server.ReadUntilAsync("{\"action\":\"cancel\"}");
        Assert.False(call.TryReadMessage(out _));
    }

    [Theory]
    [InlineData("ping", "\"result\":{}")]
    [InlineData("roots/list", "\"result\":{\"roots\":[]}")]
    [InlineData("sampling/createMessage", "\"error\":{\"code\":-32601")]
    [InlineData("tasks/get", "\"error\":{\"code\":-32601")]
    [InlineData("something/else", "\"error\":{\"code\":-32601")]
    public async Task Question_WhenNobodyIsThere_IsAnsweredAllTheSame(string method, string answer)
    {
        await using var server = new PipeServer();

        await server.WriteAsync("{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"" + method + "\"}\n");

        Assert.Contains(answer, await server.ReadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Notification_WhenItBelongsToNoCall_IsToldToTheConnection()
    {
        await using var server = new PipeServer();

        await server.WriteAsync("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n");
        await server.ReadAsync();

        Assert.Contains("list_changed", Assert.Single(server.Notifications), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":ID,\"progress\":1}}", "more than 10 notifications of progress a second for a call")]
    [InlineData("{\"jsonrpc\":\"2.0\",\"id\":77,\"result\":{}}", "more than 10 answers a second that nobody waits for")]
    public async Task Messages_WhenTheyFloodBesideTheAnswer_PauseTheReader(string message, string reason)
    {
        await using var server = new PipeServer(new LimitsOptions { NotificationsPerSecondMax = 10 });
        var call = server.Call();
        var line = message.Replace("ID", $"{call.UpstreamId}", StringComparison.Ordinal) + "\n";

        await server.WriteAsync(string.Concat(Enumerable.Repeat(line, 50)));
        await server.Clock.WhenTimerArmedAsync(TimeSpan.FromSeconds(1));
        Assert.Contains(reason, server.Connection.FloodReason, StringComparison.Ordinal);
        await server.AnswerAsync(call);
        server.Clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(ForwardError.None, (await HttpRig.EndAsync(call)).Error);
    }

    [Fact]
    public async Task Messages_OfManyCallsAtATime_AreNoFlood()
    {
        await using var server = new PipeServer(new LimitsOptions { NotificationsPerSecondMax = 10 });
        var calls = Enumerable.Range(0, 10).Select(_ => server.Call()).ToArray();
        var given = Enumerable.Range(0, 20).Select(_ => server.Call()).ToArray();
        foreach (var call in given)
        {
            server.Connection.Cancel(call);
            Assert.Equal(ForwardError.ClientCancelled, (await HttpRig.EndAsync(call)).Error);
        }

        // 9 of progress for each call, and the late answers of those that were given up.
        await server.WriteAsync(string.Concat(calls.SelectMany(static call => Enumerable.Repeat(Progress.Replace("ID", $"{call.UpstreamId}", StringComparison.Ordinal), 9))));
        await server.WriteAsync(string.Concat(given.Select(static call => "{\"jsonrpc\":\"2.0\",\"id\":" + call.UpstreamId + ",\"result\":{}}\n")));
        await server.AnswerAsync(calls[0]);

        Assert.Equal(ForwardError.None, (await HttpRig.EndAsync(calls[0])).Error);
        Assert.Null(server.Connection.FloodReason);
        Assert.Equal(20, server.Connection.LateAnswers);
    }

    [Fact]
    public async Task Notifications_WhenFlooding_PauseTheReader()
    {
        await using var server = new PipeServer(new LimitsOptions { NotificationsPerSecondMax = 10 });
        var flood = new StringBuilder();
        for (var i = 0; i < 50; i++)
        {
            flood.Append("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n");
        }

        await server.WriteAsync(flood.ToString());
        await server.Clock.WhenTimerArmedAsync(TimeSpan.FromSeconds(1));
        Assert.Contains("more than 10 notifications a second", server.Connection.FloodReason, StringComparison.Ordinal);
        var call = server.Call();
        await server.AnswerAsync(call);
        server.Clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(ForwardError.None, (await HttpRig.EndAsync(call)).Error);
    }

    [Fact]
    public async Task Requests_WhenFlooding_PauseTheReader()
    {
        await using var server = new PipeServer(new LimitsOptions { NotificationsPerSecondMax = 10 });
        var flood = new StringBuilder();
        for (var i = 0; i < 50; i++)
        {
            flood.Append("{\"jsonrpc\":\"2.0\",\"id\":").Append(i).Append(",\"method\":\"ping\"}\n");
        }

        await server.WriteAsync(flood.ToString());
        await server.Clock.WhenTimerArmedAsync(TimeSpan.FromSeconds(1));

        Assert.Contains("more than 10 requests a second", server.Connection.FloodReason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answer_WhenNestedDeeperThanJsonDepthMax_FailsItsCallAndTheNextIsServed()
    {
        await using var server = new PipeServer(new LimitsOptions { JsonDepthMax = 8 });
        var deep = server.Call();
        await server.AnswerAsync(deep, "{\"a\":[[[[[[[[1]]]]]]]]}");
        var flat = server.Call();
        await server.AnswerAsync(flat);

        Assert.Equal(ForwardError.AnswerInvalid, (await HttpRig.EndAsync(deep)).Error);
        Assert.Equal(ForwardError.None, (await HttpRig.EndAsync(flat)).Error);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Connection_WhenTheServerClosesAStream_IsLostWithAllCalls(bool output)
    {
        await using var server = new PipeServer();
        var call = server.Call();
        await server.ReadAsync();

        await (output ? server.CloseOutputAsync() : server.CloseInputAsync());
        var second = output ? call : server.Call();

        Assert.Equal(ForwardError.ServerLost, (await HttpRig.EndAsync(second)).Error);
        await Guard.WithinAsync(server.Connection.Lost, "the end of the connection");
        Assert.False(server.Connection.TryOpen(UpstreamCall.Create()));
    }

    [Fact]
    public async Task Calls_WhenManyAreCancelledAtRandom_NoneGetsAnothersAnswer()
    {
        await using var server = new PipeServer();
        var serving = ServeAsync(server);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            for (var i = 0; i < 2000; i++)
            {
                var call = server.Call(new object());
                var id = call.UpstreamId;
                if (random.Next(4) == 0)
                {
                    server.Connection.Cancel(call);
                }

                var end = await HttpRig.EndAsync(call);
                Assert.True(end.Error == ForwardError.ClientCancelled || end.Answer.Contains($"{{\"echo\":\"{id}\"}}", StringComparison.Ordinal), end.Answer);
            }
        })));

        Assert.Equal(0, server.Connection.Pending.CountOpen());
        await server.CloseOutputAsync();
        await server.Connection.DisposeAsync();
        await Guard.WithinAsync(serving, "the server's end");
    }

    private static async Task ServeAsync(PipeServer server)
    {
        try
        {
            while (true)
            {
                var line = await server.ReadAsync();
                if (line.Contains("tools/call", StringComparison.Ordinal))
                {
                    var id = line["{\"jsonrpc\":\"2.0\",\"id\":".Length..line.IndexOf(",\"method\"", StringComparison.Ordinal)];
                    await server.WriteAsync("{\"result\":{\"echo\":\"" + id + "\"},\"jsonrpc\":\"2.0\",\"id\":" + id + "}\n");
                }
            }
        }
        catch (EndOfStreamException)
        {
            // The test has closed the connection.
        }
        catch (InvalidOperationException)
        {
            // The same, while an answer was being written.
        }
    }
}
