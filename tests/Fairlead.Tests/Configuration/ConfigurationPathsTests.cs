using Fairlead.Configuration;

namespace Fairlead.Tests.Configuration;

/// <summary>The table of folders, for all systems on one.</summary>
public sealed class ConfigurationPathsTests
{
    [Theory]
    [InlineData(SystemKind.Linux, "/home/u", "", "/home/u/.config/fairlead/fairlead.json", "/home/u/.local/state/fairlead")]
    [InlineData(SystemKind.Linux, "/home/u", "XDG_CONFIG_HOME=/c;XDG_STATE_HOME=/s/", "/c/fairlead/fairlead.json", "/s/fairlead")]
    [InlineData(SystemKind.Linux, "/home/u", "XDG_CONFIG_HOME=relative;XDG_STATE_HOME=", "/home/u/.config/fairlead/fairlead.json", "/home/u/.local/state/fairlead")]
    [InlineData(SystemKind.MacOs, "/Users/u", "", "/Users/u/Library/Application Support/Fairlead/fairlead.json", "/Users/u/Library/Application Support/Fairlead")]
    [InlineData(SystemKind.Windows, @"C:\Users\u", "", @"C:\Users\u\AppData\Roaming\Fairlead\fairlead.json", @"C:\Users\u\AppData\Local\Fairlead")]
    [InlineData(SystemKind.Windows, @"C:\Users\u", @"APPDATA=D:\r;LOCALAPPDATA=D:\l\", @"D:\r\Fairlead\fairlead.json", @"D:\l\Fairlead")]
    public void Folders_WhenAskedForASystem_FollowItsCustoms(SystemKind system, string home, string variables, string configuration, string state)
    {
        Dictionary<string, string> environment = Loading.Variables([.. variables.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(pair => (pair.Split('=')[0], pair.Split('=')[1]))]);

        Assert.Equal(configuration, ConfigurationPaths.Candidates(system, environment, "/here", home)[1]);
        Assert.Equal(state, ConfigurationPaths.StateFolder(null, system, environment, home));
        Assert.Equal("/given", ConfigurationPaths.StateFolder("/given", system, environment, home));
    }

    [Fact]
    public void Find_WhenSeveralPlacesHaveAFile_TheNamedOneWinsThenTheVariableThenTheCurrentDirectory()
    {
        using var folder = new TempFolder();
        string home = Path.Combine(folder.Path, "home");
        Assert.Null(ConfigurationPaths.Find(null, Loading.Variables(), folder.Path, home));

        string atHome = folder.Write("home/.config/fairlead/fairlead.json", "{}");
        Assert.Equal(atHome, ConfigurationPaths.Find(null, Loading.Variables(), folder.Path, home));

        string here = folder.Write("fairlead.json", "{}");
        Assert.Equal(here, ConfigurationPaths.Find(null, Loading.Variables(), folder.Path, home));
        Assert.Equal("v.json", ConfigurationPaths.Find(null, Loading.Variables(("FAIRLEAD_CONFIG", "v.json")), folder.Path, home));
        Assert.Equal("n.json", ConfigurationPaths.Find("n.json", Loading.Variables(("FAIRLEAD_CONFIG", "v.json")), folder.Path, home));
    }
}
