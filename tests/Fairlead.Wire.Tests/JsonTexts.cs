using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Fairlead.Wire.Tests;

/// <summary>Random JSON texts: all types, whitespace, escapes in names and values, nesting.</summary>
internal static class JsonTexts
{
    private static readonly string[] s_spaces = ["", "", "", "", " ", "\n", "\r\n  ", "\t", "                     "];

    private static readonly string[] s_scalars =
    [
        "null", "true", "false", "0", "-0", "1", "-1", "1.0", "1e2", "1E+2", "-0.5e-3", "12345678901234567890", "9007199254740993",
        "\"\"", "\"a\"", "\"}\"", "\"]\"", "\",\"", "\":\"", "\"\\\"\"", "\"\\\\\"", "\"\\u0041\"", "\"\\ud83d\\ude00\"", "\"ä€😀\"", "\"\\n\\/\\b\"",
        "\"a longer text that takes more than one vector register of thirty-two bytes\"",
    ];

    private static readonly string[] s_names =
    [
        "a", "b", "c", "id", "method", "params", "result", "error", "name", "_meta", "progressToken", "arguments", "jsonrpc", "code", "",
        "x\\\"", "x\\\\", "\\u0061", "i\\u0064", "\\u005fmeta", "m\\u0065thod", "n\\u0061me", "ä", "\\u00e4", "😀", "\\ud83d\\ude00",
        "a name that takes more than one vector register", "a name that takes more than one vector register\\u0021",
        "io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol\\/protocolVersion",
    ];

    /// <summary>Any value.</summary>
    public static Gen<string> Value(int depth) => depth == 0
        ? Gen.Elements(s_scalars)
        : Gen.Frequency((3, Gen.Elements(s_scalars)), (3, Object(depth, distinct: true)), (1, Array(depth)));

    /// <summary>An object with up to six members.</summary>
    /// <param name="depth">Levels below it.</param>
    /// <param name="distinct">Whether all names differ after unescaping.</param>
    public static Gen<string> Object(int depth, bool distinct) =>
        from members in Gen.ArrayOf(Member(depth)).Resize(6)
        from space in Gen.Elements(s_spaces)
        select "{" + space + string.Join(",", distinct ? members.DistinctBy(member => member.Plain).Select(member => member.Text) : members.Select(member => member.Text)) + "}";

    /// <summary>A root object that is often a message: <c>params</c> and <c>params._meta</c> with doubled names now and then.</summary>
    public static Gen<string> Message() =>
        from meta in Object(1, distinct: false)
        from parameters in Object(1, distinct: false)
        from rest in Object(1, distinct: false)
        from hasMeta in Gen.Elements(true, false)
        from head in Gen.Elements("\"jsonrpc\":\"2.0\"", "\"jsonrpc\":\"2.0\",\"id\":1", "\"id\":\"x\",\"jsonrpc\":\"2.0\",\"method\":\"tools/call\"", "\"json\\u0072pc\":\"2.\\u0030\",\"method\":\"ping\"")
        select "{" + head + ",\"params\":" + Join(parameters, hasMeta ? "\"_meta\":" + meta : "") + Members(rest) + "}";

    /// <summary>A text with some bytes changed, removed, doubled or inserted; often no JSON any more.</summary>
    public static Gen<byte[]> Damaged(Gen<string> texts) =>
        from text in texts
        from seed in Gen.Choose(0, int.MaxValue - 1)
        select Mutation.Apply(Encoding.UTF8.GetBytes(text), new Random(seed));

    private static string Members(string json) => json.Trim()[1..^1].Trim() is { Length: > 0 } members ? "," + members : "";

    private static string Join(string json, string member) =>
        member.Length == 0 ? json : json.Trim().TrimStart('{').TrimEnd('}').Trim().Length == 0 ? "{" + member + "}" : json[..^1] + "," + member + "}";

    private static Gen<string> Array(int depth) =>
        from items in Gen.ArrayOf(Value(depth - 1)).Resize(4)
        from space in Gen.Elements(s_spaces)
        select "[" + space + string.Join(",", items) + space + "]";

    private static Gen<(string Plain, string Text)> Member(int depth) =>
        from name in Gen.Elements(s_names)
        from number in Gen.Choose(0, 9)
        from value in Value(depth - 1)
        from before in Gen.Elements(s_spaces)
        from after in Gen.Elements(s_spaces)
        let full = name + (number > 6 ? number.ToString(CultureInfo.InvariantCulture) : "")
        select (JsonText.ToString(Encoding.UTF8.GetBytes("\"" + full + "\""))!, before + "\"" + full + "\"" + after + ":" + before + value + after);
}
