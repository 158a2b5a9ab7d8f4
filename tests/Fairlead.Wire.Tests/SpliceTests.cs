using System.Buffers;
using static Fairlead.Wire.Tests.Messages;

namespace Fairlead.Wire.Tests;

public class SpliceTests
{
    private const string Object = "{'a':1,'b':{'x':[1,2]},'c':'}'}";

    [Theory]
    [InlineData("a", "{'b':{'x':[1,2]},'c':'}'}")]
    [InlineData("b", "{'a':1,'c':'}'}")]
    [InlineData("c", "{'a':1,'b':{'x':[1,2]}}")]
    [InlineData("ab", "{'c':'}'}")]
    [InlineData("ba", "{'c':'}'}")]
    [InlineData("bc", "{'a':1}")]
    [InlineData("ac", "{'b':{'x':[1,2]}}")]
    [InlineData("ca", "{'b':{'x':[1,2]}}")]
    [InlineData("abc", "{}")]
    [InlineData("cba", "{}")]
    [InlineData("aa", "{'b':{'x':[1,2]},'c':'}'}")]
    public void RemoveMember_WhenMembersGo_LeavesValidJson(string remove, string expected)
    {
        Assert.Equal(expected, Edit(Object, remove, append: "", prepend: ""));
    }

    [Theory]
    [InlineData("{}", "", "'p':1", "", "{'p':1}")]
    [InlineData("{}", "", "", "'q':1", "{'q':1}")]
    [InlineData("{ }", "", "'p':1", "'q':2", "{'p':1 ,'q':2}")]
    [InlineData(Object, "", "'p':1", "'q':2", "{'p':1,'a':1,'b':{'x':[1,2]},'c':'}','q':2}")]
    [InlineData(Object, "abc", "'p':1", "'q':2", "{'p':1,'q':2}")]
    [InlineData(Object, "abc", "'p':1|'r':3", "", "{'p':1,'r':3}")]
    [InlineData(Object, "abc", "", "'q':1|'r':3", "{'q':1,'r':3}")]
    [InlineData(Object, "c", "", "'c':9", "{'a':1,'b':{'x':[1,2]},'c':9}")]
    [InlineData(Object, "a", "'a':9", "", "{'a':9,'b':{'x':[1,2]},'c':'}'}")]
    [InlineData("{ 'a' : 1 , 'b' : 2 }", "a", "", "'q':1", "{ 'b' : 2 ,'q':1}")]
    [InlineData("{ 'a' : 1 , 'b' : 2 }", "b", "'p':0", "'q':1", "{'p':0, 'a' : 1  ,'q':1}")]
    [InlineData("{ 'a' : 1 , 'b' : 2 }", "ab", "", "'q':1", "{  'q':1}")]
    [InlineData("{'\\\\\\'b':1,'b':2}", "b", "", "", "{'\\\\\\'b':1}")]
    public void Members_WhenAddedAndRemoved_CommasFit(string source, string remove, string prepend, string append, string expected)
    {
        Assert.Equal(expected, Edit(source, remove, append, prepend));
    }

    [Fact]
    public void RemoveMember_WhenNameEndsWithEscapedQuote_TakesTheWholeName()
    {
        var source = Json("{'a':1,'x\\'':2,'\\'':3}");
        using var splice = new Splice(source, default);
        foreach (var member in new JsonMembers(source, new ByteRange(0, source.Length)))
        {
            if (member.Value.Of(source)[0] != (byte)'1')
            {
                splice.RemoveMember(member.Value);
            }
        }

        Assert.Equal("{'a':1}", Written(splice));
    }

    [Fact]
    public void Edits_WhenInsideRemovedPlace_AreDropped()
    {
        var source = Json("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'n','_meta':{'progressToken':5,'k':1}}}");
        Assert.Equal(ScanError.None, Scan(source, out var envelope));
        using var splice = new Splice(source, stackalloc byte[Splice.ScratchBytes]);
        splice.Replace(envelope.ProgressToken, "77"u8);
        splice.AppendMember(envelope.Meta, "'z':1"u8);
        splice.RemoveMember(envelope.Meta);
        splice.Replace(envelope.Name, "\"other\""u8);
        splice.Replace(envelope.Id, "123"u8);
        splice.Replace(envelope.Id, "456"u8);
        splice.Insert(envelope.Root.End, " "u8);
        Assert.Equal("{'jsonrpc':'2.0','id':456,'method':'tools/call','params':{'name':'other'}} ", Written(splice));
    }

    [Fact]
    public void WriteTo_WhenNewlinesAreBlanked_NoneIsLeft()
    {
        var source = Json("{\r\n  'a': [\n1\n]\n}\n");
        using var splice = new Splice(source, stackalloc byte[Splice.ScratchBytes], blankNewlines: true);
        splice.AppendMember(new ByteRange(0, source.Length - 1), "b"u8, "{\n}"u8);
        Assert.Equal("{    'a': [ 1 ] ,'b':{ }} ", Written(splice));
    }

    [Fact]
    public void Splice_WhenPlaceIsAbsent_Refuses()
    {
        var source = Json("{'a':1}");
        Assert.Throws<ArgumentException>(() => new Splice(source, default).Replace(default, "1"u8));
        Assert.Throws<ArgumentException>(() => new Splice(source, default).RemoveMember(default));
        Assert.Throws<ArgumentException>(() => new Splice(source, default).RemoveMember(new ByteRange(0, 7)));
        Assert.Throws<ArgumentException>(() => new Splice(source, default).AppendMember(default, "1"u8));
        Assert.Throws<ArgumentException>(() => new Splice(source, default).PrependMember(new ByteRange(5, 1), "1"u8));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Splice(source, default).Insert(8, "1"u8));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Splice(source, default).Replace(new ByteRange(6, 2), "1"u8));
    }

    [Fact]
    public void WriteTo_WhenManyEditsAndLargeMessage_IsWholeInPieces()
    {
        var source = Json("{" + string.Join(",", Enumerable.Range(0, 9000).Select(i => $"'m{i}':\n{i}")) + "}");
        using var splice = new Splice(source, stackalloc byte[200], blankNewlines: true);
        var root = new ByteRange(0, source.Length);
        foreach (var member in new JsonMembers(source, root))
        {
            if (member.Value.Of(source)[^1] == (byte)'7')
            {
                splice.RemoveMember(member.Value);
            }
            else
            {
                splice.Replace(member.Value, "true"u8);
            }
        }

        var expected = "{" + string.Join(",", Enumerable.Range(0, 9000).Where(i => i % 10 != 7).Select(i => $"'m{i}': true")) + "}";
        Assert.Equal(expected, Written(splice));
        var writer = new ArrayBufferWriter<byte>(16);
        splice.WriteTo(writer);
        Assert.Equal(expected, Text(writer.WrittenSpan).Replace('"', '\''));
    }

    private static string Edit(string source, string remove, string append, string prepend)
    {
        var message = Json(source);
        var root = new ByteRange(0, message.Length);
        var splice = new Splice(message, stackalloc byte[Splice.ScratchBytes]);
        foreach (var name in remove)
        {
            Assert.True(JsonMembers.TryFind(message, root, Utf8(name.ToString()), out var value));
            splice.RemoveMember(value);
        }

        foreach (var member in append.Split('|', StringSplitOptions.RemoveEmptyEntries))
        {
            splice.AppendMember(root, Json(member));
        }

        foreach (var member in prepend.Split('|', StringSplitOptions.RemoveEmptyEntries))
        {
            splice.PrependMember(root, Json(member.Split(':')[0].Trim('\'')), Json(member.Split(':')[1]));
        }

        return Written(splice);
    }

    private static string Written(Splice splice)
    {
        var whole = new byte[splice.ResultLength];
        Assert.Equal(whole.Length, splice.WriteTo(whole));
        var writer = new ArrayBufferWriter<byte>();
        splice.WriteTo(writer);
        Assert.Equal(whole, writer.WrittenSpan.ToArray());
        return Text(whole).Replace('"', '\'');
    }
}
