using System.Buffers;
using System.Text;
using System.Threading.Channels;

namespace Fairlead.Processes;

/// <summary>
/// A log file that never makes its writers wait: lines go through a bounded queue to one writing task. When the disk is slower than the lines, lines are
/// dropped and their number is written instead. <c>name</c> is the newest file, <c>name.1</c> and <c>name.2</c> are older.
/// </summary>
internal sealed class RotatingLog : IAsyncDisposable
{
    /// <summary>Size at which a file is put aside, unless told otherwise: 10 MiB.</summary>
    public const long FileBytesMax = 10 * 1024 * 1024;

    /// <summary>Files kept in all, the newest included.</summary>
    public const int FilesMax = 3;

    private const int QueuedLinesMax = 1024;
    private readonly string _path;
    private readonly long _fileBytesMax;
    private readonly TimeProvider _time;
    private readonly Action<Exception> _failed;
    private readonly Channel<string> _lines;
    private readonly Task _writing;
    private long _dropped;
    private bool _failing;

    /// <summary>Starts the writing task. File and directories are made at the first line, for the owner alone.</summary>
    /// <param name="path">The newest file.</param>
    /// <param name="time">Clock of the time stamps.</param>
    /// <param name="failed">Told once per row of failures, from the writing task; lines are dropped while it lasts.</param>
    /// <param name="fileBytesMax">See <see cref="FileBytesMax"/>.</param>
    public RotatingLog(string path, TimeProvider time, Action<Exception> failed, long fileBytesMax = FileBytesMax)
    {
        _path = path;
        _time = time;
        _failed = failed;
        _fileBytesMax = fileBytesMax;
        // DropWrite: the lines that explain a failure are the first ones, and a writer that waits would stall a child.
        _lines = Channel.CreateBounded<string>(
            new BoundedChannelOptions(QueuedLinesMax) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite },
            _ => Interlocked.Increment(ref _dropped));
        _writing = Task.Run(WriteAsync);
    }

    /// <summary>Adds a line with the time in front. Never waits, never throws; after the disposal it does nothing. Any thread.</summary>
    /// <param name="source">Who wrote it, such as a process id.</param>
    /// <param name="line">The line without its end.</param>
    public void Append(int source, string line) =>
        _lines.Writer.TryWrite(string.Create(
            System.Globalization.CultureInfo.InvariantCulture, $"{_time.GetUtcNow().UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {source} {line}\n"));

    /// <summary>Writes what is queued and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        _lines.Writer.TryComplete();
        await _writing.ConfigureAwait(false);
    }

    private async Task WriteAsync()
    {
        var batch = new ArrayBufferWriter<byte>();
        FileStream? file = null;
        while (await _lines.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            batch.ResetWrittenCount();
            while (batch.WrittenCount < 64 * 1024 && _lines.Reader.TryRead(out var line))
            {
                Encoding.UTF8.GetBytes(line, batch);
            }

            if (Interlocked.Exchange(ref _dropped, 0) is var dropped and > 0)
            {
                Encoding.UTF8.GetBytes($"[{dropped} lines dropped: they came faster than the disk took them]\n", batch);
            }

            try
            {
                file ??= Open();
                await file.WriteAsync(batch.WrittenMemory).ConfigureAwait(false);
                _failing = false;
                if (file.Length >= _fileBytesMax)
                {
                    await file.DisposeAsync().ConfigureAwait(false);
                    file = null;
                    Rotate();
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Disk full or gone: the child goes on, the tail in memory too, and the next line tries the file again.
                Report(e);
                file = await CloseAsync(file).ConfigureAwait(false);
            }
        }

        await CloseAsync(file).ConfigureAwait(false);
    }

    private void Report(Exception e)
    {
        if (!_failing)
        {
            _failing = true;
            _failed(e);
        }
    }

    // The buffer is empty (bufferSize 0), so closing has nothing left to write and cannot fail on a full disk.
    private static async ValueTask<FileStream?> CloseAsync(FileStream? file)
    {
        if (file is not null)
        {
            await file.DisposeAsync().ConfigureAwait(false);
        }

        return null;
    }

    private FileStream Open()
    {
        if (Path.GetDirectoryName(_path) is { Length: > 0 } directory)
        {
            Directory.CreateDirectory(directory);
        }

        var options = new FileStreamOptions
        {
            Mode = FileMode.Append,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
            Options = FileOptions.Asynchronous,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new FileStream(_path, options);
    }

    private void Rotate()
    {
        for (var age = FilesMax - 1; age > 0; age--)
        {
            var from = age == 1 ? _path : $"{_path}.{age - 1}";
            if (File.Exists(from))
            {
                File.Move(from, $"{_path}.{age}", overwrite: true);
            }
        }
    }
}
