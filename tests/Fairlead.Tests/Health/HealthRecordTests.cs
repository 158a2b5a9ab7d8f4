using System.Globalization;
using Fairlead.Health;
using Fairlead.TestKit;

namespace Fairlead.Tests.Health;

public sealed class HealthRecordTests
{
    private static ServerHealthCheck Check(int number) =>
        new() { At = default, Kind = "tcp", IsHealthy = true, Duration = default, Reason = number.ToString(CultureInfo.InvariantCulture) };

    [Fact]
    public void Add_WhenMoreThan100Come_KeepsTheNewestInOrder()
    {
        var record = new HealthRecord();
        for (var i = 0; i < 250; i++)
        {
            record.Add(Check(i), 0, i + 1);
        }

        Assert.Equal(Enumerable.Range(150, 100), record.Current.Checks.Select(static check => int.Parse(check.Reason!, CultureInfo.InvariantCulture)));
        Assert.Equal(250, record.Current.SuccessesInARow);
    }

    [Fact]
    public void Current_WhenMoreIsAddedLater_DoesNotChange()
    {
        var record = new HealthRecord();
        record.Add(Check(1), 0, 1);
        var seen = record.Current;
        record.Add(Check(2), 0, 2);
        Assert.Single(seen.Checks);
    }

    [Fact]
    public async Task Add_WhenTwoInstancesAreCheckedAtOnce_LosesNothing()
    {
        var record = new HealthRecord();
        await Guard.WithinAsync(Task.WhenAll(Enumerable.Range(0, 4).Select(one => Task.Run(() =>
        {
            for (var i = 0; i < 20; i++)
            {
                record.Add(Check((one * 20) + i), 0, 0);
            }
        }))), "80 additions");
        Assert.Equal(80, record.Current.Checks.Select(static check => check.Reason).Distinct().Count());
    }
}
