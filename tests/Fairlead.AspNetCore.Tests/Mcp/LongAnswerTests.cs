using System.Net;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.TestKit;
using Fairlead.Tests.Upstreams.Http;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>Answers too long to hold (docs/adr/0006): they pass while they come, whole or not at all.</summary>
public sealed class LongAnswerTests
{
    private const int Bytes = 5_000_000;
    private const int LookBytes = 1024 * 1024;

    [Theory]
    [InlineData("modern", "modern", false, false)]
    [InlineData("modern", "modern", true, true)]
    [InlineData("modern", "legacy", false, true)]
    [InlineData("modern", "legacy", true, false)]
    [InlineData("legacy", "modern", false, false)]
    [InlineData("legacy", "modern", true, true)]
    [InlineData("legacy", "legacy", false, true)]
    [InlineData("legacy", "legacy", true, false)]
    public async Task Call_WhenTheAnswerIsLong_ItsClientReadsEveryByteOfItInItsEra(string server, string client, bool isStream, bool idFirst)
    {
        await using var upstream = await LongUpstream.StartAsync(server, (_, context, request) =>
            LongUpstream.AnswerAsync(context, request, isStream, server == "modern" ? "\"resultType\":\"complete\"," : "", Bytes, idFirst));
        await using var host = await HostAsync(upstream);

        var body = EventStream.LastMessage(await Guard.WithinAsync(CallAsync(host, client), "a long answer"));

        // Not the text alone: the raw token, byte for byte.
        Assert.True(body.Contains("\"text\":\"" + LongUpstream.Text(Bytes) + "\"", StringComparison.Ordinal));
        using var answer = JsonDocument.Parse(body);
        Assert.Equal("c", answer.RootElement.GetProperty("id").GetString());
        Assert.Equal(client == "modern", answer.RootElement.GetProperty("result").TryGetProperty("resultType", out var type) && type.GetString() == "complete");
        await AssertCountedAsync(host, failures: 0);
    }

    [Theory]
    [InlineData("json")]
    [InlineData("sse")]
    public async Task Call_WhenTheServerGoesInTheMiddle_ItsClientSeesABrokenConnection(string answers)
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await LongUpstream.StartAsync("modern", async (_, context, request) =>
        {
            await BeginLongAsync(context, request, answers == "sse");
            await gate.Task;
            context.Abort();
        });
        await using var host = await HostAsync(upstream);
        using var response = await BeginAsync(host);

        gate.SetResult();

        await AssertCutAsync(response);
        await AssertCountedAsync(host, failures: 1);
    }

    [Theory]
    [InlineData("{\"jsonrpc\":\"2.0\",\"id\":999999,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"", "\"}]}}")]
    [InlineData("{\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"", "\"}]},\"id\":999999}")]
    [InlineData("{\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"", "\"}]}")]
    public async Task Call_WhenALongAnswerTurnsOutToBeNone_ItsClientNeverGetsItWhole(string start, string end)
    {
        await using var upstream = await LongUpstream.StartAsync("modern", async (_, context, _) =>
        {
            await LongUpstream.BeginAsync(context, isStream: false);
            await context.WriteAsync(start + LongUpstream.Text(LookBytes * 2) + end);
        });
        await using var host = await HostAsync(upstream);
        using var request = Compose("modern");
        using var response = await Guard.WithinAsync(host.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead), "the head of an answer");

        // What shows in its first bytes is told in an answer; what shows at the end, by the end of the connection.
        if (start.Contains("999999", StringComparison.Ordinal))
        {
            Assert.Contains("answered another request", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
        else
        {
            await AssertCutAsync(response);
        }

        await AssertCountedAsync(host, failures: 1);
    }

    [Fact]
    public async Task Call_WhenItsClientLeavesInTheMiddle_EndsAtTheServerAndBlamesNobody()
    {
        var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await LongUpstream.StartAsync("modern", async (upstream, context, request) =>
        {
            context.RequestAborted.Register(aborted.SetResult);
            await BeginLongAsync(context, request, isStream: false);
            await context.HangAsync(upstream);
        });
        await using var host = await HostAsync(upstream);

        (await BeginAsync(host)).Dispose();

        await Guard.WithinAsync(aborted.Task, "the end of the call at the server");
        await AssertCountedAsync(host, failures: 0);
    }

    [Fact]
    public async Task Call_WhenTheServerFallsSilentInTheMiddle_IsCutAfterItsTimeAndNotBefore()
    {
        var clock = new FakeTimeProvider();
        var parts = System.Threading.Channels.Channel.CreateUnbounded<string>();
        await using var upstream = await LongUpstream.StartAsync("modern", async (_, context, request) =>
        {
            await BeginLongAsync(context, request, isStream: false);
            await foreach (var part in parts.Reader.ReadAllAsync(context.RequestAborted))
            {
                await context.WriteAsync(part);
            }
        });
        await using var host = await HostAsync(upstream, clock, hard: TimeSpan.FromSeconds(40));
        using var response = await BeginAsync(host);
        using var stream = await response.Content.ReadAsStreamAsync();

        // Each part keeps it alive, far beyond the hard limit. All of it is read before the time passes again.
        for (var i = 0; i < 5; i++)
        {
            await parts.Writer.WriteAsync(LongUpstream.Text(200_000) + "@");
            await ReadToMarkAsync(stream);
            clock.Advance(TimeSpan.FromSeconds(20));
        }

        var end = ReadToEndAsync(stream);
        while (!end.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(31));
            await Task.Yield();
        }

        await Assert.ThrowsAnyAsync<IOException>(() => end);
        await AssertCountedAsync(host, failures: 1);
    }

    [Theory]
    [InlineData("look", 10_000, 2)]
    [InlineData("look", 2 * LookBytes, 1)]
    public async Task Retry_WhenTheAnswerWasCut_HappensOnlyWhileItsClientHasNothingOfIt(string tool, int cutAfter, int calls)
    {
        var sent = 0;
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await LongUpstream.StartAsync("modern", async (_, context, request) =>
        {
            if (Interlocked.Increment(ref sent) > 1)
            {
                await LongUpstream.AnswerAsync(context, request, isStream: false, "", Bytes, idFirst: true);
                return;
            }

            await LongUpstream.BeginAsync(context, isStream: false);
            await context.WriteAsync(LongUpstream.Start(request, "", idFirst: true) + LongUpstream.Text(cutAfter));
            if (cutAfter > LookBytes)
            {
                await gate.Task;
            }

            context.Abort();
        });
        await using var host = await HostAsync(upstream);
        using var request = Compose("modern", tool);
        using var response = await Guard.WithinAsync(host.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead), "the head of an answer");

        gate.SetResult();
        if (calls == 1)
        {
            await AssertCutAsync(response);
        }
        else
        {
            Assert.Contains("\"id\":\"c\"", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        Assert.Equal(calls, sent);
    }

    [Fact]
    public async Task Call_WhenALegacyClientWouldHaveToBeAskedAtTheEndOfALongAnswer_IsCut()
    {
        await using var upstream = await LongUpstream.StartAsync("modern", async (_, context, request) =>
        {
            await BeginLongAsync(context, request, isStream: false);
            await context.WriteAsync("\"}],\"resultType\":\"input_required\",\"inputRequests\":{}},\"id\":" + request.Id + "}");
        });
        await using var host = await HostAsync(upstream);
        using var response = await BeginAsync(host, "legacy");

        await AssertCutAsync(response);
    }

    [Fact]
    public async Task Execute_WhenTheAnswerIsLong_HoldsItUpToTheLimitAndSaysWhichLimitItWas()
    {
        await using var upstream = await LongUpstream.StartAsync("modern", (_, context, request) =>
            LongUpstream.AnswerAsync(context, request, isStream: false, "", request.Body.Contains("\"more\"", StringComparison.Ordinal) ? 17 * LookBytes : Bytes, idFirst: true));
        await using var host = await HostAsync(upstream);

        var result = await host.Manager.ExecuteToolAsync("s", "long", "{}"u8.ToArray());
        var failure = await Assert.ThrowsAnyAsync<McpException>(() => host.Manager.ExecuteToolAsync("s", "long", """{"more":true}"""u8.ToArray()).AsTask());

        Assert.True(result.Raw.Length > Bytes);
        Assert.Contains("upstreamMessageBytesMax is 16777216", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Sends more than is looked at, and not the end.</summary>
    private static async Task BeginLongAsync(HttpContext context, RawRequest request, bool isStream)
    {
        await LongUpstream.BeginAsync(context, isStream);
        await context.WriteAsync(LongUpstream.Start(request, "", idFirst: false) + LongUpstream.Text(LookBytes * 2));
    }

    private static async Task<FrontHost> HostAsync(RawUpstream upstream, TimeProvider? clock = null, TimeSpan? hard = null)
    {
        var options = new FairleadOptions
        {
            Servers = { new ServerConfig { Name = "s", Url = upstream.Url, HealthCheck = { Kind = HealthCheckKind.None }, Retry = { Attempts = 2, DelayMs = 10 } } },
        };
        options.Limits.RequestTimeoutMax = hard ?? options.Limits.RequestTimeoutMax;
        return await FrontHost.StartAsync(options, timeProvider: clock);
    }

    private static HttpRequestMessage Compose(string client, string tool = "long", string? session = null) => client == "modern"
        ? FrontHost.Compose(
            "/mcp/s",
            "{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"method\":\"tools/call\",\"params\":{\"name\":\"" + tool
                + "\",\"arguments\":{},\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}}}}",
            "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: " + tool)
        : FrontHost.Compose(
            "/mcp/s", "{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"method\":\"tools/call\",\"params\":{\"name\":\"" + tool + "\",\"arguments\":{}}}", "Mcp-Session-Id: " + session);

    private static async Task<string> CallAsync(FrontHost host, string client)
    {
        using var request = Compose(client, session: client == "modern" ? null : await host.InitializeAsync("/mcp/s"));
        using var response = await host.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadAsStringAsync();
    }

    private static async Task<HttpResponseMessage> BeginAsync(FrontHost host, string client = "modern")
    {
        using var request = Compose(client, session: client == "modern" ? null : await host.InitializeAsync("/mcp/s"));
        return await Guard.WithinAsync(host.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead), "the head of an answer");
    }

    private static async Task AssertCutAsync(HttpResponseMessage response)
    {
        using var stream = await response.Content.ReadAsStreamAsync();
        await Assert.ThrowsAnyAsync<IOException>(() => ReadToEndAsync(stream));
    }

    private static async Task ReadToEndAsync(Stream stream) => await Guard.WithinAsync(stream.CopyToAsync(Stream.Null), "the end of an answer");

    /// <summary>Reads to an @, which stands at the end of a part and nowhere else.</summary>
    private static async Task ReadToMarkAsync(Stream stream)
    {
        var buffer = new byte[64 * 1024];
        int read;
        do
        {
            read = await Guard.WithinAsync(stream.ReadAsync(buffer), "a part of an answer");
            Assert.NotEqual(0, read);
        }
        while (buffer[read - 1] != (byte)'@');
    }

    private static ServerCell CellOf(FrontHost host) => host.Manager.Fleet.TryGet("s", out var cell) ? cell : throw new InvalidOperationException("The server is not there.");

    /// <summary>Completes when one call has ended, so counted.</summary>
    private static async Task AssertCountedAsync(FrontHost host, long failures)
    {
        var counters = CellOf(host).Counters;
        async Task WaitAsync()
        {
            while (counters.Total != 1 || counters.Failed != failures)
            {
                await Task.Yield();
            }
        }

        await Guard.WithinAsync(WaitAsync(), $"one call to be counted, and {failures} failures (it was {counters.Total}, {counters.Failed})");
        Assert.False(CellOf(host).Current.Shared!.Pending.HasOwnedCall());
    }
}
