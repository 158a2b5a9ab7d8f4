namespace Fairlead.Cli.Relay;

/// <summary>The client's side of stdout: whole messages, a line each, from many at once.</summary>
/// <param name="stream">Where to; nothing else may write there.</param>
internal sealed class LineOutput(Stream stream) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly CancellationTokenSource _closed = new();

    /// <summary>Cancelled when the client reads no more.</summary>
    public CancellationToken Closed => _closed.Token;

    /// <summary>Writes a message. One that nobody can read any more is dropped.</summary>
    /// <param name="message">Without line breaks.</param>
    public async Task WriteAsync(ReadOnlyMemory<byte> message)
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            await stream.WriteAsync(message).ConfigureAwait(false);
            await stream.WriteAsync("\n"u8.ToArray()).ConfigureAwait(false);
            await stream.FlushAsync().ConfigureAwait(false);
        }
        catch (IOException)
        {
            await _closed.CancelAsync().ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _turn.Dispose();
        _closed.Dispose();
    }
}
