using FsCheck;
using FsCheck.Fluent;
using static Fairlead.Wire.Tests.Messages;

namespace Fairlead.Wire.Tests;

public class EnvelopeScannerTests
{
    [Fact]
    public void Scan_WhenModernCall_FindsEveryPlace()
    {
        var message = Json(" {'jsonrpc':'2.0','id':8,'method':'tools/call','params':{'name':'forecast','arguments':{'region':'eu','id':7},"
            + "'cursor':'c','uri':'u','inputResponses':{'w':1},'requestState':'s','requestId':3,"
            + "'_meta':{'progressToken':'p','io.modelcontextprotocol/protocolVersion':'2026-07-28','io.modelcontextprotocol/clientCapabilities':{'e':{}},"
            + "'io.modelcontextprotocol/clientInfo':{'name':'c'},'io.modelcontextprotocol/logLevel':'info','traceparent':'t'}}}\n");
        Assert.Equal(ScanError.None, Scan(message, out var found));
        Assert.Equal(MessageKind.Request, found.Kind);
        Assert.Equal(McpMethod.ToolsCall, found.KnownMethod);
        Assert.Equal(new ByteRange(1, message.Length - 2), found.Root);
        Assert.Equal("8", At(message, found.Id));
        Assert.Equal("'tools/call'", At(message, found.Method));
        Assert.Equal("'forecast'", At(message, found.Name));
        Assert.Equal("{'region':'eu','id':7}", At(message, found.Arguments));
        Assert.Equal("'c'", At(message, found.Cursor));
        Assert.Equal("'u'", At(message, found.Uri));
        Assert.Equal("{'w':1}", At(message, found.InputResponses));
        Assert.Equal("'s'", At(message, found.RequestState));
        Assert.Equal("3", At(message, found.RequestId));
        Assert.Equal("'p'", At(message, found.ProgressToken));
        Assert.Equal("'2026-07-28'", At(message, found.MetaProtocolVersion));
        Assert.Equal("{'e':{}}", At(message, found.MetaClientCapabilities));
        Assert.Equal("{'name':'c'}", At(message, found.MetaClientInfo));
        Assert.Equal("'info'", At(message, found.MetaLogLevel));
        Assert.StartsWith("{'progressToken'", At(message, found.Meta), StringComparison.Ordinal);
        Assert.StartsWith("{'name'", At(message, found.Params), StringComparison.Ordinal);
    }

    [Fact]
    public void Scan_WhenResult_FindsItsMembers()
    {
        var message = Json("{'result':{'content':[{'ttlMs':9}],'resultType':'complete','ttlMs':5,'cacheScope':'public',"
            + "'_meta':{'io.modelcontextprotocol/subscriptionId':5}},'jsonrpc':'2.0','id':'x'}");
        Assert.Equal(ScanError.None, Scan(message, out var found));
        Assert.Equal(MessageKind.Result, found.Kind);
        Assert.Equal("'x'", At(message, found.Id));
        Assert.Equal("'complete'", At(message, found.ResultType));
        Assert.Equal("5", At(message, found.TtlMs));
        Assert.Equal("'public'", At(message, found.CacheScope));
        Assert.Equal("5", At(message, found.SubscriptionId));
        Assert.Equal(default, found.Meta);
    }

    [Theory]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'ping'}", MessageKind.Request, McpMethod.Ping)]
    [InlineData("{'method':'roots/list','jsonrpc':'2.0','id':0}", MessageKind.Request, McpMethod.RootsList)]
    [InlineData("{'jsonrpc':'2.0','id':-1.5e3,'method':'x/y'}", MessageKind.Request, McpMethod.Unknown)]
    [InlineData("{'jsonrpc':'2.0','id':'','method':'tools\\/c\\u0061ll'}", MessageKind.Request, McpMethod.ToolsCall)]
    [InlineData("{'jsonrpc':'2.\\u0030','\\u0069d':'a','meth\\u006fd':'ping'}", MessageKind.Request, McpMethod.Ping)]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'x','params':[1,2]}", MessageKind.Request, McpMethod.Unknown)]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'x','params':{'_meta':{}}}", MessageKind.Request, McpMethod.Unknown)]
    [InlineData("{'jsonrpc':'2.0','method':'notifications/initialized'}", MessageKind.Notification, McpMethod.NotificationsInitialized)]
    [InlineData("{'jsonrpc':'2.0','id':1,'result':null}", MessageKind.Result, McpMethod.Unknown)]
    [InlineData("{'id':1,'result':{}}", MessageKind.Result, McpMethod.Unknown)]
    [InlineData("{'jsonrpc':'2.0','id':1,'result':{'a':1,'a':2,'_meta':{'b':1,'b':2}}}", MessageKind.Result, McpMethod.Unknown)]
    [InlineData("{'jsonrpc':'2.0','id':null,'error':{'code':-32000,'message':'m'}}", MessageKind.Error, McpMethod.Unknown)]
    [InlineData("{'jsonrpc':'2.0','error':{'code':-32700}}", MessageKind.Error, McpMethod.Unknown)]
    [InlineData("{'id':'x','error':7}", MessageKind.Error, McpMethod.Unknown)]
    [InlineData("[]", MessageKind.Batch, McpMethod.Unknown)]
    [InlineData(" [ {'a':1} , 2 ] ", MessageKind.Batch, McpMethod.Unknown)]
    public void Scan_WhenMessageIsFine_TellsItsKind(string text, MessageKind kind, McpMethod method)
    {
        var message = Json(text);
        Assert.Equal(ScanError.None, Scan(message, out var found));
        Assert.Equal(kind, found.Kind);
        Assert.Equal(method, found.KnownMethod);
        Assert.Equal(text.Trim(), At(message, found.Root));
    }

    [Theory]
    [InlineData("", ScanError.NotJson, "")]
    [InlineData("  ", ScanError.NotJson, "")]
    [InlineData("hello", ScanError.NotJson, "")]
    [InlineData("\uFEFF{'jsonrpc':'2.0','id':1,'method':'m'}", ScanError.NotJson, "")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'m'", ScanError.NotJson, "")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'m'}}", ScanError.NotJson, "")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'m'} x", ScanError.NotJson, "")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'m'}\0", ScanError.NotJson, "")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'m',}", ScanError.NotJson, "")]
    [InlineData("{'jsonrpc':'2.0','id':01,'method':'m'}", ScanError.NotJson, "")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'m\n'}", ScanError.NotJson, "")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'m\\x'}", ScanError.NotJson, "")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'m\\u12g4'}", ScanError.NotJson, "")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'m','params':{'arguments':{'x':[1,2,}]}}}", ScanError.NotJson, "")]
    [InlineData("{'jsonrpc':'2.0' 'id':1}", ScanError.NotJson, "")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'m'/**/}", ScanError.NotJson, "")]
    [InlineData("7", ScanError.NotJsonRpc, "")]
    [InlineData("'x'", ScanError.NotJsonRpc, "")]
    [InlineData("null", ScanError.NotJsonRpc, "")]
    [InlineData("{}", ScanError.NotJsonRpc, "")]
    [InlineData("{'jsonrpc':'2.0','id':1}", ScanError.NotJsonRpc, "1")]
    [InlineData("{'id':1,'method':'ping'}", ScanError.NotJsonRpc, "1")]
    [InlineData("{'jsonrpc':'1.0','id':1,'method':'ping'}", ScanError.NotJsonRpc, "1")]
    [InlineData("{'jsonrpc':2.0,'id':1,'method':'ping'}", ScanError.NotJsonRpc, "1")]
    [InlineData("{'jsonrpc':'1.0','id':1,'result':{}}", ScanError.NotJsonRpc, "1")]
    [InlineData("{'jsonrpc':'2.0','result':{}}", ScanError.NotJsonRpc, "")]
    [InlineData("{'jsonrpc':'2.0','id':'a','method':5}", ScanError.NotJsonRpc, "'a'")]
    [InlineData("{'jsonrpc':'2.0','id':'a','method':'m','params':null}", ScanError.NotJsonRpc, "'a'")]
    [InlineData("{'jsonrpc':'2.0','id':'a','method':'m','params':'x'}", ScanError.NotJsonRpc, "'a'")]
    [InlineData("{'jsonrpc':'2.0','id':'a','method':'m','params':{'_meta':null}}", ScanError.NotJsonRpc, "'a'")]
    [InlineData("{'jsonrpc':'2.0','id':null,'method':'ping'}", ScanError.InvalidId, "")]
    [InlineData("{'jsonrpc':'2.0','id':{},'method':'ping'}", ScanError.InvalidId, "")]
    [InlineData("{'jsonrpc':'2.0','id':[1],'method':'ping'}", ScanError.InvalidId, "")]
    [InlineData("{'jsonrpc':'2.0','id':true,'method':'ping'}", ScanError.InvalidId, "")]
    [InlineData("{'jsonrpc':'2.0','id':null,'result':{}}", ScanError.InvalidId, "")]
    [InlineData("{'jsonrpc':'2.0','id':false,'error':{}}", ScanError.InvalidId, "")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'ping','id':2}", ScanError.DuplicateMember, "")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'ping','\\u0069d':2}", ScanError.DuplicateMember, "")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'ping','method':'x'}", ScanError.DuplicateMember, "1")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'ping','m\\u0065thod':'x'}", ScanError.DuplicateMember, "1")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'ping','x':1,'x':1}", ScanError.DuplicateMember, "1")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'ping','ä':1,'\\u00E4':1}", ScanError.DuplicateMember, "1")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'ping','\\ud800':1,'\\uD800':1}", ScanError.DuplicateMember, "1")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'ping','😀':1,'\\ud83d\\ude00':1}", ScanError.DuplicateMember, "1")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'m','params':{'name':'a','name':'b'}}", ScanError.DuplicateMember, "1")]
    [InlineData("{'params':{'name':'a','n\\u0061me':'b'},'jsonrpc':'2.0','id':1,'method':'m'}", ScanError.DuplicateMember, "1")]
    [InlineData("{'jsonrpc':'2.0','method':'m','params':{'q':'a','q':'b'}}", ScanError.DuplicateMember, "")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'m','params':{'_meta':{'progressToken':1,'progress\\u0054oken':2}}}", ScanError.DuplicateMember, "1")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'m','params':{'_meta':{'z':1,'z':2}}}", ScanError.DuplicateMember, "1")]
    [InlineData("{'jsonrpc':'2.0','id':1,'result':{},'result':{}}", ScanError.DuplicateMember, "1")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'ping','result':{}}", ScanError.MixedKinds, "1")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'ping','error':{}}", ScanError.MixedKinds, "1")]
    [InlineData("{'jsonrpc':'2.0','id':1,'result':{},'error':null}", ScanError.MixedKinds, "1")]
    public void Scan_WhenMessageIsBad_NamesTheReasonAndKeepsTheId(string text, ScanError expected, string id)
    {
        var message = Json(text);
        Assert.Equal(expected, Scan(message, out var found));
        Assert.Equal(id, At(message, found.Id));
        Assert.Equal(new Envelope { Kind = found.Kind, Id = found.Id }, found);
    }

    [Theory]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'ping','result':{}}", MessageKind.Request)]
    [InlineData("{'jsonrpc':'2.0','method':'ping','method':'b'}", MessageKind.Notification)]
    [InlineData("{'jsonrpc':'2.0','id':null,'result':{}}", MessageKind.Result)]
    [InlineData("{'jsonrpc':'2.0','id':[],'error':{}}", MessageKind.Error)]
    [InlineData("{'jsonrpc':'2.0'}", MessageKind.None)]
    public void Scan_WhenMessageIsBad_StillTellsItsKind(string text, MessageKind expected)
    {
        Assert.NotEqual(ScanError.None, Scan(Json(text), out var found));
        Assert.Equal(expected, found.Kind);
    }

    [Fact]
    public void Scan_WhenTypesAreNotThoseOfTheMember_LeavesItOut()
    {
        var message = Json("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':5,'uri':null,'requestId':{},'progressToken':3,'arguments':null,"
            + "'_meta':{'progressToken':null,'io.modelcontextprotocol/protocolVersion':null}}}");
        Assert.Equal(ScanError.None, Scan(message, out var found));
        Assert.Equal(default, found.Name);
        Assert.Equal(default, found.Uri);
        Assert.Equal(default, found.RequestId);
        Assert.Equal(default, found.ProgressToken);
        Assert.Equal("null", At(message, found.Arguments));
        Assert.Equal("null", At(message, found.MetaProtocolVersion));
    }

    [Fact]
    public void Scan_WhenProgress_TakesTheTokenOfParams()
    {
        var message = Json("{'jsonrpc':'2.0','method':'notifications/progress','params':{'progressToken':'t','progress':1,'_meta':{'progressToken':'other'}}}");
        Assert.Equal(ScanError.None, Scan(message, out var found));
        Assert.Equal("'t'", At(message, found.ProgressToken));

        message = Json("{'jsonrpc':'2.0','method':'notifications/message','params':{'progressToken':'t','_meta':{'progressToken':'other',"
            + "'io.modelcontextprotocol/subscriptionId':'s'}}}");
        Assert.Equal(ScanError.None, Scan(message, out found));
        Assert.Equal(default, found.ProgressToken);
        Assert.Equal("'s'", At(message, found.SubscriptionId));
    }

    [Theory]
    [InlineData("-32601", -32601)]
    [InlineData("0", 0)]
    [InlineData("-32601.0", 0)]
    [InlineData("99999999999", 0)]
    [InlineData("'x'", 0)]
    public void Scan_WhenError_ReadsTheCode(string code, int expected)
    {
        Assert.Equal(ScanError.None, Scan(Json("{'id':1,'error':{'message':'m','data':{'code':5},'code':" + code + "}}"), out var found));
        Assert.Equal(expected, found.ErrorCode);
    }

    [Fact]
    public void Scan_WhenAnswerCarriesParams_ForgetsThem()
    {
        var message = Json("{'id':1,'params':{'name':'n','name':'m','_meta':{'io.modelcontextprotocol/subscriptionId':9}},'result':{'ttlMs':1}}");
        Assert.Equal(ScanError.None, Scan(message, out var found));
        Assert.Equal(default, found.Params);
        Assert.Equal(default, found.Name);
        Assert.Equal(default, found.SubscriptionId);
        Assert.Equal("1", At(message, found.TtlMs));
    }

    [Theory]
    [InlineData("[", "]", "[]", 1)]
    [InlineData("{\"a\":", "}", "1", 1)]
    [InlineData("[{\"a\":", "}]", "1", 2)]
    public void Scan_WhenNestedTooDeep_StillEchoesTheId(string open, string close, string innermost, int levels)
    {
        foreach (var depth in new[] { 64, 65, 100, 1_000_000 })
        {
            // The root is level 1, the innermost array of the first row a level too.
            var times = (depth - 1 - (innermost == "[]" ? 1 : 0)) / levels;
            var expected = 1 + (times * levels) + (innermost == "[]" ? 1 : 0) > 64 ? ScanError.TooDeep : ScanError.None;
            var message = Utf8("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"m\",\"params\":"
                + string.Concat(Enumerable.Repeat(open, times)) + innermost + string.Concat(Enumerable.Repeat(close, times)) + "}");
            Assert.Equal(expected, Scan(message, out var found));
            Assert.Equal("5", At(message, found.Id));
            Assert.Equal(MessageKind.Request, found.Kind);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(129)]
    [InlineData(500)]
    [InlineData(4096)]
    public void Scan_WhenDepthIsLimited_TheLimitItselfIsAllowed(int depth)
    {
        var limits = new ScanLimits(depth, 256);
        Assert.Equal(depth == 0 ? ScanError.NotJson : ScanError.None, EnvelopeScanner.Scan(Utf8(new string('[', depth) + new string(']', depth)), limits, out _));
        Assert.Equal(ScanError.TooDeep, EnvelopeScanner.Scan(Utf8(new string('[', depth + 1) + new string(']', depth + 1)), limits, out _));
    }

    [Fact]
    public void Scan_WhenIdIsLong_RefusesOverTheLimit()
    {
        foreach (var (length, expected) in new[] { (256, ScanError.None), (257, ScanError.IdTooLong) })
        {
            var text = "{'jsonrpc':'2.0','id':'" + new string('i', length - 2) + "','method':'m'}";
            Assert.Equal(expected, Scan(Json(text), out var found));
            Assert.Equal(expected == ScanError.None, found.Id.Exists);
            text = "{'jsonrpc':'2.0','id':" + new string('1', length) + ",'result':1}";
            Assert.Equal(expected, Scan(Json(text), out _));
        }
    }

    [Fact]
    public void Scan_WhenTextIsNotUtf8_NeverEchoesItInAnId()
    {
        byte[] bad = [0xC3, 0x28, 0xFF, 0xED, 0xA0, 0x80];
        byte[] inId = [.. Json("{'jsonrpc':'2.0','id':'"), .. bad, .. Json("','method':'ping'}")];
        Assert.Equal(ScanError.InvalidId, Scan(inId, out var found));
        Assert.Equal(default, found.Id);

        byte[] inArguments = [.. Json("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'arguments':{'"), .. bad, .. Json("':'"), .. bad, .. Json("'}}}")];
        Assert.Equal(ScanError.None, Scan(inArguments, out _));

        byte[] inName = [.. Json("{'jsonrpc':'2.0','id':1,'method':'"), .. bad, .. Json("','"), .. bad, .. Json("':1}")];
        Assert.Equal(ScanError.None, Scan(inName, out found));
        Assert.Equal(McpMethod.Unknown, found.KnownMethod);
    }

    [Theory]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'m',@}")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'m','params':{@}}")]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'m','params':{'_meta':{@}}}")]
    public void Scan_WhenObjectIsHuge_FindsTheOneDouble(string frame)
    {
        for (var count = 1; count <= 100_000; count = (count * 3) + 1)
        {
            var members = string.Join(',', Enumerable.Range(0, count).Select(i => $"'k{i}':{i}"));
            Assert.Equal(ScanError.None, Scan(Json(frame.Replace("@", members)), out _));
            foreach (var doubled in new[] { 0, count / 2, count - 1 })
            {
                Assert.Equal(ScanError.DuplicateMember, Scan(Json(frame.Replace("@", members + $",'\\u006b{doubled}':0")), out var found));
                Assert.True(found.Id.Exists);
            }
        }
    }

    [Fact]
    public void Scan_WhenNameIsLongAndEscaped_StillFindsTheDouble()
    {
        var name = new string('n', 5000);
        var message = Json("{'jsonrpc':'2.0','id':1,'method':'m','" + name + "x':1,'" + name + "\\u0078':2}");
        Assert.Equal(ScanError.DuplicateMember, Scan(message, out _));
    }

    [Fact]
    public void Scan_WhenCutAnywhere_IsNotJson()
    {
        var message = Json("{'jsonrpc':'2.0','id':12,'method':'tools/call','params':{'n\\u0061me':'ä','arguments':{'a':[1.5e-3,true,null]},'_meta':{'progressToken':'p'}}}");
        for (var length = 0; length < message.Length; length++)
        {
            // A copy of exactly this size, so that reading behind the end is found out.
            Assert.Equal(ScanError.NotJson, Scan(message[..length], out var found));
            Assert.Equal(default, found);
        }
    }

    [Fact]
    public void Scan_WhenWhitespaceStandsAnywhere_FindsTheSame()
    {
        var compact = "{'jsonrpc':'2.0','id':12,'method':'tools/call','params':{'name':'n','_meta':{'progressToken':7}}}";
        Assert.Equal(ScanError.None, Scan(Json(compact), out var expected));
        foreach (var space in new[] { " ", "\r\n", "\t    \n", new string(' ', 40) })
        {
            var message = Json(string.Concat(compact.Select(letter => "{}[],:".Contains(letter) ? space + letter + space : letter.ToString())));
            Assert.Equal(ScanError.None, Scan(message, out var found));
            Assert.Equal(At(Json(compact), expected.Id), At(message, found.Id));
            Assert.Equal(At(Json(compact), expected.Name), At(message, found.Name));
            Assert.Equal(At(Json(compact), expected.ProgressToken), At(message, found.ProgressToken));
        }
    }

    [Fact]
    public void Scan_OfRandomJson_AgreesWithJsonDocument() =>
        Prop.ForAll(Arb.From(JsonTexts.Value(3)), text => Reference.AssertAgrees(Utf8(text))).QuickCheckThrowOnFailure();

    [Fact]
    public void Scan_OfRandomMessages_AgreesWithJsonDocument() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(Arb.From(JsonTexts.Message()), text => Reference.AssertAgrees(Utf8(text))));

    [Fact]
    public void Scan_OfDamagedMessages_AgreesWithJsonDocument() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(Arb.From(JsonTexts.Damaged(JsonTexts.Message())), Reference.AssertAgrees));
}
