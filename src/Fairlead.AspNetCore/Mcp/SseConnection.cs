using Fairlead.Routing;
using Fairlead.Sessions;
using Fairlead.Wire;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>One HTTP+SSE connection: its stream, the session that <c>initialize</c> opened on it, and the messages that are being handled.</summary>
internal sealed class SseConnection : IDisposable
{
    private static readonly TimeSpan s_initializeWithin = TimeSpan.FromMinutes(1);

    private readonly McpFront _front;
    private readonly LegacyMessages _messages;
    private readonly SseResponse _response;
    private readonly CancellationToken _aborted;
    private readonly CancellationTokenSource _gone;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly TaskCompletionSource<LegacySession> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _initializing;
    private int _running = 1; // The connection itself; the messages it handles add to it.

    /// <summary>For a stream that has been started.</summary>
    public SseConnection(McpFront front, LegacyMessages messages, NamedEndpoint? cell, SseResponse response, CancellationToken aborted)
    {
        _front = front;
        _messages = messages;
        _response = response;
        _aborted = aborted;
        _gone = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        Cell = cell;
    }

    /// <summary>The endpoint; null for the aggregate.</summary>
    public NamedEndpoint? Cell { get; }

    /// <summary>Says where to POST, then carries what belongs to no call, until the client or the session is gone.</summary>
    public async Task RunAsync(byte[] endpoint)
    {
        await WriteAsync(response => response.WriteEndpointAsync(endpoint)).ConfigureAwait(false);
        LegacySession session;
        try
        {
            session = await _opened.Task.WaitAsync(s_initializeWithin, _front.TimeProvider, _aborted).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            // Whoever opens a stream and never initializes must not hold it.
            return;
        }

        session.TryOpenStream(int.MaxValue);
        var standalone = session.Log.Standalone;
        long after = 0;
        while (_response.IsOpen)
        {
            var (events, ended, news) = standalone.ReadAfter(after);
            foreach (var one in events)
            {
                after = one.Sequence;
                await SendAsync(one.Message).ConfigureAwait(false);
            }

            if (ended)
            {
                return;
            }

            await KeepAlive.UntilAsync(news, KeepAliveAsync, _front.TimeProvider, _aborted).ConfigureAwait(false);
        }
    }

    /// <summary>Handles a message; what it answers goes out on the stream. The body is returned when it is done with.</summary>
    public void Take(RequestBody body, in Envelope envelope)
    {
        for (var running = Volatile.Read(ref _running); ;)
        {
            if (running == 0)
            {
                // Ended between the look at the table and here.
                body.Return();
                return;
            }

            var seen = Interlocked.CompareExchange(ref _running, running + 1, running);
            if (seen == running)
            {
                break;
            }

            running = seen;
        }

        _ = RunMessageAsync(body, DispatchAsync(body.Memory, envelope));
    }

    /// <summary>Ends the session, cancels its calls, and waits for what still runs.</summary>
    public async Task EndAsync()
    {
        await _gone.CancelAsync().ConfigureAwait(false);
        if (_opened.Task.IsCompletedSuccessfully)
        {
            var session = await _opened.Task.ConfigureAwait(false);
            session.CloseStream();
            _front.Sessions.Drop(session);
        }

        Left();
        await _idle.Task.ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _gone.Dispose();
        _turn.Dispose();
    }

    private ValueTask DispatchAsync(ReadOnlyMemory<byte> body, in Envelope envelope)
    {
        var reply = new Reply(this);
        switch (EraClassifier.ClassifyMessage(envelope, body.Span))
        {
            case EraVerdict.Modern or EraVerdict.ModernMissingMeta or EraVerdict.InitializeWithModernHeader:
                return reply.ErrorAsync(
                    0, -32600, "HTTP+SSE carries revisions up to 2025-11-25; requests of 2026-07-28 are POSTed to the /mcp endpoint.", envelope.Id.Of(body.Span));
            case EraVerdict.ModernNotification:
                return default;
            case EraVerdict.BatchRefused:
                return reply.ErrorAsync(0, -32600, "This batch is empty or holds what no batch may; send each message by itself.");
            case EraVerdict.Batch:
                return BatchAsync(body, envelope.Root);
            case EraVerdict.LegacyInitialize when Interlocked.Exchange(ref _initializing, 1) == 0:
                return new ValueTask(_messages.InitializeAsync(reply, Cell, body, envelope, _opened.SetResult));
            case EraVerdict.LegacyInitialize:
                return reply.ErrorAsync(0, -32600, "This connection is initialized already; open another for another session.", envelope.Id.Of(body.Span));
            default:
                return SessionMessageAsync(body, envelope);
        }
    }

    private ValueTask SessionMessageAsync(ReadOnlyMemory<byte> body, in Envelope envelope)
    {
        if (_opened.Task.IsCompletedSuccessfully)
        {
            return _messages.HandleAsync(new Reply(this), Cell, _opened.Task.Result, body, envelope);
        }

        return envelope.Kind == MessageKind.Request
            ? new Reply(this).ErrorAsync(0, -32600, "Begin with initialize.", envelope.Id.Of(body.Span))
            : default;
    }

    private async ValueTask BatchAsync(ReadOnlyMemory<byte> body, ByteRange root)
    {
        var parts = LegacyBatch.Split(body, root, _front.Limits);
        if (parts is null || parts.Count > LegacyBatch.MessagesMax)
        {
            await new Reply(this).ErrorAsync(0, -32600, $"A batch may hold {LegacyBatch.MessagesMax} messages; send the rest in another.").ConfigureAwait(false);
            return;
        }

        await Task.WhenAll(parts.ConvertAll(part => SessionMessageAsync(part.Body, part.Envelope).AsTask())).ConfigureAwait(false);
    }

    private async Task RunMessageAsync(RequestBody body, ValueTask handling)
    {
        try
        {
            await handling.ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_gone.IsCancellationRequested)
        {
            // Nobody is there to hear the answer.
        }
        catch (Exception bug)
        {
            _front.LogMessageFailed(bug);
        }
        finally
        {
            body.Return();
            Left();
        }
    }

    private void Left()
    {
        if (Interlocked.Decrement(ref _running) == 0)
        {
            _idle.TrySetResult();
        }
    }

    private ValueTask<bool> SendAsync(byte[] message) => WriteAsync(response => response.WriteAsync(message));

    private ValueTask<bool> KeepAliveAsync() => WriteAsync(static response => response.WriteKeepAliveAsync());

    // A client that does not read is cut off after stalledClient; until then its own answers wait here, nobody else's.
    private async ValueTask<bool> WriteAsync(Func<SseResponse, ValueTask<bool>> write)
    {
        try
        {
            await _turn.WaitAsync(_gone.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }

        try
        {
            return await write(_response).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>The reply to one message.</summary>
    private sealed class Reply(SseConnection connection) : MessageReply(connection._front)
    {
        public override CancellationToken Gone => connection._gone.Token;

        public override bool IsLostWhenGone => true;

        public override async ValueTask SendAsync(byte[] message) => await connection.SendAsync(message).ConfigureAwait(false);

        protected override ValueTask LastAsync(byte[] message) => SendAsync(message);
    }
}
