using System.Text;
using System.Text.Json.Nodes;
using Fairlead.Cli.Clients;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>One member is set or removed; every other byte stays.</summary>
public sealed class JsonFileTests
{
    private static readonly JsonObject s_value = new() { ["url"] = "u" };

    [Theory]
    [InlineData("{}", "{\n  \"s\": {\n    \"n\": {\n      \"url\": \"u\"\n    }\n  }\n}")]
    [InlineData("", "{\n  \"s\": {\n    \"n\": {\n      \"url\": \"u\"\n    }\n  }\n}\n")]
    [InlineData("{\"s\":{}}", "{\"s\":{\"n\": {\"url\":\"u\"}}}")]
    [InlineData("{\"s\":{\"a\":1}}", "{\"s\":{\"a\":1,\"n\": {\"url\":\"u\"}}}")]
    [InlineData("{ \"s\": { \"a\": 1 } }", "{ \"s\": { \"a\": 1, \"n\": {\"url\":\"u\"} } }")]
    [InlineData("{\n  \"s\": {}\n}\n", "{\n  \"s\": {\n    \"n\": {\n      \"url\": \"u\"\n    }\n  }\n}\n")]
    [InlineData("{\n  \"s\": {\n    \"a\": 1\n  },\n  \"z\": 2\n}", "{\n  \"s\": {\n    \"a\": 1,\n    \"n\": {\n      \"url\": \"u\"\n    }\n  },\n  \"z\": 2\n}")]
    [InlineData("{\n\t\"s\": {\n\t\t\"a\": 1,\n\t},\n}", "{\n\t\"s\": {\n\t\t\"a\": 1,\n\t\t\"n\": {\n\t\t\t\"url\": \"u\"\n\t\t},\n\t},\n}")]
    [InlineData("{\r\n    \"s\": {\r\n        \"a\": 1\r\n    }\r\n}", "{\r\n    \"s\": {\r\n        \"a\": 1,\r\n        \"n\": {\r\n            \"url\": \"u\"\r\n        }\r\n    }\r\n}")]
    [InlineData("{\n  // one, two\n  \"s\": {\n    \"a\": 1 // it, that\n    /* and, so */\n  }\n}", "{\n  // one, two\n  \"s\": {\n    \"a\": 1, // it, that\n    /* and, so */\n    \"n\": {\n      \"url\": \"u\"\n    }\n  }\n}")]
    [InlineData("{\n  \"s\": { // none\n  }\n}", "{\n  \"s\": { // none\n    \"n\": {\n      \"url\": \"u\"\n    }\n  }\n}")]
    [InlineData("{\"s\": {\n  \"a\": 1 }}", "{\"s\": {\n  \"a\": 1,\n  \"n\": {\n    \"url\": \"u\"\n  }\n}}")]
    public void Set_WhenAMemberIsNew_FollowsTheFilesOwnStyle(string text, string expected)
    {
        var file = Open(text);
        file.Set(["s", "n"], s_value.DeepClone());
        Assert.Equal(expected, Text(file));
    }

    [Theory]
    [InlineData("{\n  \"s\": {\n    \"a\": 1, // x\n    \"n\": 2, // y\n    \"z\": 3\n  }\n}", "{\n  \"s\": {\n    \"a\": 1, // x\n    \"n\": {\n      \"url\": \"u\"\n    }, // y\n    \"z\": 3\n  }\n}")]
    [InlineData("{\"s\":{\"n\":[1,2],\"z\":3}}", "{\"s\":{\"n\":{\"url\":\"u\"},\"z\":3}}")]
    public void Set_WhenAMemberIsThere_ReplacesItsValueAlone(string text, string expected)
    {
        var file = Open(text);
        file.Set(["s", "n"], s_value.DeepClone());
        Assert.Equal(expected, Text(file));
    }

    [Theory]
    [InlineData("{\"n\":1}", "{}")]
    [InlineData("{\"n\":1,\"z\":2}", "{\"z\":2}")]
    [InlineData("{\"a\":1,\"n\":2}", "{\"a\":1}")]
    [InlineData("{ \"a\": 1, \"n\": 2, \"z\": 3 }", "{ \"a\": 1, \"z\": 3 }")]
    [InlineData("{\n  \"a\": 1,\n  \"n\": 2\n}", "{\n  \"a\": 1\n}")]
    [InlineData("{\n  \"a\": 1, // one, two\n  \"n\": 2\n}", "{\n  \"a\": 1 // one, two\n}")]
    [InlineData("{\n  \"a\": 1,\n  \"n\": 2,\n}", "{\n  \"a\": 1,\n}")]
    [InlineData("{\r\n  \"n\": 2,\r\n  \"z\": 3\r\n}", "{\r\n  \"z\": 3\r\n}")]
    public void Remove_WhenAMemberIsThere_TakesItsCommaAndLinesToo(string text, string expected)
    {
        var file = Open(text);
        Assert.True(file.Remove(["n"]));
        Assert.Equal(expected, Text(file));
        Assert.False(file.Remove(["n"]));
    }

    [Theory]
    [InlineData("{\"s\":{\"a\":1}}")]
    [InlineData("{ \"s\": { \"a\": [ { } ] } }")]
    [InlineData("{\n  \"s\": {\n    \"a\": 1\n  }\n}")]
    [InlineData("{\n\t\"s\": {\n\t\t\"a\": 1, // c\n\t},\n\t\"z\": 0,\n}\n")]
    [InlineData("{\r\n \"s\": {\r\n  \"a\": \"}\" /* , */\r\n }\r\n}\r\n")]
    public void Remove_AfterSet_LeavesTheBytesThatWereThere(string text)
    {
        var file = Open(text);
        file.Set(["s", "n"], s_value.DeepClone());
        file.Remove(["s", "n"]);
        Assert.Equal(text, Text(file));
    }

    [Fact]
    public void Content_WhenTheFileBeginsWithAByteOrderMark_KeepsIt()
    {
        byte[] bytes = [.. Encoding.UTF8.Preamble, .. "{\"ä\":\"日本\"}"u8];
        var file = JsonFile.Parse("f.json", bytes, out _)!;
        Assert.Equal(bytes, file.Content());
        file.Set(["n"], JsonValue.Create("ü"));
        Assert.Equal([.. Encoding.UTF8.Preamble, .. "{\"ä\":\"日本\",\"n\": \"ü\"}"u8], file.Content());
    }

    [Fact]
    public void Append_WhenAListHasItems_AddsBehindTheLast()
    {
        var file = Open("{\n  \"inputs\": [\n    { \"id\": \"a\" }\n  ]\n}");
        file.Append(file.At("inputs")!, new JsonObject { ["id"] = "b" });
        Assert.Equal("{\n  \"inputs\": [\n    { \"id\": \"a\" },\n    {\n      \"id\": \"b\"\n    }\n  ]\n}", Text(file));
    }

    [Theory]
    [InlineData("{\"a\":1", "f.json:1:7: The file ends in the middle")]
    [InlineData("{\n  \"a\": 1\n  \"b\": 2\n}", "f.json:3:3: ")]
    [InlineData("[1]", "one JSON object")]
    [InlineData("{\"a\":1,\"a\":2}", "stands twice")]
    [InlineData("hello", "f.json:1:1: ")]
    public void Parse_WhenTheTextIsNotWhatItClaims_SaysWhere(string text, string expected)
    {
        Assert.Null(JsonFile.Parse("f.json", Encoding.UTF8.GetBytes(text), out var problem));
        Assert.Contains(expected, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_WhenTheTextIsUtf16_AsksForUtf8()
    {
        Assert.Null(JsonFile.Parse("f.json", [.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes("{}")], out var problem));
        Assert.Contains("UTF-8", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Set_WhenSomethingOnTheWayIsNoObject_SaysWhere()
    {
        var file = Open("{\n  \"s\": 7\n}");
        Assert.Contains("f.json:2:8: s must be an object", Assert.Throws<InvalidDataException>(() => file.Set(["s", "n"], s_value.DeepClone())).Message, StringComparison.Ordinal);
    }

    private static JsonFile Open(string text) => JsonFile.Parse("f.json", Encoding.UTF8.GetBytes(text), out var problem) ?? throw new InvalidOperationException(problem);

    private static string Text(JsonFile file) => Encoding.UTF8.GetString(file.Content());
}
