using System.Buffers;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using static Fairlead.Wire.Tests.Messages;

namespace Fairlead.Wire.Tests;

public class JsonTextTests
{
    [Theory]
    [InlineData("\"abc\"", "abc", true)]
    [InlineData("\"a\\u0062c\"", "abc", true)]
    [InlineData("\"a\\/c\"", "a/c", true)]
    [InlineData("\"a\\\\\"", "a\\", true)]
    [InlineData("\"\\\"\\b\\f\\n\\r\\t\"", "\"\b\f\n\r\t", true)]
    [InlineData("\"\\u00e4\\u20AC\\ud83d\\uDE00\"", "ä€😀", true)]
    [InlineData("\"\"", "", true)]
    [InlineData("\"a\\\\n\"", "a\\n", true)]
    [InlineData("\"a\\n\"", "a\\n", false)]
    [InlineData("\"abc\"", "ab", false)]
    [InlineData("\"ab\"", "abc", false)]
    [InlineData("\"\\u0061b\"", "abc", false)]
    [InlineData("\"\\u0061bc\"", "ab", false)]
    [InlineData("\"\\u0061bcd\"", "abc", false)]
    [InlineData("7", "7", false)]
    [InlineData("null", "null", false)]
    [InlineData("", "", false)]
    [InlineData("\"", "", false)]
    public void Equals_WhenTokenIsEscaped_ComparesTheText(string token, string text, bool expected)
    {
        Assert.Equal(expected, JsonText.Equals(Utf8(token), Utf8(text)));
    }

    [Fact]
    public void Equals_WhenTextIsLongAndEscaped_ComparesAllOfIt()
    {
        var text = new string('x', 5000);
        Assert.True(JsonText.Equals(Utf8("\"" + text + "\\u0078\""), Utf8(text + "x")));
        Assert.False(JsonText.Equals(Utf8("\"" + text + "\\u0079\""), Utf8(text + "x")));
    }

    [Fact]
    public void TryUnescape_WhenSurrogateIsAlone_KeepsDifferentOnesApart()
    {
        var seen = new HashSet<string>();
        foreach (var token in new[] { "\\ud800", "\\ud801", "\\udc00", "\\ud800\\ud800", "\\ud800x", "\\ud800\\u0041", "\\udc00\\ud800", "\\ud800\\n", "\\ufffd" })
        {
            var text = new byte[20];
            Assert.True(JsonText.TryUnescape(Utf8("\"" + token + "\""), text, out var written));
            Assert.True(seen.Add(Convert.ToHexString(text.AsSpan(0, written))));
            Assert.Contains('\ufffd', JsonText.ToString(Utf8("\"" + token + "\""))!);
        }
    }

    [Fact]
    public void TryUnescape_WhenDestinationIsShort_SaysSo()
    {
        foreach (var token in new[] { "abcdef", "\\n\\n\\n\\n\\n\\n", "\\u0061bcdef", "ab\\u20accd", "\\ud83d\\ude00ab", "aä\\u00e4a" })
        {
            var whole = Utf8(JsonText.ToString(Utf8("\"" + token + "\""))!);
            for (var length = 0; length <= whole.Length; length++)
            {
                var destination = new byte[length];
                var fits = JsonText.TryUnescape(Utf8("\"" + token + "\""), destination, out var written);
                Assert.Equal(length == whole.Length, fits);
                Assert.True(!fits || (written == length && destination.AsSpan().SequenceEqual(whole)));
            }
        }

        Assert.False(JsonText.TryUnescape(Utf8("12"), new byte[9], out _));
    }

    [Theory]
    [InlineData("", "\"\"")]
    [InlineData("plain ä€😀 <>&'+\u2028", "\"plain ä€😀 <>&'+\u2028\"")]
    [InlineData("\"\\/", "\"\\\"\\\\/\"")]
    [InlineData("\b\f\n\r\t\0\u0001\u001f\u007f", "\"\\b\\f\\n\\r\\t\\u0000\\u0001\\u001f\u007f\"")]
    public void WriteString_WhenTextNeedsIt_EscapesNothingElse(string text, string expected)
    {
        Assert.Equal(expected, Text(JsonText.Quote(text)));
        var writer = new ArrayBufferWriter<byte>();
        JsonText.WriteString(Utf8(text), writer);
        Assert.Equal(expected, Text(writer.WrittenSpan));
        Assert.Equal(text, JsonText.ToString(Utf8(expected)));
    }

    [Fact]
    public void WriteString_OfAnyText_IsReadBackBySystemTextJson() =>
        Prop.ForAll<string>(text =>
        {
            var clean = Text(Utf8(text ?? ""));
            var token = JsonText.Quote(clean);
            Assert.Equal(clean, JsonSerializer.Deserialize<string>(token));
            Assert.Equal(clean, JsonText.ToString(token));
            Assert.True(JsonText.Equals(token, Utf8(clean)));
            Assert.Equal(clean, JsonText.ToString(JsonSerializer.SerializeToUtf8Bytes(clean)));
            Assert.True(JsonText.Equals(JsonSerializer.SerializeToUtf8Bytes(clean), Utf8(clean)));
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("0", 0L)]
    [InlineData("-5", -5L)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("-9223372036854775808", long.MinValue)]
    [InlineData("65536.0", 65536L)]
    [InlineData("7.000", 7L)]
    public void RequestIds_WhenTokenIsAnInteger_AreRead(string token, long expected)
    {
        Assert.True(RequestIds.TryParse(Utf8(token), out var id));
        Assert.Equal(expected, id);
    }

    [Theory]
    [InlineData("\"7\"")]
    [InlineData("7.5")]
    [InlineData("7.")]
    [InlineData("7e1")]
    [InlineData("9223372036854775808")]
    [InlineData("null")]
    [InlineData("")]
    public void RequestIds_WhenTokenIsNotOurs_AreNotRead(string token)
    {
        Assert.False(RequestIds.TryParse(Utf8(token), out var id));
        Assert.Equal(0, id);
    }

    [Fact]
    public void RequestIds_WhenFormatted_AreReadBack()
    {
        var token = new byte[RequestIds.TokenBytesMax];
        foreach (var id in new[] { 0, 1, -1, 1L << 53, long.MaxValue, long.MinValue })
        {
            var written = RequestIds.Format(id, token);
            Assert.True(RequestIds.TryParse(token.AsSpan(0, written), out var read));
            Assert.Equal(id, read);
        }

        Assert.Throws<ArgumentException>(() => RequestIds.Format(100, new byte[2]));
    }

    [Fact]
    public void JsonMembers_WhenObject_GivesEachInOrder()
    {
        var source = Json(" { 'a' : [1,{}] ,'b':'x,}', 'a':null}");
        var seen = new List<string>();
        foreach (var member in new JsonMembers(source, new ByteRange(1, source.Length - 1)))
        {
            seen.Add(At(source, member.Name) + "=" + At(source, member.Value));
        }

        Assert.Equal(["'a'=[1,{}]", "'b'='x,}'", "'a'=null"], seen);
        Assert.True(JsonMembers.TryFind(source, new ByteRange(1, source.Length - 1), "a"u8, out var last));
        Assert.Equal("null", At(source, last));
        Assert.False(JsonMembers.TryFind(source, new ByteRange(1, source.Length - 1), "c"u8, out _));
    }

    [Theory]
    [InlineData("[]", "")]
    [InlineData("[ ]", "")]
    [InlineData("[1]", "1")]
    [InlineData(" [ {'a':[1,2]} ,'x,]', null, [ ] ] ", "{'a':[1,2]}|'x,]'|null|[ ]")]
    [InlineData("{'a':1}", "")]
    [InlineData("7", "")]
    public void JsonElements_WhenArray_GivesEachInOrder(string text, string expected)
    {
        var source = Json(text);
        var array = new ByteRange(text.Length - text.TrimStart().Length, text.Trim().Length);
        var seen = new List<string>();
        foreach (var element in new JsonElements(source, array))
        {
            seen.Add(At(source, element));
        }

        Assert.Equal(expected, string.Join('|', seen));
        Assert.Equal(seen.Count, JsonElements.Count(source, array));
    }

    [Fact]
    public void JsonElements_WhenPlaceIsAbsent_HasNone()
    {
        Assert.Equal(0, JsonElements.Count(Json("[1]"), default));
        Assert.False(JsonMembers.TryFind(Json("{'a':1}"), default, "a"u8, out _));
        Assert.Equal(0, JsonElements.Count([], default));
    }

    [Theory]
    [InlineData("[1,2", 2)]
    [InlineData("[1 2]", 1)]
    [InlineData("[1,]", 1)]
    [InlineData("[,1]", 0)]
    public void JsonElements_WhenTextIsBroken_EndsThere(string text, int expected)
    {
        Assert.Equal(expected, JsonElements.Count(Json(text), new ByteRange(0, text.Length)));
    }
}
