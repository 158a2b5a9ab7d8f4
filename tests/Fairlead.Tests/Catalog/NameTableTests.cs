using Fairlead.Catalog;
using Fairlead.Configuration;
using FsCheck;
using FsCheck.Fluent;

namespace Fairlead.Tests.Catalog;

public sealed class NameTableTests
{
    private static readonly Gen<string> s_servers = Gen.Elements("git", "git-hub", "a", "docker", "abcdefghijklmnopqrstuvwxyz-12345");

    // Names that look like each other's prefixed or shortened forms, names of other scripts, and names around the limit.
    private static readonly Gen<string> s_tools = Gen.OneOf(
        Gen.Elements("list", "List", "git__list", "a.b", "a_b", "a b", "工具", "", "x/y", "__", "-"),
        Gen.Elements('a', 'b', '.', '_').ArrayOf().Select(letters => new string(letters)),
        Gen.Choose(55, 70).Select(length => new string('n', length)),
        ArbMap.Default.GeneratorFor<string?>().Select(text => text ?? ""));

    private static readonly Arbitrary<(string Server, string Name)[]> s_fleets =
        Gen.Zip(s_servers, s_tools).Select(pair => (Server: pair.Item1, Name: pair.Item2)).ArrayOf().Select(pairs => pairs.Distinct().ToArray()).ToArbitrary();

    [Theory]
    [InlineData(NamingPolicy.Prefix)]
    [InlineData(NamingPolicy.OnCollision)]
    public void Assign_WhateverTheNames_GivesEachEntryAPlainNameOfItsOwn(NamingPolicy policy) => Prop.ForAll(s_fleets, fleet =>
    {
        var names = NameTable.Assign(fleet, policy);
        return names.All(name => name is not null && NameTable.IsPlain(name)) && names.Distinct().Count() == fleet.Length;
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(NamingPolicy.Prefix)]
    [InlineData(NamingPolicy.OnCollision)]
    public void Assign_WhateverTheOrder_GivesTheSameNames(NamingPolicy policy) => Prop.ForAll(s_fleets, ArbMap.Default.ArbFor<int>(), (fleet, seed) =>
    {
        var shuffled = fleet.ToArray();
        new Random(seed).Shuffle(shuffled);
        var names = fleet.Zip(NameTable.Assign(fleet, policy)).ToDictionary(pair => pair.First, pair => pair.Second);
        return shuffled.Zip(NameTable.Assign(shuffled, policy)).All(pair => names[pair.First] == pair.Second);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Assign_WithPrefixes_NamesDoNotDependOnOtherServers() => Prop.ForAll(s_fleets, s_fleets, (fleet, others) =>
    {
        // A server's own entries may take each other's names by design of their author; other servers never can.
        var servers = fleet.Select(entry => entry.Server).ToHashSet();
        var more = fleet.Concat(others.Where(entry => !servers.Contains(entry.Server))).ToArray();
        return NameTable.Assign(more, NamingPolicy.Prefix).Take(fleet.Length).SequenceEqual(NameTable.Assign(fleet, NamingPolicy.Prefix));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Assign_WithoutPrefixes_TheFirstOfANameWins() => Prop.ForAll(s_fleets, fleet =>
    {
        var names = NameTable.Assign(fleet, NamingPolicy.None);
        return Enumerable.Range(0, fleet.Length).All(i => names[i] == (fleet.Take(i).Any(entry => entry.Name == fleet[i].Name) ? null : fleet[i].Name));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Assign_WithPrefixes_KeepsPlainNamesReadable() =>
        Assert.Equal(["git-hub__list_issues", "a__x"], Assign(NamingPolicy.Prefix, ("git-hub", "list_issues"), ("a", "x")));

    [Fact]
    public void Assign_WhenANameIsTooLongOrNotPlain_ShortensItWithADigestThatNeverChanges()
    {
        var names = Assign(NamingPolicy.Prefix, ("docker", "browser.click"), ("docker", new string('x', 80)));

        // Written down: clients remember these names, so another digest would be a break.
        Assert.Equal(["docker__browser_click_48b9dcd6", "docker__xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_01e4b0f4"], names);
    }

    [Fact]
    public void Assign_OnCollision_PrefixesAllThatShareAName() => Assert.Equal(
        ["one__list", "two__list", "only"],
        Assign(NamingPolicy.OnCollision, ("one", "list"), ("two", "list"), ("two", "only")));

    [Fact]
    public void Assign_OnCollisionWhenAServerTakesAPrefixedName_BothStayDifferent()
    {
        var names = Assign(NamingPolicy.OnCollision, ("one", "list"), ("two", "list"), ("evil", "one__list"));

        Assert.Equal("one__list", names[2]);
        Assert.StartsWith("one__list_", names[0], StringComparison.Ordinal);
        Assert.Equal("two__list", names[1]);
    }

    private static string[] Assign(NamingPolicy policy, params (string Server, string Name)[] entries) => [.. NameTable.Assign(entries, policy).Select(name => name ?? "")];
}
