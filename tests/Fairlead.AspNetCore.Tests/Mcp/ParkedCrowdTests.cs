using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Upstreams.Http;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>A thousand parked calls at once, of many clients, over a legacy Streamable HTTP server; handles that are no good meanwhile; half of the clients never come back.</summary>
public sealed class ParkedCrowdTests
{
    private const int Calls = 1_000;
    private const int Owners = 20;

    private static readonly TimeSpan s_together = TimeSpan.FromMilliseconds(20);

    [Fact]
    public async Task ParkedCalls_WhenThereAreAThousand_EachOwnerGetsItsOwnAndNothingIsLeft()
    {
        var clock = new FakeTimeProvider();
        var server = new AskingServer();
        await using var upstream = await server.StartAsync();
        var options = new FairleadOptions { Servers = { new ServerConfig { Name = "s", Url = upstream.Url, HealthCheck = { Kind = HealthCheckKind.None } } } };
        (options.Limits.ParkedMax, options.Limits.ParkedPerPrincipalMax) = (Calls, Calls);
        await using var host = await FrontHost.StartAsync(options, timeProvider: clock);
        var clients = Enumerable.Range(0, Owners).Select(i => new ModernClient(host, "/mcp/s", name: $"owner-{i}")).ToArray();

        // 1. A thousand calls, each with a question of its own.
        var asked = await RunAsync(clock, Enumerable.Range(0, Calls).Select(i => AskAsync(i)));
        Assert.Equal(Calls, ParkTests.Parked(host).Count);
        Assert.All(asked, static one => Assert.Equal($"for {one.Number}", one.Question));

        // 2. As many handles that are no good: of another call, tampered with, of nobody.
        var bad = await RunAsync(clock, Enumerable.Range(0, Calls).Select(i => ForgeAsync(i)));
        Assert.All(bad, static code => Assert.Equal(-32602, code));
        Assert.Equal(Calls, ParkTests.Parked(host).Count);
        Assert.Empty(server.Answers);

        // 3. Half of them are answered; each gets what its own user said. Their handles are spent then.
        var answered = await RunAsync(clock, asked.Where(static one => one.Number % 2 == 0).Select(AnswerAsync));
        Assert.All(answered, static one => Assert.Equal($"user of {one.Number}", one.Text));
        Assert.Equal(Calls / 2, server.Answers.Count);
        var replayed = await RunAsync(clock, asked.Where(static one => one.Number % 2 == 0).Select(one => RefuseAsync(one.Number, one.State)));
        Assert.All(replayed, static code => Assert.Equal(-32602, code));
        Assert.Equal(Calls / 2, ParkTests.Parked(host).Count);

        // 4. Nobody comes back for the others. In small steps at the end: what is posted to the server must not be past its own time-out at once.
        clock.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromSeconds(20));
        for (var i = 0; i < 25; i++)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
        }

        await Guard.WithinAsync(server.WhenCancelledAsync(Calls / 2), "the server to be told that the other half is given up");
        Assert.Equal(0, ParkTests.Parked(host).Count);
        Assert.True(host.Manager.Fleet.TryGet("s", out var cell));
        Assert.Equal(0, cell.Current.Shared!.Pending.CountOpen());

        async Task<(int Number, string State, string Question)> AskAsync(int number)
        {
            var (questions, state) = await clients[number % Owners].AskedAsync("ask", arguments: Arguments(number));
            return (number, state, questions.EnumerateObject().Single().Value.GetProperty("params").GetProperty("message").GetString()!);
        }

        async Task<int> ForgeAsync(int number)
        {
            var (other, state, _) = asked[(number + 1) % Calls];
            var forged = (number % 3) switch
            {
                0 => state,
                1 => state[..^9] + (state[^9] == 'A' ? 'B' : 'A') + state[^8..],
                _ => $"\"fairlead-park.1.{new string('A', state.Length - 18)}\"",
            };
            Assert.NotEqual(number, other);
            return await RefuseAsync(number, forged);
        }

        async Task<int> RefuseAsync(int number, string state)
        {
            var (status, answer) = await clients[number % Owners].CallAsync("ask", ModernClient.Round(state, """{"q1":{"action":"accept","content":{"who":"evil"}}}"""), Arguments(number));
            Assert.Equal(HttpStatusCode.OK, status);
            return answer.GetProperty("error").GetProperty("code").GetInt32();
        }

        async Task<(int Number, string Text)> AnswerAsync((int Number, string State, string Question) one)
        {
            var response = "{\"q1\":{\"action\":\"accept\",\"content\":{\"who\":\"user of " + one.Number + "\"}}}";
            var (_, answer) = await clients[one.Number % Owners].CallAsync("ask", ModernClient.Round(one.State, response), Arguments(one.Number));
            return (one.Number, answer.GetProperty("result").GetProperty("content")[0].GetProperty("text").GetString()!);
        }
    }

    private static string Arguments(int number) => $$"""{"n":{{number}}}""";

    /// <summary>Runs calls at once and lets the time pass in which questions are gathered.</summary>
    private static async Task<List<T>> RunAsync<T>(FakeTimeProvider clock, IEnumerable<Task<T>> calls)
    {
        var all = Task.WhenAll(calls);
        while (!all.IsCompleted)
        {
            var armed = clock.WhenTimerDueWithinAsync(s_together);
            await Guard.WithinAsync(Task.WhenAny(all, armed), "calls, or one that gathers questions");
            if (armed.IsCompleted)
            {
                clock.Advance(s_together);
            }
        }

        return [.. await all];
    }

    /// <summary>A legacy server with the tool <c>ask</c>: it asks on the call's own stream and answers with what it was told.</summary>
    private sealed class AskingServer
    {
        private readonly ConcurrentDictionary<string, TaskCompletionSource<string>> _asked = new(StringComparer.Ordinal);
        private readonly TaskCompletionSource _enough = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _cancelled;
        private int _wanted = int.MaxValue;

        /// <summary>What was answered to questions.</summary>
        public ConcurrentQueue<string> Answers { get; } = new();

        public Task<RawUpstream> StartAsync() => new LegacyScript { Call = CallAsync }.StartAsync();

        public Task WhenCancelledAsync(int count)
        {
            Volatile.Write(ref _wanted, count);
            if (Volatile.Read(ref _cancelled) >= count)
            {
                _enough.TrySetResult();
            }

            return _enough.Task;
        }

        private async Task CallAsync(RawUpstream upstream, HttpContext context, RawRequest request)
        {
            var body = JsonDocument.Parse(request.Body).RootElement;
            switch (request.RpcMethod)
            {
                case "tools/list":
                    await context.ResultAsync(request, """{"tools":[{"name":"ask","inputSchema":{"type":"object"}}]}""");
                    break;
                case "tools/call":
                    await AskAsync(upstream, context, request, body.GetProperty("params").GetProperty("arguments").GetProperty("n").GetInt32());
                    break;
                case "notifications/cancelled":
                    await context.StatusAsync(202);
                    if (Interlocked.Increment(ref _cancelled) >= Volatile.Read(ref _wanted))
                    {
                        _enough.TrySetResult();
                    }

                    break;
                case "" when body.TryGetProperty("result", out var result):
                    await context.StatusAsync(202);
                    if (result.GetProperty("action").GetString() == "accept")
                    {
                        var who = result.GetProperty("content").GetProperty("who").GetString()!;
                        Answers.Enqueue(who);
                        _asked[body.GetProperty("id").GetRawText()].TrySetResult(who);
                    }

                    break;
                default:
                    await context.ErrorAsync(request, """{"code":-32601,"message":"Method not found"}""");
                    break;
            }
        }

        private async Task AskAsync(RawUpstream upstream, HttpContext context, RawRequest request, int number)
        {
            var told = _asked[$"{number}"] = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            await context.StartEventsAsync();
            await context.EventAsync("{\"jsonrpc\":\"2.0\",\"id\":" + number + ",\"method\":\"elicitation/create\",\"params\":{\"message\":\"for " + number + "\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{\"who\":{\"type\":\"string\"}}}}}");
            using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, upstream.Closing);
            await told.Task.WaitAsync(either.Token).ContinueWith(static _ => { }, TaskScheduler.Default);
            if (told.Task.IsCompletedSuccessfully)
            {
                await context.EventAsync($$$"""{"result":{"content":[{"type":"text","text":"{{{await told.Task}}}"}]},"jsonrpc":"2.0","id":{{{request.Id}}}}""");
            }
        }
    }
}
