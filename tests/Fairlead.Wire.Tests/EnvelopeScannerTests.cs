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
}
