using System.Buffers;
using System.IO.Pipelines;
using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <summary>An answer that is too long to hold, on its way from the connection that reads it to the client that it is for.</summary>
/// <remarks>
/// The connection writes the message as the server sends it, raw line breaks as spaces, and waits while the client is behind by more than 512 KiB. The client's side reads, judges and writes it, and closes the stream once,
/// whatever happened; only then does the call end. A stream whose writer ends with an exception has been cut: the message is not whole.
/// </remarks>
/// <param name="fail">Ends the call, if it has not ended, with what was wrong with the message; any thread.</param>
internal sealed class AnswerStream(Action<ForwardError, string?> fail)
{
    /// <summary>Longest answer that is held rather than passed on while it comes, bytes; what it is must show before.</summary>
    public const int LookBytes = MessageBuffers.PooledBytesMax;

    /// <summary>Bytes that are read and written at a time.</summary>
    public const int PartBytes = 64 * 1024;

    private readonly Pipe _pipe = new(new PipeOptions(
        MemoryPool<byte>.Shared, pauseWriterThreshold: 8 * PartBytes, resumeWriterThreshold: 4 * PartBytes, minimumSegmentSize: PartBytes, useSynchronizationContext: false));

    private readonly TaskCompletionSource<ForwardError> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The client's side.</summary>
    public PipeReader Reader => _pipe.Reader;

    /// <summary>The server's side.</summary>
    public PipeWriter Writer => _pipe.Writer;

    /// <summary>Completes when the client's side has closed the stream: <see cref="ForwardError.None"/> when the whole message was good.</summary>
    public Task<ForwardError> Closed => _closed.Task;

    /// <summary>Ends reading. Called once by whoever read; nothing more is read afterwards.</summary>
    /// <param name="error">What was wrong with the message: the call has failed so when this returns. <see cref="ForwardError.None"/> when it was passed on whole,
    /// <see cref="ForwardError.ClientCancelled"/> when the call has ended already.</param>
    /// <param name="detail">For people.</param>
    public void Close(ForwardError error, string? detail)
    {
        if (error is not (ForwardError.None or ForwardError.ClientCancelled))
        {
            fail(error, detail);
        }

        _pipe.Reader.Complete();
        _closed.TrySetResult(error);
    }
}
