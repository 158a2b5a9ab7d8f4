using System.Net;
using System.Net.Sockets;
using System.Text;
using Fairlead.TestKit;

namespace Fairlead.Measuring.Tests;

public sealed class LoadRunTests
{
    private static readonly LoadPlan s_long = new(TimeSpan.FromHours(1));

    [Fact]
    public async Task Run_WhenTheNumberOfCallsIsGiven_MakesExactlyThatMany()
    {
        var callers = new[] { new CountingCaller(), new CountingCaller(), new CountingCaller() };
        var result = await Guard.WithinAsync(LoadRun.RunAsync(s_long with { CallsMax = 301 }, callers, TimeProvider.System, CancellationToken.None), "301 calls");
        Assert.Equal((301, 0, 0), (result.Calls, result.Errors, result.NotStarted));
        Assert.Equal(301, callers.Sum(static caller => caller.Calls));
        Assert.Equal(3010, result.Bytes);
    }

    [Fact]
    public async Task Run_WhenARateIsGiven_AccountsForEachCallOfTheSchedule()
    {
        var result = await Guard.WithinAsync(
            LoadRun.RunAsync(new LoadPlan(TimeSpan.FromMilliseconds(200), Rate: 1000), [new CountingCaller()], TimeProvider.System, CancellationToken.None), "200 calls");
        Assert.Equal(200, result.Calls + result.NotStarted);
        Assert.True(result.Seconds >= 0.2);
    }

    [Fact]
    public async Task Run_WhenACallerIsLost_EndsWithoutItAndSaysWhy()
    {
        var result = await Guard.WithinAsync(LoadRun.RunAsync(s_long, [new CountingCaller(lostAfter: 5)], TimeProvider.System, CancellationToken.None), "the end of the only caller");
        Assert.Equal((4, 1, "gone"), (result.Calls, result.Errors, result.FirstFault));
    }

    [Fact]
    public async Task Run_WhenAllCallersOfARateAreLost_CountsTheRestAsNotStarted()
    {
        // The rest of the schedule is due when the only caller has made its call.
        var time = new FakeTimeProvider();
        var caller = new CountingCaller(lostAfter: 1, onCall: _ => time.Advance(TimeSpan.FromMilliseconds(50)));
        var result = await Guard.WithinAsync(
            LoadRun.RunAsync(new LoadPlan(TimeSpan.FromMilliseconds(50), Rate: 1000), [caller], time, CancellationToken.None), "the end of the schedule");
        Assert.Equal((0, 1, 49, true), (result.Calls, result.Errors, result.NotStarted, result.MissedRate));
    }

    [Fact]
    public async Task Run_WhenItIsCancelled_EndsWithWhatItHas()
    {
        using var cancel = new CancellationTokenSource();
        var caller = new CountingCaller(onCall: calls =>
        {
            if (calls == 10)
            {
                cancel.Cancel();
            }
        });
        Assert.Equal(10, (await Guard.WithinAsync(LoadRun.RunAsync(s_long, [caller], TimeProvider.System, cancel.Token), "the end")).Calls);
    }

    /// <summary>A server that says it closes is connected to again; one that breaks off costs that call alone.</summary>
    [Fact]
    public async Task HttpCaller_WhenConnectionsEnd_OpensOthers()
    {
        const string Result = "{\"result\":{\"content\":[]},\"jsonrpc\":\"2.0\",\"id\":";
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeAsync(listener, id => [
            $"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {Result.Length + 11}\r\n\r\n{Result}{id}}}",
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"res",
            $"HTTP/1.1 200 OK\r\nContent-Length: {Result.Length + 11}\r\n\r\n{Result}{id}}}",
        ]);
        var target = new LoadTarget(new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/mcp"), LoadEra.Modern, "echo");
        using var caller = await HttpCaller.OpenAsync(target, CancellationToken.None);

        Assert.Null((await caller.CallAsync()).Fault);
        Assert.Contains("in the middle of an answer", (await caller.CallAsync()).Fault, StringComparison.Ordinal);
        Assert.Null((await caller.CallAsync()).Fault);
        await Guard.WithinAsync(serving, "three connections");

        listener.Stop();
        await caller.CallAsync();
        Assert.True((await caller.CallAsync()).IsLost);
        var refused = await Assert.ThrowsAsync<LoadFailedException>(() => HttpCaller.OpenAsync(target, CancellationToken.None));
        Assert.Equal(LoadFault.Unreachable, refused.Fault);
    }

    [Fact]
    public async Task HttpCaller_WhenTheEndpointListsNoTools_ShowsWhatCame()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeAsync(listener, id => [$"HTTP/1.1 200 OK\r\nContent-Length: {34 + id.Length}\r\n\r\n{{\"result\":7,\"jsonrpc\":\"2.0\",\"id\":{id}}}"]);
        using var caller = await HttpCaller.OpenAsync(new LoadTarget(new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/"), LoadEra.Modern, "echo"), CancellationToken.None);
        var refused = await Assert.ThrowsAsync<LoadFailedException>(() => caller.ListToolsAsync(CancellationToken.None));
        Assert.Equal(LoadFault.Refused, refused.Fault);
        Assert.Contains("\"result\":7", refused.Message, StringComparison.Ordinal);
        await Guard.WithinAsync(serving, "the answer");
    }

    /// <summary>It takes connections and never answers, so that only the limit can end the wait.</summary>
    [Fact]
    public async Task HttpCaller_WhenNobodyAnswers_GivesUpAtItsLimit()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var clock = new FakeTimeProvider();
        var target = new LoadTarget(new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/mcp"), LoadEra.Modern, "echo") { StepMax = TimeSpan.FromSeconds(30), Clock = clock };
        using (var caller = await HttpCaller.OpenAsync(target, CancellationToken.None))
        {
            var call = caller.FirstCallAsync(CancellationToken.None);
            clock.Advance(target.StepMax);
            var silent = await Assert.ThrowsAsync<LoadFailedException>(() => Guard.WithinAsync(call, "the limit"));
            Assert.Contains("did not answer within 30 s", silent.Message, StringComparison.Ordinal);
        }

        var handshake = HttpCaller.OpenAsync(target with { Era = LoadEra.Legacy }, CancellationToken.None);
        clock.Advance(target.StepMax);
        Assert.Equal(LoadFault.Unreachable, (await Assert.ThrowsAsync<LoadFailedException>(() => Guard.WithinAsync(handshake, "the limit"))).Fault);

        using var cancel = new CancellationTokenSource();
        var listed = (await HttpCaller.OpenAsync(target with { StepMax = TimeSpan.FromHours(1) }, CancellationToken.None)).ListToolsAsync(cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Guard.WithinAsync(listed, "the end of a wait that was cancelled"));
    }

    /// <summary>One connection for each answer; closes it afterwards.</summary>
    private static async Task ServeAsync(TcpListener listener, Func<string, string[]> answers)
    {
        for (var i = 0; i < answers("").Length; i++)
        {
            using var socket = await listener.AcceptSocketAsync();
            var buffer = new byte[16 * 1024];
            var text = "";
            while (!text.Contains("}}}", StringComparison.Ordinal))
            {
                text += Encoding.UTF8.GetString(buffer, 0, await socket.ReceiveAsync(buffer));
            }

            var at = text.IndexOf("\"id\":", StringComparison.Ordinal) + 5;
            await socket.SendAsync(Encoding.UTF8.GetBytes(answers(text.Substring(at, McpRequest.IdDigits))[i]));
            socket.Shutdown(SocketShutdown.Both);
        }
    }

    /// <summary>A caller without a wire: what is tested is the loop around it.</summary>
    private sealed class CountingCaller(int lostAfter = int.MaxValue, Action<int>? onCall = null) : ILoadCaller
    {
        public int Calls { get; private set; }

        public async ValueTask<CallOutcome> CallAsync()
        {
            await Task.Yield();
            Calls++;
            onCall?.Invoke(Calls);
            return Calls >= lostAfter ? new CallOutcome(0, "gone", IsLost: true) : new CallOutcome(10, null);
        }

        public void Dispose()
        {
            // It holds nothing.
        }
    }
}
