using Fairlead.Configuration;

namespace Fairlead.Tests.Configuration;

public sealed class ProfileOptionsTests
{
    [Fact]
    public void Profiles_WhenWritten_AreReadAndShownAgain()
    {
        var result = Loading.Text("""
            { "servers": { "git": { "command": "git-server" } },
              "profiles": { "work": { "servers": ["git"], "tools": ["git__*"], "hide": ["git__push"], "rename": { "git__log": "log" } }, "all": {} } }
            """);
        Assert.Equal("", string.Join("\n", result.Errors.Concat(result.Warnings)));
        var work = result.Options.Profiles["work"];
        Assert.Equal(["git"], work.Servers);
        Assert.Equal(["git__*"], work.Tools);
        Assert.Equal(["git__push"], work.Hide);
        Assert.Equal("log", work.Rename["git__log"]);
        Assert.Empty(result.Options.Profiles["all"].Servers);

        var shown = ConfigurationView.Show(result.Options, result.Redactor);
        Assert.Equal(shown, ConfigurationView.Show(Loading.Text(shown).Options, result.Redactor));
        Assert.Contains("\"git__log\": \"log\"", shown, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "work": { "servers": ["gti"] } }""", "profiles.work.servers[0]", "Did you mean git?")]
    [InlineData("""{ "work": { "servers": ["prometheus"] } }""", "profiles.work.servers[0]", "The servers are git.")]
    [InlineData("""{ "My Work": {} }""", "My Work", "Call it my-work.")]
    [InlineData("""{ "work": { "serves": [] } }""", "profiles.work", "Did you mean servers?")]
    [InlineData("""{ "work": ["git"] }""", "profiles.work", "The value must be an object.")]
    [InlineData("""["git"]""", "profiles", "an object of names")]
    public void Profiles_WhenWrong_AreExplained(string profiles, string place, string words)
    {
        var result = Loading.Text("""{ "servers": { "git": { "command": "git-server" } }, "profiles": """ + profiles + " }");
        var error = Assert.Single(result.Errors).ToString();
        Assert.Contains(place, error, StringComparison.Ordinal);
        Assert.Contains(words, error, StringComparison.Ordinal);
    }
}
