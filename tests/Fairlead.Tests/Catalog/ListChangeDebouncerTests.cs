using Fairlead.Catalog;
using Fairlead.TestKit;

namespace Fairlead.Tests.Catalog;

public sealed class ListChangeDebouncerTests : IDisposable
{
    private readonly FakeTimeProvider _clock = new();
    private readonly List<CatalogChanges> _calls = [];
    private readonly ListChangeDebouncer _debouncer;
    private Task _call = Task.CompletedTask;

    public ListChangeDebouncerTests() => _debouncer = new ListChangeDebouncer(_clock, changes =>
    {
        _calls.Add(changes);
        return _call;
    });

    public void Dispose() => _debouncer.Dispose();

    [Fact]
    public void Signal_WhenAStormComes_CallsOnceWithAllChangesAfterIt()
    {
        _debouncer.Signal(CatalogChanges.Tools);
        _clock.Advance(TimeSpan.FromMilliseconds(60));
        _debouncer.Signal(CatalogChanges.Prompts);
        _clock.Advance(TimeSpan.FromMilliseconds(99));
        Assert.Empty(_calls);

        _clock.Advance(TimeSpan.FromMilliseconds(1));
        _clock.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal([CatalogChanges.Tools | CatalogChanges.Prompts], _calls);
    }

    [Fact]
    public void Signal_WhenItNeverStops_IsHeardAfterASecondAndThenEverMoreRarely()
    {
        var heardAt = new List<double>();
        for (var i = 1; i <= 640; i++)
        {
            _debouncer.Signal(CatalogChanges.Tools);
            _clock.Advance(TimeSpan.FromMilliseconds(50));
            if (_calls.Count > heardAt.Count)
            {
                heardAt.Add(i * 0.05);
            }
        }

        Assert.Equal([1.0, 3.0, 7.0, 15.0, 23.0, 31.0], heardAt.Select(static at => Math.Round(at, MidpointRounding.ToZero)));
    }

    [Fact]
    public void Signal_AfterTheEndOfAStorm_IsHeardAfterTheQuietAndANewStormAfterASecond()
    {
        Storm(TimeSpan.FromSeconds(4));
        Assert.Equal(2, _calls.Count);

        _clock.Advance(ListChangeDebouncer.Quiet);
        Assert.Equal(3, _calls.Count);

        Storm(TimeSpan.FromSeconds(1.2));
        Assert.Equal(4, _calls.Count);
    }

    [Fact]
    public void Signal_WhileACallIsUnderWay_MakesOneMoreAfterItsEndAndNoneBefore()
    {
        var reading = new TaskCompletionSource();
        _call = reading.Task;
        for (var i = 0; i < 100; i++)
        {
            _debouncer.Signal(CatalogChanges.Tools);
            _clock.Advance(TimeSpan.FromMilliseconds(50));
        }

        Assert.Single(_calls);
        reading.SetResult();
        _call = Task.CompletedTask;
        _clock.Advance(ListChangeDebouncer.Quiet);
        _clock.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(2, _calls.Count);
    }

    [Fact]
    public void Signal_AfterACall_BeginsAnew()
    {
        _debouncer.Signal(CatalogChanges.Tools);
        _clock.Advance(ListChangeDebouncer.Quiet);
        _debouncer.Signal(CatalogChanges.Resources);
        _clock.Advance(ListChangeDebouncer.Quiet);

        Assert.Equal([CatalogChanges.Tools, CatalogChanges.Resources], _calls);
    }

    [Fact]
    public void Signal_WhenDisposedBeforeTheQuiet_IsDropped()
    {
        _debouncer.Signal(CatalogChanges.Tools);
        _debouncer.Dispose();
        _debouncer.Signal(CatalogChanges.Tools);
        _clock.Advance(TimeSpan.FromSeconds(10));

        Assert.Empty(_calls);
        Assert.Equal(0, _clock.ArmedTimers);
    }

    private void Storm(TimeSpan duration)
    {
        for (var left = duration; left > TimeSpan.Zero; left -= TimeSpan.FromMilliseconds(50))
        {
            _debouncer.Signal(CatalogChanges.Tools);
            _clock.Advance(TimeSpan.FromMilliseconds(50));
        }
    }
}
