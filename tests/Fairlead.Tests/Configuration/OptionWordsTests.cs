using Fairlead.Configuration;

namespace Fairlead.Tests.Configuration;

public sealed class OptionWordsTests
{
    [Theory]
    [InlineData("500ms", 500)]
    [InlineData("30s", 30_000)]
    [InlineData("1.5 h", 5_400_000)]
    [InlineData("1h30m", 5_400_000)]
    [InlineData("1 min 1 s", 61_000)]
    [InlineData("2d", 172_800_000)]
    public void TryDuration_WhenItHasUnits_AddsThemUp(string text, double milliseconds)
    {
        Assert.True(OptionWords.TryDuration(text, out TimeSpan value));
        Assert.Equal(milliseconds, value.TotalMilliseconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("30")]
    [InlineData("s")]
    [InlineData("-5s")]
    [InlineData("5 years")]
    [InlineData("1..5s")]
    [InlineData("99999999999999d")]
    public void TryDuration_WhenItHasNoMeaning_IsFalse(string text) => Assert.False(OptionWords.TryDuration(text, out _));

    [Theory]
    [InlineData(0, "0ms")]
    [InlineData(250, "250ms")]
    [InlineData(90_000, "90s")]
    [InlineData(120_000, "2m")]
    [InlineData(5_400_000, "90m")]
    [InlineData(86_400_000, "1d")]
    public void Duration_WhenWritten_ReadsBackTheSame(double milliseconds, string expected)
    {
        TimeSpan value = TimeSpan.FromMilliseconds(milliseconds);

        Assert.Equal(expected, OptionWords.Duration(value));
        Assert.True(OptionWords.TryDuration(expected, out TimeSpan read));
        Assert.Equal(value, read);
    }

    [Fact]
    public void Word_WhenWritten_ReadsBackTheSame()
    {
        foreach (Type type in new[] { typeof(ServerType), typeof(NamingPolicy), typeof(LoadBalancingPolicy), typeof(AuthKind), typeof(ServerTransport) })
        {
            foreach (object value in Enum.GetValues(type))
            {
                Assert.True(OptionWords.TryWord(type, OptionWords.Word(value), out object read));
                Assert.Equal(value, read);
            }
        }

        Assert.Equal(["on-collision", "in-process", "github", "oauth2", "s3", "power-of-two-choices"],
            new object[] { NamingPolicy.OnCollision, ServerTransport.InProcess, ServerType.GitHub, AuthKind.OAuth2, ServerType.S3, LoadBalancingPolicy.PowerOfTwoChoices }.Select(OptionWords.Word));
    }

    [Theory]
    [InlineData("commnad", "command")]
    [InlineData("time_out_ms", "timeoutMs")]
    [InlineData("urll", "url")]
    [InlineData("quite-different", null)]
    public void Nearest_WhenAWordIsMisspelled_FindsTheOneThatWasMeant(string word, string? expected) =>
        Assert.Equal(expected, OptionWords.Nearest(word, ["command", "timeoutMs", "url", "args"]));

    [Theory]
    [InlineData("port", "FAIRLEAD_PORT")]
    [InlineData("publicUrl", "FAIRLEAD_PUBLIC_URL")]
    [InlineData("limits.requestBodyBytesMax", "FAIRLEAD_LIMITS_REQUEST_BODY_BYTES_MAX")]
    public void Variable_WhenAskedForAnOption_IsItsNameInCapitals(string path, string expected) => Assert.Equal(expected, OptionWords.Variable(path));
}
