using Fairlead.Configuration;
using FsCheck;
using FsCheck.Fluent;

namespace Fairlead.Tests.Configuration;

public sealed class ServerNameTests
{
    [Theory]
    [InlineData("git", "git")]
    [InlineData("Sequential Thinking", "sequential-thinking")]
    [InlineData("@scope/Server_Name!", "scope-server-name")]
    [InlineData("  --x--  ", "x")]
    [InlineData("a-name-that-is-longer-than-thirty-two-characters", "a-name-that-is-longer-than-thirt")]
    [InlineData("0123456789012345678901234567890 x", "0123456789012345678901234567890")]
    [InlineData("日本", "")]
    [InlineData("", "")]
    public void ToSlug_WhenGivenAnyText_MakesAName(string text, string expected) => Assert.Equal(expected, ServerName.ToSlug(text));

    [Fact]
    public void ToSlug_WhenGivenItsOwnResult_ChangesNothing()
    {
        Prop.ForAll(ArbMap.Default.ArbFor<string?>(), text =>
        {
            string slug = ServerName.ToSlug(text ?? "");
            Assert.Equal(slug, ServerName.ToSlug(slug));
            Assert.True(slug.Length == 0 || ServerName.IsValid(slug) || ServerName.Reserved.Contains(slug), slug);
        }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData("p")]
    [InlineData("metrics")]
    [InlineData("A")]
    [InlineData("a_b")]
    [InlineData("")]
    public void IsValid_WhenReservedOrOutOfForm_IsFalse(string name) => Assert.False(ServerName.IsValid(name));
}
