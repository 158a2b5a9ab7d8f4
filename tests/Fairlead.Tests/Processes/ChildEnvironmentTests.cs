using Fairlead.Processes;

namespace Fairlead.Tests.Processes;

public sealed class ChildEnvironmentTests
{
    [Theory]
    [InlineData("PATH", true)]
    [InlineData("HOME", true)]
    [InlineData("LC_ALL", true)]
    [InlineData("XDG_RUNTIME_DIR", true)]
    [InlineData("https_proxy", true)]
    [InlineData("NODE_EXTRA_CA_CERTS", true)]
    [InlineData("GITHUB_TOKEN", false)]
    [InlineData("AWS_SECRET_ACCESS_KEY", false)]
    [InlineData("LD_PRELOAD", false)]
    [InlineData("NODE_OPTIONS", false)]
    [InlineData("Path", false)]
    [InlineData("SystemRoot", false)]
    public void Inherits_OnUnix_TheListAndNothingElse(string name, bool expected) => Assert.Equal(expected, ChildEnvironment.Inherits(name, windows: false));

    [Theory]
    [InlineData("Path", true)]
    [InlineData("SYSTEMROOT", true)]
    [InlineData("PathExt", true)]
    [InlineData("lc_all", true)]
    [InlineData("GITHUB_TOKEN", false)]
    public void Inherits_OnWindows_IgnoresCase(string name, bool expected) => Assert.Equal(expected, ChildEnvironment.Inherits(name, windows: true));

    [Fact]
    public void Build_WhenBothNameAVariable_OwnWinsButNeverOverTheMarker()
    {
        var built = ChildEnvironment.Build(
            [new("PATH", "/usr/bin"), new("HOME", "/home/a"), new("SECRET", "s")], [new("PATH", "/own"), new("FAIRLEAD_INSTANCE", "forged")], "i.1", windows: false);

        Assert.Equal(new SortedDictionary<string, string> { ["PATH"] = "/own", ["HOME"] = "/home/a", ["FAIRLEAD_INSTANCE"] = "i.1" }, new SortedDictionary<string, string>(built));
    }
}
