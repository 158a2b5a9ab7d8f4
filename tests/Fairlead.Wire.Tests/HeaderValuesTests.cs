using FsCheck;
using FsCheck.Fluent;
using static Fairlead.Wire.Tests.Messages;

namespace Fairlead.Wire.Tests;

public class HeaderValuesTests
{
    [Theory]
    [InlineData("forecast", "'forecast'", true)]
    [InlineData(" \tforecast ", "'forecast'", true)]
    [InlineData("forecast", "'fore\\u0063ast'", true)]
    [InlineData("Forecast", "'forecast'", false)]
    [InlineData("forecas", "'forecast'", false)]
    [InlineData("", "''", true)]
    [InlineData("a b", "'a b'", true)]
    [InlineData("a\tb", "'a\\tb'", true)]
    [InlineData("=?base64?w6Q=?=", "'ä'", true)]
    [InlineData(" =?base64?w6Q=?= ", "'ä'", true)]
    [InlineData("=?base64?w6Q=?=", "'\\u00e4'", true)]
    [InlineData("=?base64?w6Q?=", "'ä'", false)]
    [InlineData("=?base64?w6Q= ?=", "'ä'", false)]
    [InlineData("=?base64?w!Q=?=", "'ä'", false)]
    [InlineData("=?base64?wyg=?=", "'Ã('", false)]
    [InlineData("=?BASE64?w6Q=?=", "'ä'", false)]
    [InlineData("=?BASE64?w6Q=?=", "'=?BASE64?w6Q=?='", true)]
    [InlineData("=?base64?w6Q=?=", "'=?base64?w6Q=?='", false)]
    [InlineData("=?base64?YQ==?=", "'a'", true)]
    [InlineData("=?base64??=", "''", true)]
    [InlineData("=?base64?=", "'=?base64?='", true)]
    [InlineData("ä", "'ä'", false)]
    [InlineData("a\u0001", "'a\\u0001'", false)]
    [InlineData("42", "42", true)]
    [InlineData("42.0", "42", true)]
    [InlineData("42", "4.2e1", true)]
    [InlineData("-0", "0", true)]
    [InlineData("43", "42", false)]
    [InlineData("042", "42", false)]
    [InlineData("+42", "42", false)]
    [InlineData("42x", "42", false)]
    [InlineData("", "42", false)]
    [InlineData("=?base64?NDI=?=", "42", true)]
    [InlineData("9007199254740991", "9007199254740991", true)]
    [InlineData("9007199254740992", "9007199254740992", false)]
    [InlineData("1.5", "1.5", false)]
    [InlineData("true", "true", true)]
    [InlineData("false", "true", false)]
    [InlineData("True", "true", false)]
    [InlineData("true", "'true'", true)]
    [InlineData("null", "null", false)]
    [InlineData("{}", "{}", false)]
    [InlineData("x", "", false)]
    public void Matches_WhenHeaderAndBodySayTheSame_OnlyThen(string header, string token, bool expected)
    {
        Assert.Equal(expected, HeaderValues.Matches(header, Json(token)));
    }

    [Theory]
    [InlineData("plain text", "plain text")]
    [InlineData("", "")]
    [InlineData(" x", "=?base64?IHg=?=")]
    [InlineData("x ", "=?base64?eCA=?=")]
    [InlineData("ä", "=?base64?w6Q=?=")]
    [InlineData("a\tb", "=?base64?YQli?=")]
    [InlineData("a\r\nb: c", "=?base64?YQ0KYjogYw==?=")]
    [InlineData("=?base64?w6Q=?=", "=?base64?PT9iYXNlNjQ/dzZRPT89?=")]
    [InlineData("=?base64?", "=?base64?")]
    public void Encode_WhenTextIsNotPlain_UsesBase64(string text, string expected)
    {
        Assert.Equal(expected, HeaderValues.Encode(Utf8(text)));
    }

    [Fact]
    public void Encode_OfAnyText_IsAHeaderThatMatchesIt() =>
        Prop.ForAll<string>(text =>
        {
            var clean = Utf8(text ?? "");
            var header = HeaderValues.Encode(clean);
            Assert.DoesNotContain(header, letter => letter is < ' ' or > '~');
            Assert.Equal(header, header.Trim());
            var decoded = new byte[header.Length];
            Assert.True(HeaderValues.TryDecode(header, decoded, out var written));
            Assert.Equal(clean, decoded[..written]);
            Assert.True(HeaderValues.Matches(header, JsonText.Quote(Text(clean))));
            Assert.False(HeaderValues.Matches(header, JsonText.Quote(Text(clean) + "x")));
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("'ab'", "ab")]
    [InlineData("'\\u00e4'", "=?base64?w6Q=?=")]
    [InlineData("true", "true")]
    [InlineData("false", "false")]
    [InlineData("1e2", "100")]
    [InlineData("-7.0", "-7")]
    [InlineData("7.5", null)]
    [InlineData("9007199254740993", null)]
    [InlineData("null", null)]
    [InlineData("{}", null)]
    [InlineData("[1]", null)]
    public void TryEncodeToken_WhenValueIsScalar_MirrorsIt(string token, string? expected)
    {
        Assert.Equal(expected is not null, HeaderValues.TryEncodeToken(Json(token), out var header));
        Assert.Equal(expected, header);
    }

    [Theory]
    [InlineData("0", 0L)]
    [InlineData("0e99999", 0L)]
    [InlineData("0.000", 0L)]
    [InlineData("0.001e3", 1L)]
    [InlineData("100e-2", 1L)]
    [InlineData("12.50e1", 125L)]
    [InlineData("-9007199254740991", -HeaderValues.IntegerMax)]
    [InlineData("9007199254740991.000", HeaderValues.IntegerMax)]
    [InlineData("9007199254740992", null)]
    [InlineData("1e16", null)]
    [InlineData("1e999999999", null)]
    [InlineData("1e99999999999", null)]
    [InlineData("1e-1", null)]
    [InlineData("100e-3", null)]
    [InlineData("0.0000000000000000000000000000000000000001", null)]
    [InlineData("1.", null)]
    [InlineData("'1'", null)]
    [InlineData("", null)]
    public void TryReadInteger_WhenNumberIsWhole_IsExact(string number, long? expected)
    {
        Assert.Equal(expected is not null, HeaderValues.TryReadInteger(Json(number), out var value));
        Assert.True(expected is null || value == expected);
    }

    [Fact]
    public void TryDecode_WhenDestinationIsShort_SaysSo()
    {
        Assert.False(HeaderValues.TryDecode("abc", new byte[2], out _));
        Assert.False(HeaderValues.TryDecode("=?base64?YWJj?=", new byte[2], out _));
        Assert.True(HeaderValues.TryDecode("abc", new byte[3], out var written));
        Assert.Equal(3, written);
    }
}
