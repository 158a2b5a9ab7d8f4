using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.State;
using Fairlead.TestKit;
using Fairlead.Tests.Configuration;
using Fairlead.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using static Fairlead.Tests.Catalog.CatalogWorld;

namespace Fairlead.Tests.Catalog;

public sealed class CatalogueTests : IAsyncLifetime, IAsyncDisposable
{
    private readonly Fleet _fleet = new();
    private readonly List<(string Who, CatalogChanges What)> _told = [];
    private readonly Catalogue _catalogue;

    public CatalogueTests()
    {
        _catalogue = new Catalogue(_fleet, NamingPolicy.Prefix, null, NullLogger.Instance);
        _fleet.CatalogChanged += (cell, changes) => _told.Add((cell?.Name ?? "/mcp", changes));
    }

    public Task InitializeAsync() => Task.CompletedTask;

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public ValueTask DisposeAsync() => _catalogue.DisposeAsync();

    [Fact]
    public async Task Update_WhenListsAreNew_PublishesThemBeforeItReturnsAndTellsOnce()
    {
        var cell = Cell("a");
        _fleet.Publish(FleetOf(cell));

        await UpdateAsync(cell, Tools("x"));

        Assert.Equal(["x"], cell.Offered.Names());
        Assert.Equal(["a__x"], _fleet.Aggregate.Names());
        Assert.Equal([("a", CatalogChanges.Tools), ("/mcp", CatalogChanges.Tools)], _told);
    }

    [Fact]
    public async Task Update_WhenListsAreTheSame_TellsNobodyAndKeepsTheSnapshots()
    {
        var cell = Cell("a");
        _fleet.Publish(FleetOf(cell));
        await UpdateAsync(cell, Tools("x"));
        var (own, aggregate) = (cell.Offered, _fleet.Aggregate);
        _told.Clear();

        await UpdateAsync(cell, Tools("x"));

        Assert.Empty(_told);
        Assert.Same(own, cell.Offered);
        Assert.Same(aggregate, _fleet.Aggregate);
    }

    [Fact]
    public async Task Update_WhenOneListChanged_TellsOfThatAndKeepsTheRenderedPagesOfTheOthers()
    {
        var cell = Cell("a");
        _fleet.Publish(FleetOf(cell));
        var first = Tools("x") with { Resources = [Entry("""{"uri":"a:1"}""", ListKind.Resources)] };
        await UpdateAsync(cell, first);
        cell.Offered.TryGetPage(ListKind.Tools, ProtocolVersion.V20251125, default, out var page);
        _told.Clear();

        await UpdateAsync(cell, Tools("x"));

        Assert.Equal([("a", CatalogChanges.Resources), ("/mcp", CatalogChanges.Resources)], _told);
        cell.Offered.TryGetPage(ListKind.Tools, ProtocolVersion.V20251125, default, out var again);
        Assert.True(page.Span == again.Span);
    }

    [Fact]
    public async Task Update_WhenOnlyWhatTheServerSaysOfItselfChanged_PublishesWithoutTelling()
    {
        var cell = Cell("a");
        _fleet.Publish(FleetOf(cell));
        await UpdateAsync(cell, Tools("x"));
        _told.Clear();

        await UpdateAsync(cell, Tools("x") with { Identity = Identity(instructions: "new") });

        Assert.Empty(_told);
        Assert.False(_fleet.Aggregate.Instructions.IsEmpty);
    }

    [Fact]
    public async Task Refresh_WhenServersComeGoAndMove_TheAggregateFollowsTheFleet()
    {
        var (a, b) = (Cell("a", Tools("x")), Cell("b", Tools("y")));
        _fleet.Publish(FleetOf(a, b));
        await RefreshAsync();
        Assert.Equal(["a__x", "b__y"], _fleet.Aggregate.Names());
        Assert.Equal(["y"], b.Offered.Names());

        _fleet.Publish(FleetOf(b, a));
        await RefreshAsync();
        Assert.Equal(["b__y", "a__x"], _fleet.Aggregate.Names());

        _fleet.Publish(FleetOf(b));
        await _catalogue.RemoveServerAsync(a, CancellationToken.None);
        Assert.Equal(["b__y"], _fleet.Aggregate.Names());
        Assert.Equal("", _fleet.Aggregate.Route("a__x"));
        Assert.Equal(3, _told.Count(told => told.Who == "/mcp"));
    }

    [Fact]
    public async Task Refresh_WhenAServerIsSwitchedOff_ItLeavesTheAggregateAndComesBack()
    {
        var cell = Cell("a", Tools("x"));
        _fleet.Publish(FleetOf(cell));
        await RefreshAsync();

        cell.Publish(cell.Current with { State = ServerState.Disabled });
        await RefreshAsync();
        Assert.Empty(_fleet.Aggregate.Names());

        cell.Publish(cell.Current with { State = ServerState.Unhealthy });
        await RefreshAsync();
        Assert.Equal(["a__x"], _fleet.Aggregate.Names());
    }

    [Fact]
    public async Task Refresh_WhenExposeHasChanged_ShowsOtherTools()
    {
        var cell = Cell("a", Tools("x", "y"));
        _fleet.Publish(FleetOf(cell));
        await RefreshAsync();
        var config = cell.Current.Config.Copy();
        config.Expose.Hide = ["x"];
        cell.Publish(cell.Current with { Config = config });

        await RefreshAsync();

        Assert.Equal(["y"], cell.Offered.Names());
        Assert.Equal(["a__y"], _fleet.Aggregate.Names());
    }

    [Fact]
    public async Task Update_WhenAServerIsReplacedByOneOfTheSameName_RoutesLeadToTheNewOne()
    {
        var (old, next) = (Cell("a", Tools("x")), Cell("a", Tools("x")));
        _fleet.Publish(FleetOf(old));
        await RefreshAsync();
        _told.Clear();

        _fleet.Publish(FleetOf(next));
        await RefreshAsync();

        Assert.True(_fleet.Aggregate.TryRoute(ListKind.Tools, "\"a__x\""u8, out var route));
        Assert.Same(next, route.Cell);
        Assert.DoesNotContain(("/mcp", CatalogChanges.Tools), _told);
    }

    [Fact]
    public async Task Update_WhenNamesCollideWithoutPrefixes_NotesSayWhatIsMissing()
    {
        await using var catalogue = new Catalogue(_fleet, NamingPolicy.None, null, NullLogger.Instance);
        _fleet.Publish(FleetOf(Cell("a", Tools("x")), Cell("b", Tools("x"))));

        await catalogue.RefreshAsync(CancellationToken.None);

        Assert.Contains("'x' of b", Assert.Single(catalogue.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Update_WhenAHandlerThrows_TheCallerLearnsItAndTheNextUpdateWorks()
    {
        var cell = Cell("a");
        _fleet.Publish(FleetOf(cell));
        void Fail(NamedEndpoint? who, CatalogChanges what) => throw new InvalidOperationException("a handler's fault");
        _fleet.CatalogChanged += Fail;
        await Assert.ThrowsAsync<InvalidOperationException>(() => UpdateAsync(cell, Tools("x")));
        _fleet.CatalogChanged -= Fail;

        await UpdateAsync(cell, Tools("y"));

        Assert.Equal(["a__y"], _fleet.Aggregate.Names());
    }

    [Fact]
    public async Task Update_AfterDispose_ReturnsAndChangesNothing()
    {
        var cell = Cell("a");
        _fleet.Publish(FleetOf(cell));
        await _catalogue.DisposeAsync();

        await UpdateAsync(cell, Tools("x"));

        Assert.Empty(cell.Offered.Names());
    }

    [Fact]
    public async Task Update_WhenAThousandServersStartAtOnce_AllAreOfferedInOrder()
    {
        var cells = Enumerable.Range(0, 1000).Select(i => Cell($"s{i}")).ToArray();
        _fleet.Publish(FleetOf(cells));

        await Guard.WithinAsync(Task.WhenAll(cells.Select(cell => _catalogue.UpdateServerAsync(cell, Tools("one", "two"), CancellationToken.None))), "a thousand updates");

        Assert.Equal(cells.SelectMany(cell => new[] { cell.Name + "__one", cell.Name + "__two" }), _fleet.Aggregate.Names());
        Assert.Equal("s999:\"two\"", _fleet.Aggregate.Route("s999__two"));

        // What waits together is built together: far fewer aggregates than servers.
        Assert.InRange(_told.Count(told => told.Who == "/mcp"), 1, 100);
    }

    [Fact]
    public async Task Update_WhenThereIsAStore_TheNextStartKnowsTheLists()
    {
        using var state = new TempFolder();
        using var store = new CatalogStore(new StateFiles(state.Path, new FakeTimeProvider(), NullLogger.Instance));
        var cell = Cell("a");
        _fleet.Publish(FleetOf(cell));
        await using (var first = new Catalogue(_fleet, NamingPolicy.Prefix, store, NullLogger.Instance))
        {
            Assert.True((first.LoadKnown(cell.Current.Config)).IsUnknown);
            await first.UpdateServerAsync(cell, Tools("x"), CancellationToken.None);
        }

        await using var second = new Catalogue(new Fleet(), NamingPolicy.Prefix, store, NullLogger.Instance);
        var known = second.LoadKnown(cell.Current.Config);
        Assert.Equal(["x"], known.Tools.Select(tool => tool.Name));

        await second.RemoveServerAsync(cell, CancellationToken.None);
        Assert.True((second.LoadKnown(cell.Current.Config)).IsUnknown);
    }

    private Task UpdateAsync(ServerCell cell, ServerCatalog catalog) => Guard.WithinAsync(_catalogue.UpdateServerAsync(cell, catalog, CancellationToken.None), "an update");

    private Task RefreshAsync() => Guard.WithinAsync(_catalogue.RefreshAsync(CancellationToken.None), "a refresh");
}
