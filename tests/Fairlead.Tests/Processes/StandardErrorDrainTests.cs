using System.IO.Pipelines;
using System.Text;
using Fairlead.Processes;
using Fairlead.TestKit;

namespace Fairlead.Tests.Processes;

public sealed class StandardErrorDrainTests
{
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
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
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
}
