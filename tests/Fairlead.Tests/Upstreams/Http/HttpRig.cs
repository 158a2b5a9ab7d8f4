using System.Collections.Concurrent;
using System.Text;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Upstreams;
using Fairlead.Upstreams.Http;
using Fairlead.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace Fairlead.Tests.Upstreams.Http;

/// <summary>The end of a call, copied out of it.</summary>
internal sealed record CallEnd(ForwardError Error, string? Detail, string Answer, IReadOnlyList<string> Messages);

/// <summary>A connection to a raw server, and the side of the caller. Its clock stands still until the test moves it.</summary>
internal sealed class HttpRig : IAsyncDisposable
{
    private readonly DeadlineSweep _sweep;
    private readonly HttpEndpoint _endpoint;

    private HttpRig(Uri url, LimitsOptions limits, IDictionary<string, string>? headers, HttpMessageHandler? handler)
    {
        _sweep = new DeadlineSweep(Clock);
        _endpoint = new HttpEndpoint(url, headers ?? new Dictionary<string, string>(), limits.ConnectTimeout, handler);
        Connection = new HttpConnection("raw", _endpoint, _sweep, limits, NullLogger.Instance);
        Connection.NotificationReceived = (_, message) => Notifications.Enqueue(Encoding.UTF8.GetString(message.Bytes));
    }

    public FakeTimeProvider Clock { get; } = new();

    public HttpConnection Connection { get; }

    /// <summary>Notifications that belong to no call.</summary>
    public ConcurrentQueue<string> Notifications { get; } = [];

    /// <summary>A connection on which nothing has been sent.</summary>
    public static HttpRig Create(Uri url, LimitsOptions? limits = null, IDictionary<string, string>? headers = null, HttpMessageHandler? handler = null) => new(url, limits ?? new LimitsOptions(), headers, handler);

    /// <summary>A connection after its handshake.</summary>
    public static async Task<HttpRig> OpenAsync(RawUpstream upstream, LimitsOptions? limits = null, IDictionary<string, string>? headers = null)
    {
        var rig = Create(upstream.Url, limits, headers);
        var (outcome, reason) = await rig.HandshakeAsync();
        Assert.True(outcome == HandshakeOutcome.Ready, reason);
        return rig;
    }

    public Task<(HandshakeOutcome Outcome, string? Reason)> HandshakeAsync(EraHint hint = EraHint.Unknown) => Guard.WithinAsync(
        Handshake.OpenAsync(Connection, hint, "{\"elicitation\":{}}"u8.ToArray(), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), CancellationToken.None), "the handshake");

    /// <summary>Opens a call without sending it.</summary>
    public UpstreamCall Open(object? owner = null, TimeSpan? idle = null, McpHeaderParameter[]? headers = null)
    {
        var call = UpstreamCall.Create();
        call.Owner = owner;
        call.CarriesMessages = owner is not null;
        call.WantsProgress = true;
        call.Headers = headers;
        if (idle is { } time)
        {
            call.IdleTicks = _sweep.Ticks(time);
            call.IdleDeadline = _sweep.Now + call.IdleTicks;
        }

        Assert.True(Connection.TryOpen(call));
        return call;
    }

    /// <summary>Sends an open call.</summary>
    public void Send(UpstreamCall call, McpMethod method = McpMethod.ToolsCall, string members = "\"name\":\"t\",\"arguments\":{}") => Connection.Send(
        call, ControlRequest.Compose(call.UpstreamId, method, Encoding.UTF8.GetBytes(members), Connection.Identity.IsModern));

    /// <summary>Sends a call and waits for its end.</summary>
    public async Task<CallEnd> CallAsync(McpMethod method = McpMethod.ToolsCall, string members = "\"name\":\"t\",\"arguments\":{}", object? owner = null, McpHeaderParameter[]? headers = null)
    {
        var call = Open(owner, headers: headers);
        Send(call, method, members);
        return await EndAsync(call);
    }

    /// <summary>Waits for the end of a call, collecting what comes before it.</summary>
    public static async Task<CallEnd> EndAsync(UpstreamCall call)
    {
        var messages = new List<string>();
        while (true)
        {
            var isComplete = call.IsComplete;
            while (call.TryReadMessage(out var message))
            {
                messages.Add(Encoding.UTF8.GetString(message!.Bytes));
            }

            if (isComplete)
            {
                break;
            }

            await Guard.WithinAsync(call.WaitAsync(), "the end of a call");
        }

        var end = new CallEnd(call.Error, call.ErrorDetail, Encoding.UTF8.GetString(call.Answer), messages);
        call.Release();
        return end;
    }

    /// <summary>Waits for the next message of a call.</summary>
    public static async Task<CallMessage> NextMessageAsync(UpstreamCall call)
    {
        while (true)
        {
            if (call.TryReadMessage(out var message))
            {
                return message!;
            }

            Assert.False(call.IsComplete, "The call ended before a message came.");
            await Guard.WithinAsync(call.WaitAsync(), "a message of a call");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Guard.WithinAsync(Connection.DisposeAsync(), "the end of the connection");
        _endpoint.Dispose();
        _sweep.Dispose();
    }
}
