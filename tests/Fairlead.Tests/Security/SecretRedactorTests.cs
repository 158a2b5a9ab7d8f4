using System.Text.Json;
using Fairlead.Security;
using FsCheck;
using FsCheck.Fluent;

namespace Fairlead.Tests.Security;

public sealed class SecretRedactorTests
{
    [Theory]
    [InlineData("nothing here", "nothing here")]
    [InlineData("a hunter2secret b", "a REDACTED b")]
    [InlineData("hunter2secrethunter2secret", "REDACTEDREDACTED")]
    [InlineData("hunter2secretive", "REDACTED")]
    [InlineData("xabcdefgx", "xREDACTEDx")]
    [InlineData("abcdabcdef", "REDACTEDREDACTED")]
    public void Redact_WhenSecretsAreInTheText_ReplacesTheLongest(string text, string expected) =>
        Assert.Equal(expected, new SecretRedactor(["hunter2secret", "hunter2secretive", "abcdef", "cdefg", "abcd"]).Redact(text));

    [Theory]
    [InlineData("abc")]
    [InlineData("  abc  ")]
    [InlineData("true")]
    [InlineData("localhost")]
    [InlineData("8080")]
    [InlineData("REDACTED")]
    public void Redact_WhenAValueIsTooShortOrAnEverydayWord_LeavesTexts(string value)
    {
        string text = $"the {value.Trim()} stays";

        Assert.Same(text, new SecretRedactor([value]).Redact(text));
    }

    [Fact]
    public void Redact_WhenTheTextIsEncoded_FindsTheSecretInIt()
    {
        const string Secret = "p\"ä<s&/ +w";
        var redactor = new SecretRedactor([Secret]);

        Assert.Equal("\"REDACTED\"", redactor.Redact(JsonSerializer.Serialize(Secret)));
        Assert.Equal("?k=REDACTED&x", redactor.Redact($"?k={Uri.EscapeDataString(Secret)}&x"));
        Assert.Equal("REDACTED", redactor.Redact(Uri.EscapeDataString(Secret).ToLowerInvariant()));
        Assert.Equal("REDACTED", redactor.Redact(JsonEncodedText.Encode(Secret).ToString().ToLowerInvariant()));
    }

    [Fact]
    public void Redact_WhenASecretHasSeveralLines_FindsItsLongLines()
    {
        var redactor = new SecretRedactor(["-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\nshort\n-----END PRIVATE KEY-----"]);

        Assert.Equal("-----BEGIN PRIVATE KEY-----", redactor.Redact("-----BEGIN PRIVATE KEY-----"));
        Assert.Equal("read: REDACTED", redactor.Redact("read: MIIEvQIBADANBgkqhkiG"));
    }

    [Fact]
    public void Add_WhenAnotherRedactorIsGiven_KnowsItsSecretsToo()
    {
        var redactor = new SecretRedactor();
        Assert.False(redactor.Finds("planted-secret"));
        redactor.Add(new SecretRedactor(["planted-secret"]));

        Assert.True(redactor.Finds("a planted-secret"));
        Assert.Null(redactor.Redact(null));
    }

    [Fact]
    public void Redact_WhenSecretsAndTextsAreRandom_LeavesNoSecret()
    {
        var secrets = Gen.Elements('a', 'b', 'c').ArrayOf().Where(letters => letters.Length >= SecretRedactor.LengthMin).Select(letters => new string(letters));
        var texts = Gen.Elements('a', 'b', 'c', 'd').ArrayOf().Select(letters => new string(letters));
        Prop.ForAll(secrets.ArrayOf().ToArbitrary(), texts.ToArbitrary(), (known, text) =>
        {
            string clean = new SecretRedactor(known).Redact(text);
            Assert.All(known, secret => Assert.DoesNotContain(secret, clean, StringComparison.Ordinal));
            Assert.Equal(text.Count(letter => letter == 'd'), clean.Count(letter => letter == 'd'));
        }).QuickCheckThrowOnFailure();
    }
}
