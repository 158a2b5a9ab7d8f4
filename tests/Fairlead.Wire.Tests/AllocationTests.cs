using System.Buffers;
using static Fairlead.Wire.Tests.Messages;

namespace Fairlead.Wire.Tests;

/// <summary>The request path allocates nothing: counted on this thread, after a warm-up.</summary>
public class AllocationTests
{
    private static readonly byte[] s_call = Json("{'jsonrpc':'2.0','id':8,'method':'tools/call','params':{'name':'fore\\u0063ast','arguments':{'region':'eu-north'},"
        + "'_meta':{'progressToken':'p','io.modelcontextprotocol/protocolVersion':'2026-07-28','io.modelcontextprotocol/clientCapabilities':{},"
        + "'io.modelcontextprotocol/clientInfo':{'name':'c','version':'1'},'traceparent':'t'}}}");

    private static readonly byte[] s_answer = Json("{'result':{'content':[{'type':'text','text':'hello'}]},'jsonrpc':'2.0','id':65537}");

    [Fact]
    public void Scan_WhenWarm_AllocatesNothing() => AssertNothing(static () =>
    {
        Scan(s_call, out _);
        Scan(s_answer, out _);
    });

    [Fact]
    public void Scan_WhenObjectIsHuge_AllocatesNothing()
    {
        var huge = Json("{'jsonrpc':'2.0','id':1,'method':'m'," + string.Join(',', Enumerable.Range(0, 5000).Select(i => $"'k{i}':{i}")) + "}");
        AssertNothing(() => Scan(huge, out _), times: 50);
    }

    [Fact]
    public void Scan_WhenRefused_AllocatesNothing()
    {
        var broken = s_call[..^3];
        AssertNothing(() => Scan(broken, out _));
    }

    [Fact]
    public void Splice_WhenTwentyFourEdits_AllocatesNothing()
    {
        var destination = new byte[4096];
        var writer = new ArrayBufferWriter<byte>(8192);
        AssertNothing(() =>
        {
            Scan(s_call, out var call);
            var splice = new Splice(s_call, stackalloc byte[Splice.ScratchBytes], blankNewlines: true);
            Span<byte> id = stackalloc byte[RequestIds.TokenBytesMax];
            splice.Replace(call.Id, id[..RequestIds.Format(123456789, id)]);
            splice.Replace(call.Name, "\"other\""u8);
            splice.Replace(call.ProgressToken, "77"u8);
            splice.RemoveMember(call.MetaProtocolVersion);
            splice.RemoveMember(call.MetaClientCapabilities);
            splice.RemoveMember(call.MetaClientInfo);
            for (var more = 0; more < 18; more++)
            {
                splice.AppendMember(call.Root, "k"u8, "\"v\""u8);
            }

            splice.WriteTo(destination);
            writer.Clear();
            splice.WriteTo(writer);
            splice.Dispose();
        });
    }

    [Fact]
    public void Splice_WhenScratchIsTooSmall_RentsAndGivesBack()
    {
        var destination = new byte[40_000];
        var large = new byte[20_000];
        AssertNothing(() =>
        {
            Scan(s_answer, out var answer);
            var splice = new Splice(s_answer, default);
            splice.Replace(answer.Id, large);
            splice.AppendMember(answer.Result, "resultType"u8, "\"complete\""u8);
            splice.WriteTo(destination);
            splice.Dispose();
        });
    }

    [Fact]
    public void HeadersAndEra_WhenWarm_AllocateNothing() => AssertNothing(static () =>
    {
        Scan(s_call, out var call);
        EraClassifier.ClassifyPost(call, s_call, "2026-07-28");
        if (ModernRequest.Check(call, s_call, "2026-07-28", "tools/call", "forecast") != ModernFault.None)
        {
            throw new InvalidOperationException("The headers of this test fit its body.");
        }
    });

    [Fact]
    public void Framing_WhenWarm_AllocatesNothing()
    {
        var framer = new LineFramer(1 << 20);
        byte[] lines = [.. s_call, (byte)'\n', .. s_answer, (byte)'\n'];
        using var parser = new SseParser(1 << 20);
        byte[] stream = [.. "event: message\nid: 1\ndata: "u8, .. s_answer, .. "\n\n"u8];
        AssertNothing(() =>
        {
            var buffer = new ReadOnlySequence<byte>(lines);
            while (framer.TryRead(ref buffer, out _))
            {
            }

            ReadOnlySpan<byte> input = stream;
            while (parser.Read(ref input) != SseRead.NeedMore)
            {
            }
        });
    }

    private static void AssertNothing(Action action, int times = 1000)
    {
        for (var i = 0; i < 50; i++)
        {
            action();
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < times; i++)
        {
            action();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
