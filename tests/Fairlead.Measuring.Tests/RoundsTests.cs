namespace Fairlead.Measuring.Tests;

public sealed class RoundsTests
{
    [Fact]
    public void Ratio_OfInterleavedRounds_IsTheMedianAgainstEachRoundsOwnReference()
    {
        // The machine halves its speed in the second round: the ratio of that round stays what it is.
        var rounds = new Rounds([100, 50, 100], [100, 50, 120], [80, 40, 66]);
        Assert.Equal(0.8, rounds.Ratio, 9);
        Assert.Equal(0.2, rounds.Spread, 9);
    }

    [Fact]
    public void Added_OfLatencies_HasTheSpreadOfTheReference()
    {
        var rounds = new Rounds([10, 12], [14, 12], [30, 34]);
        Assert.Equal(20, rounds.Added, 9);
        Assert.Equal(4, rounds.AddedSpread, 9);
    }

    [Fact]
    public void Ratio_WhenTheReferenceAnsweredNothing_IsNoNumber() => Assert.True(double.IsNaN(new Rounds([0], [0], [5]).Ratio));

    [Theory]
    [InlineData(new double[] { 3, 1, 2 }, 2)]
    [InlineData(new double[] { 4, 1, 2, 3 }, 2.5)]
    [InlineData(new double[] { 7 }, 7)]
    [InlineData(new double[] { }, double.NaN)]
    public void Median_OfAnyNumber_IsTheMiddle(double[] values, double expected) => Assert.Equal(expected, Rounds.Median(values));
}
