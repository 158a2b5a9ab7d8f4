using static Fairlead.Wire.Tests.Messages;

namespace Fairlead.Wire.Tests;

public class EraClassifierTests
{
    private const string Claim = "'_meta':{'io.modelcontextprotocol/protocolVersion':'2026-07-28','io.modelcontextprotocol/clientCapabilities':{}}";

    [Theory]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'tools/list','params':{" + Claim + "}}", "2026-07-28", EraVerdict.Modern)]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'tools/list','params':{" + Claim + "}}", "", EraVerdict.Modern)]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'tools/list','params':{" + Claim + "}}", "2025-06-18", EraVerdict.Modern)]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'initialize','params':{" + Claim + "}}", "", EraVerdict.Modern)]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'x','params':{'_meta':{'io.modelcontextprotocol/protocolVersion':'2025-06-18'}}}", "", EraVerdict.Modern)]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'x','params':{'_meta':{'io.modelcontextprotocol/protocolVersion':null}}}", "", EraVerdict.Modern)]
    [InlineData("{'jsonrpc':'2.0','method':'notifications/cancelled','params':{" + Claim + "}}", "", EraVerdict.ModernNotification)]
    [InlineData("{'jsonrpc':'2.0','method':'notifications/cancelled'}", "2026-07-28", EraVerdict.ModernNotification)]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'tools/list'}", " 2026-07-28 ", EraVerdict.ModernMissingMeta)]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'tools/list','params':{'_meta':{}}}", "2026-07-28", EraVerdict.ModernMissingMeta)]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'initialize','params':{}}", "2026-07-28", EraVerdict.InitializeWithModernHeader)]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'initialize','params':{}}", "", EraVerdict.LegacyInitialize)]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'initialize','params':{}}", "2025-11-25", EraVerdict.LegacyInitialize)]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'tools/list'}", "", EraVerdict.LegacyRequest)]
    [InlineData("{'jsonrpc':'2.0','id':1,'method':'tools/list'}", "2099-01-01", EraVerdict.LegacyRequest)]
    [InlineData("{'jsonrpc':'2.0','method':'initialize'}", "", EraVerdict.LegacyNotification)]
    [InlineData("{'jsonrpc':'2.0','method':'notifications/initialized'}", "2025-06-18", EraVerdict.LegacyNotification)]
    [InlineData("{'jsonrpc':'2.0','id':1,'result':{}}", "2026-07-28", EraVerdict.LegacyResponse)]
    [InlineData("{'jsonrpc':'2.0','id':1,'error':{}}", "", EraVerdict.LegacyResponse)]
    [InlineData("[{'jsonrpc':'2.0','id':1,'method':'ping'},{'jsonrpc':'2.0','method':'x'},{'id':2,'result':{}}]", "", EraVerdict.Batch)]
    [InlineData("[]", "", EraVerdict.BatchRefused)]
    [InlineData("[{'jsonrpc':'2.0','id':1,'method':'ping'},7]", "", EraVerdict.BatchRefused)]
    [InlineData("[{'jsonrpc':'2.0','id':1,'id':2,'method':'ping'}]", "", EraVerdict.BatchRefused)]
    [InlineData("[{'jsonrpc':'2.0','id':1,'method':'initialize'}]", "", EraVerdict.BatchRefused)]
    [InlineData("[[{'jsonrpc':'2.0','id':1,'method':'ping'}]]", "", EraVerdict.BatchRefused)]
    [InlineData("[{'jsonrpc':'2.0','id':1,'method':'ping','params':{" + Claim + "}}]", "", EraVerdict.BatchRefused)]
    public void ClassifyPost_WhenBodyAndHeaderAreGiven_FollowsTheSteps(string text, string header, EraVerdict expected)
    {
        var body = Json(text);
        Assert.Equal(ScanError.None, Scan(body, out var envelope));
        Assert.Equal(expected, EraClassifier.ClassifyPost(envelope, body, header));
        if (header.Length == 0)
        {
            Assert.Equal(expected, EraClassifier.ClassifyMessage(envelope, body));
        }
    }

    [Theory]
    [InlineData("tools/call", "'name':'n'", "2026-07-28|tools/call|n", ModernFault.None)]
    [InlineData("tools/call", "'name':'ä'", "2026-07-28|tools/call|=?base64?w6Q=?=", ModernFault.None)]
    [InlineData("tools/list", "", "2026-07-28|tools/list|", ModernFault.None)]
    [InlineData("tools/list", "", "2026-07-28|tools/list|ignored", ModernFault.None)]
    [InlineData("resources/read", "'uri':'a:b'", "2026-07-28|resources/read|a:b", ModernFault.None)]
    [InlineData("tasks/get", "'taskId':'t'", "2026-07-28|tasks/get|t", ModernFault.None)]
    [InlineData("tools/call", "", "2026-07-28|tools/call|", ModernFault.None)]
    [InlineData("tools/call", "'name':'n'", "|tools/call|n", ModernFault.VersionHeaderMissing)]
    [InlineData("tools/call", "'name':'n'", "2025-11-25|tools/call|n", ModernFault.VersionHeaderDiffers)]
    [InlineData("tools/call", "'name':'n'", "2026-07-28||n", ModernFault.MethodHeaderMissing)]
    [InlineData("tools/call", "'name':'n'", "2026-07-28|tools/list|n", ModernFault.MethodHeaderDiffers)]
    [InlineData("tools/call", "'name':'n'", "2026-07-28|tools/call|", ModernFault.NameHeaderMissing)]
    [InlineData("tools/call", "'name':'n'", "2026-07-28|tools/call|N", ModernFault.NameHeaderDiffers)]
    [InlineData("tools/call", "'name':'n'", "2026-07-28|tools/call|=?base64?bg?=", ModernFault.NameHeaderDiffers)]
    [InlineData("tasks/get", "'taskId':'t'", "2026-07-28|tasks/get|u", ModernFault.NameHeaderDiffers)]
    [InlineData("initialize", "", "2026-07-28|initialize|", ModernFault.UnknownMethod)]
    [InlineData("ping", "", "2026-07-28|ping|", ModernFault.UnknownMethod)]
    [InlineData("sampling/createMessage", "", "2026-07-28|sampling/createMessage|", ModernFault.UnknownMethod)]
    public void Check_WhenHeadersAreGiven_FindsTheFirstFault(string method, string parameters, string headers, ModernFault expected)
    {
        var body = Json("{'jsonrpc':'2.0','id':1,'method':'" + method + "','params':{" + parameters + (parameters.Length == 0 ? "" : ",") + Claim + "}}");
        Assert.Equal(expected, Check(body, headers));
    }

    [Theory]
    [InlineData("{'io.modelcontextprotocol/protocolVersion':'2099-01-01'}", ModernFault.UnsupportedVersion, -32022, 400)]
    [InlineData("{'io.modelcontextprotocol/protocolVersion':'2025-11-25'}", ModernFault.UnsupportedVersion, -32022, 400)]
    [InlineData("{'io.modelcontextprotocol/protocolVersion':7}", ModernFault.VersionNotText, -32602, 400)]
    [InlineData("{'io.modelcontextprotocol/protocolVersion':'2026-07-28'}", ModernFault.ClientCapabilitiesMissing, -32602, 400)]
    [InlineData("{'io.modelcontextprotocol/protocolVersion':'2026-07-28','io.modelcontextprotocol/clientCapabilities':[]}", ModernFault.ClientCapabilitiesMissing, -32602, 400)]
    public void Check_WhenMetaIsWrong_FindsTheFault(string meta, ModernFault expected, int code, int status)
    {
        var body = Json("{'jsonrpc':'2.0','id':1,'method':'tools/list','params':{'_meta':" + meta + "}}");
        Assert.Equal(expected, Check(body, "2026-07-28|tools/list|"));
        Assert.Equal(code, ModernRequest.CodeOf(expected));
        Assert.Equal(status, ModernRequest.StatusOf(expected));
    }

    [Fact]
    public void CodeOf_WhenHeaderIsWrong_IsHeaderMismatch()
    {
        Assert.Equal(-32020, ModernRequest.CodeOf(ModernFault.NameHeaderDiffers));
        Assert.Equal(-32601, ModernRequest.CodeOf(ModernFault.UnknownMethod));
        Assert.Equal(404, ModernRequest.StatusOf(ModernFault.UnknownMethod));
        Assert.Equal(0, ModernRequest.CodeOf(ModernFault.None));
        Assert.Equal(200, ModernRequest.StatusOf(ModernFault.None));
    }

    [Fact]
    public void ProtocolVersions_WhenWritten_AreReadBackInOrder()
    {
        var versions = Enum.GetValues<ProtocolVersion>().Skip(1).ToList();
        Assert.Equal(["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"], versions.Select(version => version.Format()));
        foreach (var version in versions)
        {
            Assert.Equal(version.Format(), Text(ProtocolVersions.Utf8Of(version)));
            Assert.Equal(version, ProtocolVersions.Parse(" " + version.Format() + "\t"));
            Assert.Equal(version, ProtocolVersions.ParseToken(Json($"'{version.Format()}'")));
            Assert.Equal(version == ProtocolVersion.V20260728, version.IsModern());
            Assert.Equal(version != ProtocolVersion.V20260728, version.IsLegacy());
        }

        Assert.Equal("", ProtocolVersion.Unknown.Format());
        Assert.False(ProtocolVersion.Unknown.IsModern() || ProtocolVersion.Unknown.IsLegacy());
        foreach (var text in new[] { "", "2026-07-29", "2025-11-2", "2025-11-255", "2025\u201011-25" })
        {
            Assert.Equal(ProtocolVersion.Unknown, ProtocolVersions.Parse(text));
        }
    }

    [Theory]
    [InlineData("'2024-11-05'", ProtocolVersion.V20241105)]
    [InlineData("'2025-06-18'", ProtocolVersion.V20250618)]
    [InlineData("'2025-11-25'", ProtocolVersion.V20251125)]
    [InlineData("'2026-07-28'", ProtocolVersion.V20251125)]
    [InlineData("'2099-01-01'", ProtocolVersion.V20251125)]
    [InlineData("'1.0'", ProtocolVersion.V20251125)]
    [InlineData("7", ProtocolVersion.V20251125)]
    [InlineData("", ProtocolVersion.V20251125)]
    public void Negotiate_WhenVersionIsUnknown_OffersTheLatestWithAHandshake(string token, ProtocolVersion expected)
    {
        Assert.Equal(expected, ProtocolVersions.Negotiate(Json(token)));
    }

    private static ModernFault Check(byte[] body, string headers)
    {
        Assert.Equal(ScanError.None, Scan(body, out var envelope));
        Assert.Equal(EraVerdict.Modern, EraClassifier.ClassifyPost(envelope, body, "2026-07-28"));
        var parts = headers.Split('|');
        return ModernRequest.Check(envelope, body, parts[0], parts[1], parts[2]);
    }
}
