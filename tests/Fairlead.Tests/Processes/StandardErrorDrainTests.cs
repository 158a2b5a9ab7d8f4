using System.IO.Pipelines;
using System.IO.Pipes;
using System.Runtime.InteropServices;
using System.Text;
using Fairlead.Processes;
using Fairlead.TestKit;
using Microsoft.Win32.SafeHandles;

namespace Fairlead.Tests.Processes;

public sealed class StandardErrorDrainTests
{
    private const int GetPipeSize = 1032; // F_GETPIPE_SZ

    private static async Task<(IReadOnlyList<string> Tail, List<string> Sink)> DrainAsync(byte[] bytes, Func<string, string>? redact = null)
    {
        var sink = new List<string>();
        using var stream = new MemoryStream(bytes);
        var drain = new StandardErrorDrain(stream, redact, sink.Add, new FakeTimeProvider());
        await drain.RunAsync(CancellationToken.None);
        return (drain.Tail, sink);
    }

    [Fact]
    public async Task Tail_OfMixedLineEnds_HoldsEachLineAndTheUnfinishedLastOne()
    {
        var (tail, sink) = await DrainAsync("one\r\ntwo\n\nthree ü"u8.ToArray());

        Assert.Equal(["one", "two", "", "three ü"], tail);
        Assert.Equal(tail, sink);
    }

    [Fact]
    public async Task Tail_WhenMoreIsWritten_KeepsTheLast64KiB()
    {
        var all = Enumerable.Range(0, 20_000).Select(i => $"line {i:d6}").ToList();

        var (tail, sink) = await DrainAsync(Encoding.UTF8.GetBytes(string.Join('\n', all)));

        var kept = StandardErrorDrain.TailBytesMax / "line 000000\n".Length;
        Assert.Equal(all[^kept..], tail);
        Assert.Equal(all, sink);
    }

    [Fact]
    public async Task Tail_OfALineWithoutEnd_KeepsItsStartAndSaysThatItWasCut()
    {
        var (tail, _) = await DrainAsync([.. Enumerable.Repeat((byte)'x', 500_000), .. "\nnext\n"u8]);

        Assert.Equal(2, tail.Count);
        Assert.EndsWith("x [line cut]", tail[0], StringComparison.Ordinal);
        Assert.InRange(tail[0].Length, 1024, StandardErrorDrain.LineBytesMax);
        Assert.Equal("next", tail[1]);
    }

    [Fact]
    public async Task Redact_OnEveryLine_LeavesNoSecretInTailOrSink()
    {
        var (tail, sink) = await DrainAsync("token=hunter2\nplain\n"u8.ToArray(), line => line.Replace("hunter2", "REDACTED", StringComparison.Ordinal));

        Assert.Equal(["token=REDACTED", "plain"], tail);
        Assert.Equal(tail, sink);
    }

    [Fact]
    public async Task Redact_WhenTheSecretStraddlesTheCut_NoPartOfItIsKept()
    {
        var line = new string('x', StandardErrorDrain.LineBytesMax - 4) + "hunter2 and more\n";

        var (tail, _) = await DrainAsync(Encoding.UTF8.GetBytes(line), text => text.Replace("hunter2", "REDACTED", StringComparison.Ordinal));

        Assert.DoesNotContain("hun", tail[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Redact_WhenItThrows_TheLineIsWithheldAndTheNextIsRead()
    {
        var (tail, sink) = await DrainAsync(
            "secret\nplain\n"u8.ToArray(), line => line == "secret" ? throw new FormatException("no") : line);

        Assert.Equal(["[line withheld: its redaction failed with FormatException]", "plain"], tail);
        Assert.Equal(tail, sink);
    }

    [Fact]
    public async Task Tail_WhenMoreThanASecondAllowsIsWritten_DropsAndCountsAndReadsOn()
    {
        const int LineBytes = 1024;
        const int Fitting = StandardErrorDrain.BytesPerSecondMax / LineBytes;
        var clock = new FakeTimeProvider();
        var pipe = new Pipe(new System.IO.Pipelines.PipeOptions(pauseWriterThreshold: 0));
        var drain = new StandardErrorDrain(pipe.Reader.AsStream(), null, null, clock);
        var line = string.Concat(new string('x', LineBytes - 1), "\n");
        await pipe.Writer.WriteAsync(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(line, Fitting + 4))));

        var running = drain.RunAsync(CancellationToken.None);
        await clock.WhenTimerArmedAsync(TimeSpan.FromMilliseconds(10));
        await pipe.Writer.WriteAsync("last words\n"u8.ToArray());
        await pipe.Writer.CompleteAsync();
        clock.Advance(TimeSpan.FromSeconds(1));
        await Guard.WithinAsync(running, "the end of the reading");

        Assert.Equal(["[4 lines dropped: more than 1048576 bytes of stderr in a second]", "last words"], drain.Tail.TakeLast(2));
    }

    [Fact]
    public async Task Run_WhenLinesComeOneByOne_ReadsAHundredTimesASecondAndThenWhatHasGathered()
    {
        const int Gathered = 50;
        var clock = new FakeTimeProvider();
        var pipe = new Pipe(new System.IO.Pipelines.PipeOptions(pauseWriterThreshold: 0));
        var sink = new List<string>();
        var taken = new SemaphoreSlim(0);
        var drain = new StandardErrorDrain(pipe.Reader.AsStream(), null, line => { sink.Add(line); taken.Release(); }, clock);
        var running = drain.RunAsync(CancellationToken.None);
        var expected = new List<string>();
        async Task WriteAsync()
        {
            expected.Add($"line {expected.Count}");
            await pipe.Writer.WriteAsync(Encoding.ASCII.GetBytes(expected[^1] + "\n"));
        }

        for (var read = 0; read <= StandardErrorDrain.SmallReadsPerSecondMax; read++)
        {
            await WriteAsync();
            Assert.True(await taken.WaitAsync(TimeSpan.FromSeconds(30)), $"line {read} was not read");
        }

        await clock.WhenTimerArmedAsync(TimeSpan.FromMilliseconds(10));
        for (var line = 0; line < Gathered; line++)
        {
            await WriteAsync();
        }

        await pipe.Writer.CompleteAsync();
        Assert.Equal(StandardErrorDrain.SmallReadsPerSecondMax + 1, sink.Count);
        clock.Advance(TimeSpan.FromMilliseconds(10));
        await clock.WhenTimerArmedAsync(TimeSpan.FromMilliseconds(10));
        Assert.Equal(expected, sink);
        clock.Advance(TimeSpan.FromMilliseconds(10));
        await Guard.WithinAsync(running, "the end of the reading");
    }

    [Fact]
    public async Task Run_InAFloodThatDoesNotEnd_ReadsEverLessUntilAPipeIsLeftHalfEmpty()
    {
        var clock = new FakeTimeProvider();
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        var stream = new FloodingStream(pipe.ClientSafePipeHandle);
        PipeCapacity.TrySet(stream.SafePipeHandle, StandardErrorDrain.PipeBytes);
        var running = new StandardErrorDrain(stream, null, null, clock).RunAsync(CancellationToken.None);
        var pauses = new List<double>();
        Task<TimeSpan> PausedAsync() => clock.WhenTimerDueBetweenAsync(TimeSpan.Zero, TimeSpan.FromSeconds(1));
        async Task PauseAsync()
        {
            var pause = await PausedAsync();
            pauses.Add(pause.TotalMilliseconds);
            clock.Advance(pause);
        }

        var begin = clock.GetUtcNow();
        while (clock.GetUtcNow() - begin < TimeSpan.FromSeconds(7))
        {
            await PauseAsync();
        }

        Assert.Equal([20, 40, 80, 160, 320, 500, 500], pauses.SkipWhile(static pause => pause <= 10).Take(7));
        Assert.InRange(pauses.TakeWhile(static pause => pause <= 10).Sum(), 4000, 1000 * StandardErrorDrain.BurstSecondsMax);

        // What the next read finds is changed while nobody reads.
        await PausedAsync();
        AssertCapacity(PipeCapacity.Smallest);
        var calm = stream.Pause();
        await PauseAsync();
        await Guard.WithinAsync(calm, "a read after the flood");
        Assert.Equal(0, clock.ArmedTimers);
        AssertCapacity(StandardErrorDrain.PipeBytes);
        stream.Resume();
        pauses.Clear();
        await PauseAsync();
        Assert.Equal([10], pauses);

        await PausedAsync();
        stream.End();
        await PauseAsync();
        await Guard.WithinAsync(running, "the end of the reading");

        void AssertCapacity(int bytes)
        {
            if (OperatingSystem.IsLinux())
            {
                Assert.Equal(bytes, fcntl(stream.SafePipeHandle, GetPipeSize, 0));
            }
        }
    }

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int fcntl(SafeHandle descriptor, int command, nint argument);

    /// <summary>A pipe that has always as much as is asked for, from <see cref="Pause"/> to <see cref="Resume"/> a few bytes and then nothing.</summary>
    private sealed class FloodingStream : PipeStream
    {
        private readonly TaskCompletionSource _waiting = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _resumed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile int _few;
        private volatile bool _ended;

        public FloodingStream(SafePipeHandle pipe)
            : base(PipeDirection.In, 0) => InitializeHandle(pipe, isExposed: true, isAsync: false);

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        /// <summary>Completes when the few bytes have been read and more is asked for.</summary>
        public Task Pause()
        {
            _few = 100;
            return _waiting.Task;
        }

        public void Resume() => _resumed.SetResult();

        public void End() => _ended = true;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_ended)
            {
                return 0;
            }

            if (_few is > 0 and var few)
            {
                _few = -1;
                return few;
            }

            if (_few < 0 && !_resumed.Task.IsCompleted)
            {
                _waiting.SetResult();
                await _resumed.Task.WaitAsync(cancellationToken);
            }

            buffer.Span.Fill((byte)'\n');
            return buffer.Length;
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
