using System.Text;
using Fairlead.Processes;

namespace Fairlead.Tests.Processes;

public sealed class StandardErrorDrainTests
{
    private static async Task<(IReadOnlyList<string> Tail, List<string> Sink)> DrainAsync(byte[] bytes, Func<string, string>? redact = null)
    {
        var sink = new List<string>();
        using var stream = new MemoryStream(bytes);
        var drain = new StandardErrorDrain(stream, redact, sink.Add);
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
        var (tail, _) = await DrainAsync([.. Enumerable.Repeat((byte)'x', 1_000_000), .. "\nnext\n"u8]);

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
}
