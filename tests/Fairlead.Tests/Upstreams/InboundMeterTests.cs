using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Tests.Upstreams;

public sealed class InboundMeterTests
{
    private const int Max = 16 * 1024;
    private const int LineBytes = 1024;
    private readonly FakeTimeProvider _clock = new();
    private readonly InboundMeter _meter;

    public InboundMeterTests() => _meter = new InboundMeter(new LimitsOptions { JunkBytesPerSecondMax = Max }, _clock);

    [Fact]
    public void TakePause_WhileJunkGoesOn_LetsHalfAsMuchThroughInEachFurtherSecondDownToASixteenth()
    {
        var seconds = Enumerable.Range(0, 7).Select(_ => ReadUntilPaused()).ToArray();

        Assert.Equal([17, 9, 5, 3, 2, 2, 2], seconds);
        Assert.Contains("no messages", _meter.FloodReason, StringComparison.Ordinal);
    }

    [Fact]
    public void TakePause_WhileAServerAsksWithoutPause_LetsHalfAsManyRequestsThroughInEachFurtherSecond()
    {
        var line = """{"jsonrpc":"2.0","id":1,"method":"elicitation/create"}"""u8;
        Assert.Equal(ScanError.None, EnvelopeScanner.Scan(line, new ScanLimits(64, 256), out var request));
        var seconds = new List<int>();
        for (var second = 0; second < 6; second++)
        {
            var requests = 0;
            TimeSpan? pause;
            do
            {
                _meter.Count(request);
                requests++;
                pause = _meter.TakePause();
            }
            while (pause is null);
            seconds.Add(requests);
            _clock.Advance(pause.Value);
        }

        Assert.Equal([101, 51, 26, 13, 7, 7], seconds);
        Assert.Contains("requests a second", _meter.FloodReason, StringComparison.Ordinal);
    }

    [Fact]
    public void TakePause_OfShortLines_CountsEachAsAReadOfItsOwn()
    {
        var lines = 0;
        do
        {
            _meter.Junk(10);
            lines++;
        }
        while (_meter.TakePause() is null);

        Assert.Equal((Max / 256) + 1, lines);
    }

    [Fact]
    public void TakePause_AfterASecondWithoutAFlood_GivesTheWholeBudgetAgain()
    {
        ReadUntilPaused();
        ReadUntilPaused();
        _meter.Junk(1);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(_meter.TakePause());
        Assert.Null(_meter.FloodReason);

        Assert.Equal(17, ReadUntilPaused());
    }

    [Fact]
    public void TakePause_WhenOnlyAnswersFollowAFlood_TheFloodIsOver()
    {
        ReadUntilPaused();
        Assert.NotNull(_meter.FloodReason);

        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(_meter.TakePause());

        Assert.Null(_meter.FloodReason);
    }

    [Fact]
    public void TakePause_AfterAPause_BeginsASecondOfItsOwn()
    {
        ReadUntilPaused();
        _meter.Junk(Max);
        _clock.Advance(TimeSpan.FromMilliseconds(400));

        Assert.Equal(TimeSpan.FromMilliseconds(600), _meter.TakePause());
    }

    /// <summary>Lines until the meter asks for a pause, which is taken. Each takes a tenth of a millisecond.</summary>
    private int ReadUntilPaused()
    {
        var lines = 0;
        TimeSpan? pause;
        do
        {
            _meter.Junk(LineBytes);
            lines++;
            _clock.Advance(TimeSpan.FromMicroseconds(100));
            pause = _meter.TakePause();
        }
        while (pause is null);
        _clock.Advance(pause.Value);
        return lines;
    }
}
