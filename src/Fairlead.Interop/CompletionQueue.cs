using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Fairlead.Interop;

/// <summary>Completions on their way to a caller that waits on a pipe.</summary>
/// <remarks>
/// Any thread puts in, one thread of the caller takes out. A byte is written into the pipe only when the caller does not know of anything yet, so that a burst
/// of completions costs it one wake-up, and the pipe never holds more than a few bytes: writing to it cannot block. Ends of operations are bounded by the operations
/// that the caller has begun; what it has not asked for one by one (progress, logs) is dropped beyond <see cref="UnaskedMax"/> records.
/// </remarks>
internal sealed partial class CompletionQueue : IDisposable
{
    /// <summary>Bytes before each record's own: id (8), length (4), kind (4), little endian.</summary>
    public const int HeaderBytes = 16;

    /// <summary>Records that may wait before progress and logs are dropped.</summary>
    public const int UnaskedMax = 10_000;

    private const int Interrupted = 4; // EINTR

    private readonly ConcurrentQueue<Completion> _queue = new();
    private readonly SafeFileHandle _pipe;
    private int _isTold;

    /// <summary>Writes wake-ups into <paramref name="pipe"/>, which it owns from here on.</summary>
    public CompletionQueue(SafeFileHandle pipe) => _pipe = pipe;

    /// <summary>Records that have not been taken.</summary>
    public int Count => _queue.Count;

    /// <summary>Puts a record in and wakes the caller if need be.</summary>
    public void Post(Completion completion)
    {
        _queue.Enqueue(completion);
        if (Interlocked.Exchange(ref _isTold, 1) == 0)
        {
            Wake();
        }
    }

    /// <summary>As <see cref="Post"/>, for what nobody waits for: dropped when the caller does not take out what is there.</summary>
    public void PostUnasked(Completion completion)
    {
        if (_queue.Count < UnaskedMax)
        {
            Post(completion);
        }
    }

    /// <summary>Moves as many whole records into a buffer as fit.</summary>
    /// <returns>Bytes written. 0 = there was none; whoever got 0 is woken by the next. Negative: the first record needs so many bytes, and is still there.</returns>
    public int Drain(Span<byte> buffer)
    {
        // Before the look: what comes after it wakes the caller again.
        Interlocked.Exchange(ref _isTold, 0);
        var used = 0;
        while (_queue.TryPeek(out var next))
        {
            var size = HeaderBytes + next.Bytes.Length;
            if (size > buffer.Length - used)
            {
                // The caller knows of the rest: it comes back after a full buffer.
                Interlocked.Exchange(ref _isTold, 1);
                return used == 0 ? -size : used;
            }

            _queue.TryDequeue(out _);
            var record = buffer[used..];
            BinaryPrimitives.WriteInt64LittleEndian(record, next.Id);
            BinaryPrimitives.WriteInt32LittleEndian(record[8..], next.Bytes.Length);
            BinaryPrimitives.WriteInt32LittleEndian(record[12..], (int)next.Kind);
            next.Bytes.Span.CopyTo(record[HeaderBytes..]);
            used += size;
        }

        return used;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Interlocked.Exchange(ref _isTold, 1);
        _pipe.Dispose();
    }

    private void Wake()
    {
        try
        {
            // Fails otherwise only when the caller has closed its end: nobody takes anything out any more.
            while (Write(_pipe, 1, 1) < 0 && Marshal.GetLastPInvokeError() == Interrupted)
            {
            }
        }
        catch (ObjectDisposedException)
        {
            // The same, from this side.
        }
    }

    // FileStream and RandomAccess do not write to a pipe from several threads.
    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Write(SafeFileHandle pipe, in byte oneByte, nint count);
}
