using System.Collections.Concurrent;
using System.Text.Json;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Diagnostics;
using Fairlead.Security;
using Fairlead.State;
using Fairlead.Wire;
using Microsoft.Extensions.Logging;

namespace Fairlead.Audit;

/// <summary>Takes records of what was done and writes them, a moment later and in their order, into hash-chained files (<see cref="AuditChain"/>).</summary>
/// <remarks>
/// Any thread may add; nobody waits for the disk. What has not been written 100 ms later is lost when the process is killed, never half written: a record that was cut off is told by the first of
/// the next file. When the disk takes nothing, records wait in a bounded queue, then <see cref="AuditOptions.OnFull"/> decides; it is tried again every second.
/// </remarks>
internal sealed partial class AuditLog : IAsyncDisposable
{
    /// <summary>How long the first of a row of records waits for others.</summary>
    public static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(100);

    private const int BatchMax = 4096;
    private const int ClientsMax = 1000;
    private const int ClientLengthMax = 200;
    private const string Loss = "The audit log goes on; that its end was cut off could not be seen.";

    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_headInterval = TimeSpan.FromSeconds(1);

    private readonly AuditOptions _options;
    private readonly StateFile _headFile;
    private readonly SecretRedactor _redactor;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ConcurrentQueue<AuditEntry> _queue = new();
    private readonly ConcurrentDictionary<byte[], string> _clients = new(Utf8NameComparer.Instance);
    private readonly ITimer _timer;
    private readonly Lock _writing = new();
    private AuditChain? _chain;
    private FileStream? _file;
    private int _fileNumber;
    private long _fileLength;
    private long _headAt;
    private long _headNumber;
    private bool _isFailing;
    private bool _isEnded;
    private int _waiting;
    private int _isArmed;
    private long _lost;

    /// <summary>Opens nothing yet; the first record does.</summary>
    /// <param name="state">Where the files are.</param>
    /// <param name="options">Not off.</param>
    /// <param name="redactor">Takes secrets out of what is written.</param>
    /// <param name="logger">Told of trouble with the disk.</param>
    public AuditLog(StateFiles state, AuditOptions options, SecretRedactor redactor, ILogger logger)
    {
        _options = options;
        _redactor = redactor;
        _time = state.Time;
        _logger = logger;
        Folder = Path.Combine(state.Folder, AuditFiles.FolderName);
        _headFile = state.File(Path.Combine(AuditFiles.FolderName, AuditFiles.HeadName), 1, Loss);
        _timer = _time.CreateTimer(static log => ((AuditLog)log!).Write(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Arm(Delay);
    }

    /// <summary>The folder of the files.</summary>
    public string Folder { get; }

    /// <summary>Whether calls are recorded, too.</summary>
    public bool RecordsCalls => _options.Record == AuditScope.Calls;

    /// <summary>What is kept of arguments.</summary>
    public AuditArguments Arguments => _options.Arguments;

    /// <summary>Whether calls must be refused because there is no room for their records.</summary>
    public bool MustRefuse => _options.OnFull == AuditFullMode.Refuse && Volatile.Read(ref _waiting) >= _options.QueueMax;

    /// <summary>Records that found no room, since the start.</summary>
    public long Lost { get; private set; }

    /// <summary>Adds a record; its time is set here. Never waits, never throws.</summary>
    public void Add(AuditEntry entry)
    {
        if (Interlocked.Increment(ref _waiting) > _options.QueueMax)
        {
            Interlocked.Decrement(ref _waiting);
            Interlocked.Increment(ref _lost);
        }
        else
        {
            entry.At = _time.GetUtcNow();
            _queue.Enqueue(entry);
        }

        if (Volatile.Read(ref _isArmed) == 0)
        {
            Arm(Delay);
        }
    }

    /// <summary>How a program calls itself in its clientInfo: <c>name version</c>. The same text for the same bytes.</summary>
    /// <returns>Null when it does not say.</returns>
    public string? ClientName(ReadOnlySpan<byte> clientInfo)
    {
        if (clientInfo.IsEmpty)
        {
            return null;
        }

        if (_clients.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(clientInfo, out var name))
        {
            return name;
        }

        name = NameIn(clientInfo);
        if (name is not null && _clients.Count < ClientsMax)
        {
            _clients.TryAdd(clientInfo.ToArray(), name);
        }

        return name;
    }

    /// <summary>Writes everything that has been added, and where the chain has got to.</summary>
    /// <returns>False when the disk did not take it.</returns>
    public bool Flush()
    {
        lock (_writing)
        {
            return TryWriteAll_NeedsLock() && TryWriteHead_NeedsLock(isEnd: true);
        }
    }

    /// <summary>Writes what is left and that Fairlead has stopped.</summary>
    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync().ConfigureAwait(false);
        lock (_writing)
        {
            if (_isEnded)
            {
                return;
            }

            _isEnded = true;
            if (TryWriteAll_NeedsLock())
            {
                _chain!.Add(AuditKind.Stop, _time.GetUtcNow());
                if (TryWriteAll_NeedsLock())
                {
                    TryWriteHead_NeedsLock(isEnd: true);
                }
            }

            _file?.Dispose();
        }
    }

    private static string? NameIn(ReadOnlySpan<byte> clientInfo)
    {
        var whole = new ByteRange(0, clientInfo.Length);
        var name = JsonMembers.TryFind(clientInfo, whole, "name"u8, out var at) ? JsonText.ToString(at.Of(clientInfo)) : null;
        var version = JsonMembers.TryFind(clientInfo, whole, "version"u8, out at) ? JsonText.ToString(at.Of(clientInfo)) : null;
        var text = version is null ? name : $"{name} {version}";
        return text is { Length: > ClientLengthMax } ? text[..ClientLengthMax] : text;
    }

    private void Arm(TimeSpan delay)
    {
        if (Interlocked.Exchange(ref _isArmed, 1) == 0)
        {
            _timer.Change(delay, Timeout.InfiniteTimeSpan);
        }
    }

    private void Write()
    {
        lock (_writing)
        {
            if (_isEnded)
            {
                return;
            }

            // Before the queue is read: whoever adds from here on arms it again.
            Volatile.Write(ref _isArmed, 0);
            if (!TryWriteAll_NeedsLock())
            {
                Arm(s_retry);
            }
            else if (!TryWriteHead_NeedsLock(isEnd: false))
            {
                Arm(s_headInterval);
            }
        }
    }

    private bool TryWriteAll_NeedsLock()
    {
        try
        {
            var chain = _chain ??= Open();
            while (true)
            {
                // What could not be written before comes first, and nothing is taken from the queue meanwhile: it is the bound.
                WriteOut(chain);
                var taken = 0;
                while (taken < BatchMax && _queue.TryDequeue(out var entry))
                {
                    Interlocked.Decrement(ref _waiting);
                    entry.Target = _redactor.Redact(entry.Target);
                    entry.Arguments = _redactor.Redact(entry.Arguments);
                    chain.Add(entry);
                    taken++;
                }

                if (taken < BatchMax && Interlocked.Exchange(ref _lost, 0) is > 0 and var lost)
                {
                    Lost += lost;
                    chain.Add(AuditKind.Gap, _time.GetUtcNow(), ("lost", lost));
                    taken++;
                }

                if (taken == 0)
                {
                    break;
                }
            }

            if (_isFailing)
            {
                _isFailing = false;
                LogWritableAgain(_logger, Folder);
            }

            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _file?.Dispose();
            _file = null;
            if (!_isFailing)
            {
                _isFailing = true;
                LogUnwritable(_logger, Folder, exception.Message, _options.QueueMax, _options.OnFull == AuditFullMode.Refuse ? "calls are refused" : "records are left out and counted");
            }

            return false;
        }
    }

    private void WriteOut(AuditChain chain)
    {
        if (chain.Unwritten.IsEmpty)
        {
            return;
        }

        if (_file is null)
        {
            _file = new FileStream(AuditFiles.PathOf(Folder, _fileNumber), StateFile.Options(FileMode.OpenOrCreate));

            // A write that failed may have left half of its bytes.
            _file.SetLength(_fileLength);
            _file.Position = _fileLength;
        }

        _file.Write(chain.Unwritten);
        _fileLength += chain.Unwritten.Length;
        chain.Written();
        if (_fileLength >= _options.FileBytesMax)
        {
            _file.Dispose();
            _file = null;
            BeginFile(chain, _fileNumber + 1);
        }
    }

    /// <summary>Makes the first record of a file; it is written with those that follow.</summary>
    private void BeginFile(AuditChain chain, int number, params ReadOnlySpan<(string Name, object Value)> more)
    {
        var oldest = RemoveOldest(number);
        _fileNumber = number;
        _fileLength = 0;
        chain.Add(AuditKind.Begin, _time.GetUtcNow(), [("file", number), ("oldest", oldest), .. more]);
    }

    /// <summary>Finds the end of the chain that is there and goes on from it.</summary>
    private AuditChain Open()
    {
        StateFile.MakeFolder(Folder);
        var files = AuditFiles.In(Folder);
        if (files.Length == 0)
        {
            var first = new AuditChain(0, AuditChain.Nothing);
            BeginFile(first, 1);
            AddStart(first);
            return first;
        }

        var number = files[^1];
        var path = AuditFiles.PathOf(Folder, number);
        var length = new FileInfo(path).Length;
        var last = files.Reverse().Select(file => AuditFiles.LinesFromEnd(AuditFiles.PathOf(Folder, file)).FirstOrDefault()).FirstOrDefault(static line => line is not null) ?? [];
        var isSound = AuditChain.IsSound(last, out var hash);
        var chain = new AuditChain((AuditQuery.TryParse(last) is { } record ? AuditQuery.NumberOf(record, "seq") : null) ?? AuditFiles.Head(Folder)?.Number ?? 0, hash.Length > 0 ? hash : AuditChain.Nothing);
        var cut = length - LengthOfWholeLines(path, length);
        if (!isSound)
        {
            LogUnsound(_logger, path);
        }

        if (!isSound || cut > 0 || length == 0 || length >= _options.FileBytesMax)
        {
            BeginFile(chain, number + 1, cut > 0 ? [("cut", cut)] : []);
        }
        else
        {
            _fileNumber = number;
            _fileLength = length;
        }

        AddStart(chain);
        return chain;
    }

    private void AddStart(AuditChain chain) => chain.Add(
        AuditKind.Start, _time.GetUtcNow(), ("version", typeof(AuditLog).Assembly.GetName().Version!.ToString(3)), ("pid", Environment.ProcessId));

    private static long LengthOfWholeLines(string path, long length)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        for (var at = length - 1; at >= 0; at--)
        {
            stream.Position = at;
            if (stream.ReadByte() == '\n')
            {
                return at + 1;
            }
        }

        return 0;
    }

    /// <summary>Removes the oldest files beyond <see cref="AuditOptions.KeepBytes"/>.</summary>
    /// <returns>The number of the oldest that is left.</returns>
    private int RemoveOldest(int next)
    {
        var files = AuditFiles.In(Folder);
        var total = files.Sum(file => new FileInfo(AuditFiles.PathOf(Folder, file)).Length);
        foreach (var file in files)
        {
            var path = AuditFiles.PathOf(Folder, file);
            if (_options.KeepBytes == 0 || total <= _options.KeepBytes)
            {
                return file;
            }

            total -= new FileInfo(path).Length;
            File.Delete(path);
        }

        return next;
    }

    /// <returns>False when it is not yet time for it.</returns>
    private bool TryWriteHead_NeedsLock(bool isEnd)
    {
        if (_chain!.Number == _headNumber)
        {
            return true;
        }

        if (!isEnd && _headNumber > 0 && _time.GetElapsedTime(_headAt) < s_headInterval)
        {
            return false;
        }

        _headAt = _time.GetTimestamp();
        _headNumber = _chain.Number;
        return _headFile.Write(JsonSerializer.SerializeToUtf8Bytes(new { formatVersion = 1, seq = _chain.Number, hash = _chain.Hash }));
    }

    [LoggerMessage(EventIds.AuditUnwritable, LogLevel.Error,
        "The audit log in {Folder} cannot be written ({Reason}). It is tried again every second; {QueueMax} records wait, beyond them {OnFull}. Free some space, or mend the rights of the folder.")]
    private static partial void LogUnwritable(ILogger logger, string folder, string reason, int queueMax, string onFull);

    [LoggerMessage(EventIds.AuditWritableAgain, LogLevel.Information, "The audit log in {Folder} can be written again; nothing that waited is lost.")]
    private static partial void LogWritableAgain(ILogger logger, string folder);

    [LoggerMessage(EventIds.AuditUnsound, LogLevel.Warning, "The end of the audit log {File} is not as Fairlead wrote it; a new file is begun. fairlead audit verify says where the chain is broken.")]
    private static partial void LogUnsound(ILogger logger, string file);
}
