using Fairlead.Servers;

namespace Fairlead.Tests.Servers;

public sealed class DependenciesTests
{
    private static IReadOnlyList<IReadOnlyList<string>> Levels(Dictionary<string, string[]> servers) =>
        [.. Dependencies.Levels(servers.Keys, static name => name, name => servers[name])];

    [Fact]
    public void Levels_WhenServersDependOnOthers_EachComesAfterWhatItNeeds()
    {
        var levels = Levels(new() { ["web"] = ["api", "cache"], ["api"] = ["db"], ["db"] = [], ["cache"] = [], ["lone"] = ["elsewhere"] });

        Assert.Equal([["db", "cache", "lone"], ["api"], ["web"]], levels);
    }

    [Fact]
    public void Levels_WhenThereIsACircle_ItStillEnds()
    {
        var levels = Levels(new() { ["a"] = ["b"], ["b"] = ["a"], ["c"] = [] });

        Assert.Equal([["c"], ["a", "b"]], levels);
    }

    [Fact]
    public void FindCircle_WhenTheWayGoesRound_ItIsNamed()
    {
        var servers = new Dictionary<string, string[]> { ["a"] = ["b"], ["b"] = ["c"], ["c"] = ["b"] };

        Assert.Equal(["b", "c", "b"], Dependencies.FindCircle("a", name => servers[name]));
    }

    [Fact]
    public void FindCircle_WhenTwoWaysMeet_ThereIsNone()
    {
        var servers = new Dictionary<string, string[]> { ["a"] = ["b", "c"], ["b"] = ["d"], ["c"] = ["d"], ["d"] = [] };

        Assert.Null(Dependencies.FindCircle("a", name => servers[name]));
    }
}
