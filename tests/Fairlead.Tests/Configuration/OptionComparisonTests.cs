using Fairlead.Configuration;

namespace Fairlead.Tests.Configuration;

/// <summary>Two configurations are told apart by the keys that differ, whatever kind of value they have.</summary>
public sealed class OptionComparisonTests
{
    [Fact]
    public void Differences_WhenValuesOfEveryKindDiffer_AreTheirKeys()
    {
        var one = new ServerConfig { Name = "s", Url = new Uri("http://a/mcp"), Environment = { ["A"] = "1" } };
        one.RateLimit.Tools["x"] = new RateOptions();
        var other = one.Copy();
        Assert.Empty(OptionComparison.Differences(one, other));
        Assert.True(OptionComparison.AreEqual(one, other));

        other.Url = new Uri("http://b/mcp");
        other.TimeoutMs++;
        other.Tags.Add("new");
        other.Environment["A"] = "2";
        other.Auth.Scopes.Add("read");
        other.Expose.Hide.Add("t");
        other.RateLimit.Tools["x"].Burst = 77;

        Assert.Equal(["env", "url", "auth.scopes", "timeoutMs", "tags", "expose.hide", "rateLimit.tools"], OptionComparison.Differences(one, other));
        Assert.False(OptionComparison.AreEqual(one, other));
    }

    [Fact]
    public void Differences_WhenKeysOfTheGatewayDiffer_AreNamedWithTheirSection()
    {
        var other = new FairleadOptions { Port = 1 };
        other.Limits.DrainGrace = TimeSpan.FromSeconds(99);
        other.Profiles["p"] = new ProfileOptions();

        Assert.Equal(["port", "limits.drainGrace", "profiles"], OptionComparison.Differences(new FairleadOptions(), other));
    }

    [Fact]
    public void AreEqual_WhenAVariableIsMissing_TheyAreNot()
    {
        var one = new ServerConfig { Name = "s", Command = "sh" };
        var other = one.Copy();
        other.MissingVariables.Add("TOKEN");
        Assert.False(OptionComparison.AreEqual(one, other));
    }
}
