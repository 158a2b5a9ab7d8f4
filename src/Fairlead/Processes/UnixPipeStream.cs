using System.IO.Pipes;
using System.Net.Sockets;

namespace Fairlead.Processes;

/// <summary>A child's stdout, read through the socket engine without allocating: the runtime's own pipe stream allocates 144 bytes for each read that waits.</summary>
/// <remarks>Unix only; reads only. One read at a time. Owns the pipe it was given.</remarks>
internal sealed class UnixPipeStream : Stream
{
    private readonly PipeStream _pipe;
    private readonly Socket _socket;
    private bool _isNarrow;

    /// <summary>Takes over a pipe that has not been read yet: a descriptor can be registered with the engine only once.</summary>
    public UnixPipeStream(PipeStream pipe)
    {
        _pipe = pipe;
        _socket = new Socket(new SafeSocketHandle(pipe.SafePipeHandle.DangerousGetHandle(), ownsHandle: false));
    }

    /// <summary>Whether the pipe is to hold as little as it can, so that a writer that nobody wants to read waits soon. Set by the reader; takes effect with a following read.</summary>
    public bool IsNarrow { get; set; }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException("A pipe has no length.");

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException("A pipe has no position.");
        set => throw new NotSupportedException("A pipe has no position.");
    }

    /// <inheritdoc/>
    /// <exception cref="SocketException">The pipe could not be read, or was disposed while a read waited.</exception>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        IsNarrow == _isNarrow ? _socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken) : ReadAndResizeAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("A pipe cannot be sought in.");

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException("A pipe has no length.");

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("This end of the pipe is for reading.");

    // Between the read that has emptied the pipe and the writer's next write.
    private async ValueTask<int> ReadAndResizeAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var count = await _socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken).ConfigureAwait(false);
        if (PipeCapacity.TrySet(_pipe.SafePipeHandle, IsNarrow ? PipeCapacity.Smallest : PipeCapacity.Default))
        {
            _isNarrow = IsNarrow;
        }

        return count;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _socket.Dispose();
            _pipe.Dispose();
        }

        base.Dispose(disposing);
    }
}
