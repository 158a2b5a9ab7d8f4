using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fairlead.Wire.Tests;

/// <summary>Answers that are written anew while they come: the same whatever pieces they come in.</summary>
public sealed class LongAnswerTests
{
    private static readonly LongAnswerEdits s_same = new() { UpstreamId = 7, Id = "\"mine\""u8.ToArray() };
    private static readonly LongAnswerEdits s_toModern = new() { UpstreamId = 7, Id = "\"mine\""u8.ToArray(), AddsResultType = true, AddsCacheHints = true };
    private static readonly LongAnswerEdits s_toLegacy = new()
    {
        UpstreamId = 7, Id = "\"mine\""u8.ToArray(), RemovesModernMembers = true, Wrap = StructuredContentWrap.UnlessObject,
    };

    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":7,"result":{"content":[{"text":"a\"}]{"}]}}""", """{"jsonrpc":"2.0","id":"mine","result":{"content":[{"text":"a\"}]{"}]}}""")]
    [InlineData("""{"result":{},"jsonrpc":"2.0","id":7}""", """{"result":{},"jsonrpc":"2.0","id":"mine"}""")]
    [InlineData(""" { "\u0069d" : 7 , "result" : { "a" : [ 1, { "id" : 9 } ] , "b":"\\" } } """, """{"\u0069d":"mine","result":{"a":[ 1, { "id" : 9 } ],"b":"\\"}}""")]
    [InlineData("""{"id":7,"result":{"resultType":"input_required","x":{"resultType":"y"}}}""", """{"id":"mine","result":{"resultType":"input_required","x":{"resultType":"y"}}}""")]
    public void Take_InOneEra_ChangesTheIdAlone(string answer, string expected) => AssertWritten(s_same, answer, expected);

    [Theory]
    [InlineData("""{"id":7,"result":{}}""", """{"id":"mine","result":{"resultType":"complete","ttlMs":0,"cacheScope":"private"}}""")]
    [InlineData("""{"result":{"ttlMs":5,"contents":[]},"id":7}""", """{"result":{"ttlMs":5,"contents":[],"resultType":"complete","cacheScope":"private"},"id":"mine"}""")]
    [InlineData("""{"id":7,"result":{"resultType":"complete","ttlMs":1,"cacheScope":"public"}}""", """{"id":"mine","result":{"resultType":"complete","ttlMs":1,"cacheScope":"public"}}""")]
    public void Take_ForAModernClient_AddsWhatIsMissing(string answer, string expected) => AssertWritten(s_toModern, answer, expected);

    [Theory]
    [InlineData("""{"id":7,"result":{"resultType":"complete","content":[],"ttlMs":1}}""", """{"id":"mine","result":{"content":[]}}""")]
    [InlineData("""{"id":7,"result":{"content":[],"result\u0054ype":"complete"}}""", """{"id":"mine","result":{"content":[]}}""")]
    [InlineData("""{"id":7,"result":{"cacheScope":"x"}}""", """{"id":"mine","result":{}}""")]
    [InlineData("""{"id":7,"result":{"structuredContent":[1,2],"content":[]}}""", """{"id":"mine","result":{"structuredContent":{"result":[1,2]},"content":[]}}""")]
    [InlineData("""{"id":7,"result":{"structuredContent":12}}""", """{"id":"mine","result":{"structuredContent":{"result":12}}}""")]
    [InlineData("""{"id":7,"result":{"structuredContent":{"a":"}"}}}""", """{"id":"mine","result":{"structuredContent":{"a":"}"}}}""")]
    public void Take_ForALegacyClient_LeavesOutAndWrapsWhatItDoesNotKnow(string answer, string expected) => AssertWritten(s_toLegacy, answer, expected);

    [Fact]
    public void Take_ANameLongerThanAnyThatIsLookedFor_PassesIt()
    {
        var name = new string('n', 300);
        AssertWritten(s_toLegacy, $$$"""{"id":7,"{{{name}}}":1,"result":{"a":1,"{{{name}}}\"":[2],"b":3}}""", $$$"""{"id":"mine","{{{name}}}":1,"result":{"a":1,"{{{name}}}\"":[2],"b":3}}""");
    }

    [Theory]
    [InlineData("""{"id":8,"result":{}}""", LongAnswerFault.OtherId)]
    [InlineData("""{"id":"7","result":{}}""", LongAnswerFault.OtherId)]
    [InlineData("""{"id":7,"result":{},"id":7}""", LongAnswerFault.NotAResult)]
    [InlineData("""{"id":7,"result":{},"result":{}}""", LongAnswerFault.NotAResult)]
    [InlineData("""{"id":7,"result":{},"error":{}}""", LongAnswerFault.NotAResult)]
    [InlineData("""{"id":7,"method":"x"}""", LongAnswerFault.NotAResult)]
    [InlineData("""{"id":7,"result":[]}""", LongAnswerFault.NotAResult)]
    [InlineData("""{"result":{}}""", LongAnswerFault.NotAResult)]
    [InlineData("""[{"id":7,"result":{}}]""", LongAnswerFault.NotAResult)]
    [InlineData("""{"id":7,"result":{"a":}}""", LongAnswerFault.NotAResult)]
    [InlineData("""{"id":7,"result":{}} {}""", LongAnswerFault.NotAResult)]
    [InlineData("""{"id":7,"result":{"resultType":"input_required"}}""", LongAnswerFault.OtherType)]
    [InlineData("""{"id":7,"result":{"a":[[[[[[]]]]]]}}""", LongAnswerFault.TooDeep)]
    [InlineData("""{"id":7,"result":{"a":"b""", LongAnswerFault.Cut)]
    [InlineData("""{"id":7,"result":{"a":1}""", LongAnswerFault.Cut)]
    [InlineData("", LongAnswerFault.Cut)]
    public void Take_WhenItCannotBePassedOn_SaysWhyWhateverThePieces(string answer, LongAnswerFault fault)
    {
        var edits = new LongAnswerEdits { UpstreamId = 7, Id = "1"u8.ToArray(), RemovesModernMembers = true, DepthMax = 7 };
        foreach (var cut in Chunks.EveryCutInTwo(Encoding.UTF8.GetByteCount(answer)))
        {
            Assert.Equal(fault, Run(edits, Encoding.UTF8.GetBytes(answer), cut).Fault);
        }
    }

    [Fact]
    public void Take_ManyRandomAnswersInRandomPieces_WritesWhatAReaderReads()
    {
        var random = new Random(20261130);
        for (var round = 0; round < 400; round++)
        {
            var result = RandomValue(random, 4) as JsonObject ?? new JsonObject { ["content"] = RandomValue(random, 4) };
            var bytes = Encoding.UTF8.GetBytes(new JsonObject { ["jsonrpc"] = "2.0", ["result"] = result, ["id"] = 7 }.ToJsonString(
                new JsonSerializerOptions { WriteIndented = round % 2 == 0, Encoder = round % 3 == 0 ? System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping : null }));
            var (written, fault) = Run(s_same, bytes, RandomCut(random, bytes.Length));
            Assert.Equal(LongAnswerFault.None, fault);
            var read = JsonNode.Parse(written)!;
            Assert.True(JsonNode.DeepEquals(result, read["result"]), Encoding.UTF8.GetString(bytes));
            Assert.Equal("mine", (string?)read["id"]);
        }
    }

    [Fact]
    public void Take_ToLookOnly_TellsWhatItIs()
    {
        var look = new LongAnswer(s_same);
        const string Start = """{"result":{"resultType":"complete","content":[{"text":"xxxxxxxxxxxxxxxxxxxxxxxxxx""";

        Assert.True(look.Take(Encoding.UTF8.GetBytes(Start), null));

        Assert.Equal((true, true, "complete"), (look.HasResult, look.HasContent, look.ResultType));
        Assert.Equal(Start.IndexOf('[', StringComparison.Ordinal), look.ContentStart);
        Assert.Equal(Start.Length, look.Length);
    }

    private static void AssertWritten(LongAnswerEdits edits, string answer, string expected)
    {
        var bytes = Encoding.UTF8.GetBytes(answer);
        foreach (var cut in Chunks.EveryCutInTwo(bytes.Length))
        {
            var (written, fault) = Run(edits, bytes, cut);
            Assert.Equal(LongAnswerFault.None, fault);
            Assert.Equal(expected, Encoding.UTF8.GetString(written));
        }
    }

    private static (byte[] Written, LongAnswerFault Fault) Run(LongAnswerEdits edits, ReadOnlySpan<byte> bytes, int[] cut)
    {
        var answer = new LongAnswer(edits);
        var writer = new ArrayBufferWriter<byte>();
        foreach (var length in cut)
        {
            answer.Take(bytes[..length], writer);
            bytes = bytes[length..];
        }

        answer.End();
        return (writer.WrittenSpan.ToArray(), answer.Fault);
    }

    private static int[] RandomCut(Random random, int length)
    {
        var cut = new List<int>();
        while (length > 0)
        {
            cut.Add(Math.Min(length, random.Next(1, 400)));
            length -= cut[^1];
        }

        return [.. cut];
    }

    private static JsonNode RandomValue(Random random, int levels) => random.Next(levels == 0 ? 3 : 6) switch
    {
        0 => JsonValue.Create(random.Next()),
        1 => JsonValue.Create(RandomText(random)),
        2 => JsonValue.Create(random.Next(2) == 0),
        3 => new JsonArray([.. Enumerable.Range(0, random.Next(8)).Select(_ => RandomValue(random, levels - 1))]),
        _ => new JsonObject(Enumerable.Range(0, random.Next(8)).Select(i => KeyValuePair.Create(i + RandomText(random), (JsonNode?)RandomValue(random, levels - 1)))),
    };

    private static string RandomText(Random random) => string.Concat(Enumerable.Range(0, random.Next(90)).Select(_ => "{}[]\"\\abcde,:\nü"[random.Next(15)]));
}
