using System.Buffers;
using System.IO.Pipelines;
using Fairlead.Threads;
using Fairlead.Wire;

namespace Fairlead.Upstreams.Http;

/// <summary>Passes an answer on to its client while it comes, instead of holding it (docs/adr/0006): the server's side of an <see cref="AnswerStream"/>.</summary>
/// <remarks>
/// The call keeps its slot until the last byte has been taken, so its client may cancel it, and it counts as one in flight. Each byte of the server moves its idle deadline, which rests while the
/// client is waited for; the hard deadline has gone. It ends as what the whole answer was: an answer that was cut has failed like one that never came.
/// </remarks>
internal sealed class AnswerPump
{
    private readonly HttpConnection _connection;
    private readonly UpstreamCall _call;
    private readonly CallInbound _inbound;
    private readonly AnswerStream _answer;

    private AnswerPump(HttpConnection connection, UpstreamCall call, CallInbound inbound)
    {
        _connection = connection;
        _call = call;
        _inbound = inbound;
        _answer = new AnswerStream(Fail);
    }

    /// <summary>Begins to pass on an answer if that can be done with it.</summary>
    /// <param name="connection">Where the call is open.</param>
    /// <param name="call">The call.</param>
    /// <param name="inbound">Its end.</param>
    /// <param name="look">The first bytes of the answer.</param>
    /// <returns>Null when the answer must be held to be understood.</returns>
    public static AnswerPump? TryBegin(HttpConnection connection, UpstreamCall call, CallInbound inbound, ReadOnlySpan<byte> look)
    {
        if (!call.StreamsAnswer || inbound.IsLost || !call.MayStream(look))
        {
            return null;
        }

        var pump = new AnswerPump(connection, call, inbound);
        if (connection.Pending.TryBeginDelivery(inbound.Id, out var held))
        {
            held.DeliverStream(pump._answer);
            connection.EndDelivery(held);
            connection.NoteLife();
        }
        else
        {
            // The call has ended: whoever ended it aborts what is read for it.
            pump._answer.Close(ForwardError.ClientCancelled, null);
        }

        return pump;
    }

    /// <summary>Passes on a body and ends the call with it.</summary>
    /// <param name="body">What has been read of it; given back as soon as it has been passed on.</param>
    /// <param name="rest">Where the rest comes from.</param>
    /// <param name="cancellationToken">Cancelled by whoever ends the call.</param>
    public Task RunAsync(HttpBody body, Stream rest, CancellationToken cancellationToken) => RunAsync(PassBodyAsync(body, rest, cancellationToken), cancellationToken);

    /// <summary>Passes on an event and ends the call with it.</summary>
    /// <param name="reader">It has read a part of the event.</param>
    /// <param name="cancellationToken">Cancelled by whoever ends the call.</param>
    public Task RunAsync(SseReader reader, CancellationToken cancellationToken) => RunAsync(PassEventAsync(reader, cancellationToken), cancellationToken);

    private async Task RunAsync(Task passing, CancellationToken cancellationToken)
    {
        try
        {
            await passing.ConfigureAwait(false);
            await _answer.Writer.CompleteAsync().ConfigureAwait(false);

            // From here on only the client is waited for.
            _call.RestIdleDeadline();
            var error = await _answer.Closed.WaitAsync(cancellationToken).ConfigureAwait(false);
            if (error == ForwardError.None)
            {
                _inbound.CompleteStreamed();
            }
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            _inbound.Fail(HttpFailure.Cut("the connection ended in the middle of its answer: " + exception.Message));
        }
        finally
        {
            // Nothing happens when the answer is whole; else its reader learns that it is not.
            await _answer.Writer.CompleteAsync(new IOException("The answer was cut.")).ConfigureAwait(false);
        }
    }

    private async Task PassBodyAsync(HttpBody body, Stream rest, CancellationToken cancellationToken)
    {
        var writer = _answer.Writer;
        using (body)
        {
            JsonBytes.PutOnOneLine(body.Span);
            writer.Write(body.Span);
        }

        while (await FlushAsync(cancellationToken).ConfigureAwait(false))
        {
            var memory = writer.GetMemory(AnswerStream.PartBytes);
            var read = await rest.ReadAsync(memory, cancellationToken).ConfigureAwait(false);
            await PoolThread.Switch();
            if (read == 0)
            {
                return;
            }

            await NoteAsync(cancellationToken).ConfigureAwait(false);
            JsonBytes.PutOnOneLine(memory.Span[..read]);
            writer.Advance(read);
        }
    }

    private async Task PassEventAsync(SseReader reader, CancellationToken cancellationToken)
    {
        reader.PassOn();
        for (var read = SseRead.Part; ; read = reader.Read())
        {
            if (read == SseRead.NeedMore)
            {
                if (await reader.FillAsync(cancellationToken).ConfigureAwait(false))
                {
                    await NoteAsync(cancellationToken).ConfigureAwait(false);
                    continue;
                }

                // Some servers close their stream without the empty line; whether the message is whole shows in itself.
                read = reader.ReadLast();
            }

            Write(reader.Part);
            if (read == SseRead.Event || !await FlushAsync(cancellationToken).ConfigureAwait(false))
            {
                return;
            }
        }
    }

    private void Write(ReadOnlySpan<byte> part)
    {
        var memory = _answer.Writer.GetSpan(part.Length);
        part.CopyTo(memory);
        JsonBytes.PutOnOneLine(memory[..part.Length]);
        _answer.Writer.Advance(part.Length);
    }

    /// <summary>The client's side has found out that the answer is none: nothing more of it is read.</summary>
    private void Fail(ForwardError error, string? detail)
    {
        _inbound.Fail(error, detail ?? "its answer could not be passed on");
        _connection.AbortExchange(_inbound.Id);
    }

    /// <summary>The server has sent something.</summary>
    private ValueTask<bool> NoteAsync(CancellationToken cancellationToken)
    {
        _call.MoveIdleDeadline(_connection.Sweeper.Now);
        return _connection.WhileHeldAsync(cancellationToken);
    }

    /// <summary>Hands over what was written; waits while the client is behind.</summary>
    /// <returns>Whether the client's side still reads.</returns>
    private ValueTask<bool> FlushAsync(CancellationToken cancellationToken)
    {
        var flush = _answer.Writer.FlushAsync(cancellationToken);
        return flush.IsCompletedSuccessfully ? new ValueTask<bool>(!flush.Result.IsCompleted) : WaitAsync(flush);
    }

    private async ValueTask<bool> WaitAsync(ValueTask<FlushResult> flush)
    {
        _call.RestIdleDeadline();
        try
        {
            return !(await flush.ConfigureAwait(false)).IsCompleted;
        }
        finally
        {
            _call.ResumeIdleDeadline();
        }
    }
}
