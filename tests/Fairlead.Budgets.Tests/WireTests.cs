using System.Buffers;
using Fairlead.Wire;
using static Fairlead.Wire.Tests.Messages;

namespace Fairlead.Budgets.Tests;

/// <summary>Scanning, splicing and framing of messages.</summary>
public class WireTests
{
    private static readonly byte[] s_call = Json("{'jsonrpc':'2.0','id':8,'method':'tools/call','params':{'name':'fore\\u0063ast','arguments':{'region':'eu-north'},"
        + "'_meta':{'progressToken':'p','io.modelcontextprotocol/protocolVersion':'2026-07-28','io.modelcontextprotocol/clientCapabilities':{},"
        + "'io.modelcontextprotocol/clientInfo':{'name':'c','version':'1'},'traceparent':'t'}}}");

    private static readonly byte[] s_answer = Json("{'result':{'content':[{'type':'text','text':'hello'}]},'jsonrpc':'2.0','id':65537}");

    [Fact]
    public void Scan_WhenWarm_KeepsItsBudget() => BudgetFile.Check("wire.scan", Measured.BytesPerOperation(static () =>
    {
        Scan(s_call, out _);
        Scan(s_answer, out _);
    }));

    [Fact]
    public void Scan_WhenObjectIsHuge_KeepsItsBudget()
    {
        var huge = Json("{'jsonrpc':'2.0','id':1,'method':'m'," + string.Join(',', Enumerable.Range(0, 5000).Select(i => $"'k{i}':{i}")) + "}");
        BudgetFile.Check("wire.scan-huge-object", Measured.BytesPerOperation(() => Scan(huge, out _), times: 50));
    }

    [Fact]
    public void Scan_WhenRefused_KeepsItsBudget()
    {
        var broken = s_call[..^3];
        BudgetFile.Check("wire.scan-refused", Measured.BytesPerOperation(() => Scan(broken, out _)));
    }

    [Fact]
    public void FindMember_WhenItIsThere_KeepsItsBudget()
    {
        Scan(s_call, out var call);
        BudgetFile.Check("wire.find-member", Measured.BytesPerOperation(() => Must(JsonMembers.TryFind(s_call, call.Params, "arguments"u8, out _))));
    }

    [Fact]
    public void Splice_WhenTwentyFourEdits_KeepsItsBudget()
    {
        var destination = new byte[4096];
        var writer = new ArrayBufferWriter<byte>(8192);
        BudgetFile.Check("wire.splice", Measured.BytesPerOperation(() =>
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
        }));
    }

    [Fact]
    public void Splice_WhenScratchIsTooSmall_RentsAndKeepsItsBudget()
    {
        var destination = new byte[40_000];
        var large = new byte[20_000];
        BudgetFile.Check("wire.splice-rented", Measured.BytesPerOperation(() =>
        {
            Scan(s_answer, out var answer);
            var splice = new Splice(s_answer, default);
            splice.Replace(answer.Id, large);
            splice.AppendMember(answer.Result, "resultType"u8, "\"complete\""u8);
            splice.WriteTo(destination);
            splice.Dispose();
        }));
    }

    [Fact]
    public void HeadersAndEra_WhenWarm_KeepTheirBudget() => BudgetFile.Check("wire.headers-and-era", Measured.BytesPerOperation(static () =>
    {
        Scan(s_call, out var call);
        EraClassifier.ClassifyPost(call, s_call, "2026-07-28");
        Must(ModernRequest.Check(call, s_call, "2026-07-28", "tools/call", "forecast") == ModernFault.None);
    }));

    [Fact]
    public void HeaderValue_WhenItIsEncoded_KeepsItsBudget() => BudgetFile.Check("wire.header-value", Measured.BytesPerOperation(static () =>
    {
        Must(HeaderValues.Matches("=?base64?w6nDqA==?=", "\"\u00e9\u00e8\""u8));
        Must(HeaderValues.Matches("1e3", "1000"u8));
    }));

    [Fact]
    public void Lines_WhenWarm_KeepTheirBudget()
    {
        var framer = new LineFramer(1 << 20);
        byte[] lines = [.. s_call, (byte)'\n', .. s_answer, (byte)'\n'];
        BudgetFile.Check("wire.lines-read", Measured.BytesPerOperation(() =>
        {
            var buffer = new ReadOnlySequence<byte>(lines);
            while (framer.TryRead(ref buffer, out _))
            {
            }
        }));
    }

    [Fact]
    public void Events_WhenRead_KeepTheirBudget()
    {
        using var parser = new SseParser(1 << 20);
        byte[] stream = [.. "event: message\nid: 1\ndata: "u8, .. s_answer, .. "\n\n"u8];
        BudgetFile.Check("wire.events-read", Measured.BytesPerOperation(() =>
        {
            ReadOnlySpan<byte> input = stream;
            while (parser.Read(ref input) != SseRead.NeedMore)
            {
            }
        }));
    }

    [Fact]
    public void Events_WhenWritten_KeepTheirBudget()
    {
        var writer = new ArrayBufferWriter<byte>(8192);
        BudgetFile.Check("wire.events-written", Measured.BytesPerOperation(() =>
        {
            writer.ResetWrittenCount();
            SseWriter.WritePriming(writer, "1-1"u8, retryMs: 1000);
            SseWriter.WriteMessage(writer, s_answer, "1-2"u8);
            writer.Write(SseWriter.KeepAlive);
        }));
    }

    private static void Must(bool holds)
    {
        if (!holds)
        {
            throw new InvalidOperationException("What is measured does not do what it should.");
        }
    }
}
