using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Text;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace Fairlead.Tests.Upstreams;

/// <summary>Both ends of a multiplexed connection over pipes: a test plays the server, line by line.</summary>
internal sealed class PipeServer : IAsyncDisposable
{
    private readonly Pipe _toServer = new();
    private readonly Pipe _fromServer = new();
    private readonly DeadlineSweep _sweep;
    private readonly StreamReader _lines;

    public PipeServer(LimitsOptions? limits = null)
    {
        _sweep = new DeadlineSweep(Clock);
        _lines = new StreamReader(_toServer.Reader.AsStream());
        Connection = new MultiplexedConnection("pipe", _toServer.Writer.AsStream(), _fromServer.Reader.AsStream(), _sweep, limits ?? new LimitsOptions(), NullLogger.Instance)
        {
            NotificationReceived = (_, message) => Notifications.Enqueue(Encoding.UTF8.GetString(message.Bytes)),
        };
        Connection.Start();
    }

    public FakeTimeProvider Clock { get; } = new();

    public MultiplexedConnection Connection { get; }

    public ConcurrentQueue<string> Notifications { get; } = [];

    /// <summary>Opens and sends a call; <paramref name="owner"/> can be asked questions.</summary>
    public UpstreamCall Call(object? owner = null, TimeSpan? idle = null, TimeSpan? hard = null, McpMethod method = McpMethod.ToolsCall, bool isInitialize = false)
    {
        var call = UpstreamCall.Create(isInitialize);
        call.Owner = owner;
        call.CarriesMessages = owner is not null;
        call.WantsProgress = true;
        if (idle is { } idleTime)
        {
            call.IdleTicks = _sweep.Ticks(idleTime);
            call.IdleDeadline = _sweep.Now + call.IdleTicks;
        }

        if (hard is { } hardTime)
        {
            call.HardDeadline = _sweep.Now + _sweep.Ticks(hardTime);
        }

        Assert.True(Connection.TryOpen(call));
        Connection.Send(call, ControlRequest.Compose(call.UpstreamId, method, default, modern: false));
        return call;
    }

    /// <summary>The next line that the server was sent.</summary>
    public async Task<string> ReadAsync() => await Guard.WithinAsync(_lines.ReadLineAsync(), "a line at the server")
        ?? throw new EndOfStreamException("The connection closed the server's input.");

    /// <summary>Reads lines until one holds <paramref name="part"/>.</summary>
    public async Task<string> ReadUntilAsync(string part)
    {
        while (true)
        {
            var line = await ReadAsync();
            if (line.Contains(part, StringComparison.Ordinal))
            {
                return line;
            }
        }
    }

    /// <summary>Prints text as it is.</summary>
    public async Task WriteAsync(string text) => await _fromServer.Writer.WriteAsync(Encoding.UTF8.GetBytes(text));

    /// <summary>Prints a result, its id last.</summary>
    public Task AnswerAsync(UpstreamCall call, string result = "{}") => WriteAsync("{\"result\":" + result + ",\"jsonrpc\":\"2.0\",\"id\":" + call.UpstreamId + "}\n");

    /// <summary>Closes the server's output.</summary>
    public ValueTask CloseOutputAsync() => _fromServer.Writer.CompleteAsync();

    /// <summary>Closes the server's input: the next write fails, as on a pipe of the system.</summary>
    public ValueTask CloseInputAsync() => _toServer.Reader.CompleteAsync(new IOException("Broken pipe"));

    public async ValueTask DisposeAsync()
    {
        await _fromServer.Writer.CompleteAsync();
        await Guard.WithinAsync(Connection.DisposeAsync(), "the end of the connection");
        _lines.Dispose();
        _sweep.Dispose();
    }
}
