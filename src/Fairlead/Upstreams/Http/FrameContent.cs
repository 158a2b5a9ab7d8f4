using System.Net;
using System.Net.Http.Headers;

namespace Fairlead.Upstreams.Http;

/// <summary>A frame that several request bodies may read: it goes back to its pool when the exchange and the last body have let go.</summary>
/// <remarks>A server may answer before it has read the whole body; the body is then still being copied when the exchange has ended.</remarks>
internal sealed class FrameLease(OutboundFrame frame)
{
    private int _holders = 1;

    /// <summary>The message; only for holders.</summary>
    public ReadOnlyMemory<byte> Memory => frame.Memory;

    /// <summary>Becomes a holder.</summary>
    /// <returns>False when the frame has gone back already.</returns>
    public bool TryHold()
    {
        var holders = Volatile.Read(ref _holders);
        while (holders != 0)
        {
            var seen = Interlocked.CompareExchange(ref _holders, holders + 1, holders);
            if (seen == holders)
            {
                return true;
            }

            holders = seen;
        }

        return false;
    }

    /// <summary>Lets go.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
        {
            frame.Return();
        }
    }
}

/// <summary>A frame as the body of a POST, with its Content-Length (protocol.md 10.38).</summary>
internal sealed class FrameContent : HttpContent
{
    private static readonly MediaTypeHeaderValue s_json = new("application/json");

    private readonly FrameLease _lease;
    private readonly int _length;

    /// <summary>Reads from <paramref name="lease"/>, which the caller holds now.</summary>
    public FrameContent(FrameLease lease)
    {
        _lease = lease;
        _length = lease.Memory.Length;
        Headers.ContentType = s_json;
    }

    /// <inheritdoc/>
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => WriteAsync(stream, CancellationToken.None);

    /// <inheritdoc/>
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) => WriteAsync(stream, cancellationToken);

    /// <inheritdoc/>
    protected override bool TryComputeLength(out long length)
    {
        length = _length;
        return true;
    }

    private async Task WriteAsync(Stream stream, CancellationToken cancellationToken)
    {
        if (!_lease.TryHold())
        {
            throw new IOException("The call ended before its request was sent.");
        }

        try
        {
            await stream.WriteAsync(_lease.Memory, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _lease.Release();
        }
    }
}
