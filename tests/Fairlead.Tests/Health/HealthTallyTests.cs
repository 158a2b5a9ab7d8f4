using Fairlead.Configuration;
using Fairlead.Health;

namespace Fairlead.Tests.Health;

public sealed class HealthTallyTests
{
    private readonly HealthTally _tally = new();
    private readonly HealthCheckOptions _options = new() { UnhealthyAfter = 3, HealthyAfter = 2 };

    private void Note(string findings)
    {
        foreach (var finding in findings)
        {
            _tally.Note(finding == '+' ? HealthFinding.Good : HealthFinding.Bad("no"), _options);
        }
    }

    [Theory]
    [InlineData("", false, null)]
    [InlineData("+++", false, null)]
    [InlineData("-", false, "1 of 3 health checks failed: no")]
    [InlineData("--", false, "2 of 3 health checks failed: no")]
    [InlineData("--+", false, null)]
    [InlineData("--+--", false, "2 of 3 health checks failed: no")]
    [InlineData("---", true, "3 health checks in a row failed: no")]
    [InlineData("-----", true, "3 health checks in a row failed: no")]
    [InlineData("---+", true, "1 of 2 good health checks since it failed: no")]
    [InlineData("---+-", true, "its health check failed: no")]
    [InlineData("---+-+", true, "1 of 2 good health checks since it failed: no")]
    [InlineData("---++", false, null)]
    [InlineData("---++-", false, "1 of 3 health checks failed: no")]
    public void Note_WhenChecksFollowEachOther_OnlyThoseInARowDecide(string findings, bool isUnhealthy, string? words)
    {
        Note(findings);
        Assert.Equal(isUnhealthy, _tally.IsUnhealthy);
        Assert.Equal(words, _tally.Describe(_options));
    }

    [Fact]
    public void Note_WhenOneIsEnough_TheFirstFailureDecides()
    {
        _options.UnhealthyAfter = 1;
        _options.HealthyAfter = 1;
        Note("-");
        Assert.True(_tally.IsUnhealthy);
        Note("+");
        Assert.False(_tally.IsUnhealthy);
    }
}
