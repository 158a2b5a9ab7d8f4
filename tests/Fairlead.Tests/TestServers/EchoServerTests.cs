using System.Text;
using Fairlead.TestServers.Echo;

namespace Fairlead.Tests.TestServers;

public sealed class EchoServerTests
{
    private const string Claim = "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}";
    private const string ModernCall = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\",\"arguments\":{\"message\":\"hi\"}," + Claim + "}}\n";
    private const string ModernAnswer = "{\"result\":{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]},\"jsonrpc\":\"2.0\",\"id\":7}\n";

    [Theory]
    [InlineData("dual", ModernCall, ModernAnswer)]
    [InlineData("modern", ModernCall, ModernAnswer)]
    [InlineData("legacy", ModernCall, "{\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]},\"jsonrpc\":\"2.0\",\"id\":7}\n")]
    [InlineData("dual", "{\"method\":\"tools/call\",\"params\":{\"arguments\":{\"n\":[{\"}\":\"]\"}],\"message\":\"a\\\"b\\u00e9é\"},\"name\":\"echo\"},\"id\":\"x\"}\r\n", "{\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"a\\\"b\\u00e9é\"}]},\"jsonrpc\":\"2.0\",\"id\":\"x\"}\n")]
    [InlineData("dual", "{\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-03-26\"}}\n", "{\"result\":{\"protocolVersion\":\"2025-03-26\",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"echo\",\"version\":\"1.0.0\"}},\"jsonrpc\":\"2.0\",\"id\":1}\n")]
    [InlineData("dual", "{\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2099-01-01\"}}\n", "{\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"echo\",\"version\":\"1.0.0\"}},\"jsonrpc\":\"2.0\",\"id\":1}\n")]
    [InlineData("dual", "{\"id\":1,\"method\":\"ping\"}\n", "{\"result\":{},\"jsonrpc\":\"2.0\",\"id\":1}\n")]
    [InlineData("dual", "{\"method\":\"notifications/initialized\"}\n\n  \r\n{\"id\":3,\"result\":{}}\n", "")]
    [InlineData("dual", "not json\n", "{\"error\":{\"code\":-32700,\"message\":\"The line is not a JSON object. Send one JSON-RPC message per line.\"},\"jsonrpc\":\"2.0\",\"id\":null}\n")]
    [InlineData("legacy", "{\"id\":1,\"method\":\"server/discover\",\"params\":{" + Claim + "}}\n", "{\"error\":{\"code\":-32601,\"message\":\"This server does not know that method.\"},\"jsonrpc\":\"2.0\",\"id\":1}\n")]
    [InlineData("modern", "{\"id\":1,\"method\":\"initialize\",\"params\":{}}\n", "{\"error\":{\"code\":-32601,\"message\":\"This server does not know that method.\"},\"jsonrpc\":\"2.0\",\"id\":1}\n")]
    public void Run_WhenLinesCome_AnswersEachInItsEra(string era, string input, string expected)
    {
        var output = new MemoryStream();
        new EchoServer(Enum.Parse<Era>(era, ignoreCase: true)).Run(new MemoryStream(Encoding.UTF8.GetBytes(input)), output);
        Assert.Equal(expected, Encoding.UTF8.GetString(output.ToArray()));
    }

    [Fact]
    public void Run_WhenTheClaimIsOfAnotherRevision_NamesTheSupportedOne()
    {
        var output = new MemoryStream();
        new EchoServer(Era.Dual).Run(new MemoryStream(Encoding.UTF8.GetBytes(ModernCall.Replace("2026-07-28", "2030-01-01", StringComparison.Ordinal))), output);
        Assert.Contains("\"code\":-32022", Encoding.UTF8.GetString(output.ToArray()), StringComparison.Ordinal);
        Assert.Contains("\"supported\":[\"2026-07-28\"],\"requested\":\"2030-01-01\"", Encoding.UTF8.GetString(output.ToArray()), StringComparison.Ordinal);
    }

    [Fact]
    public void Run_WhenSeveralLinesCameAtOnce_AnswersThemInOneWrite()
    {
        var output = new CountingStream();
        new EchoServer(Era.Dual).Run(new MemoryStream(Encoding.UTF8.GetBytes(ModernCall + ModernCall + ModernCall)), output);
        Assert.Equal((1, 3 * ModernAnswer.Length), (output.Writes, output.Bytes));
    }

    [Fact]
    public void Run_WhenBytesComeOneByOne_AnswersTheSame()
    {
        var output = new MemoryStream();
        new EchoServer(Era.Dual).Run(new PiecewiseStream(Encoding.UTF8.GetBytes(ModernCall + ModernCall), 1, repeats: 1), output);
        Assert.Equal(ModernAnswer + ModernAnswer, Encoding.UTF8.GetString(output.ToArray()));
    }

    [Fact]
    public void Run_WhenALineIsLongerThanTheBuffer_AnswersItWhole()
    {
        var message = new string('x', 3_000_000);
        var output = new MemoryStream();
        new EchoServer(Era.Dual).Run(new MemoryStream(Encoding.UTF8.GetBytes(ModernCall.Replace("hi", message, StringComparison.Ordinal))), output);
        Assert.Equal(ModernAnswer.Replace("hi", message, StringComparison.Ordinal), Encoding.UTF8.GetString(output.ToArray()));
    }

    [Fact]
    public void Run_WhenWarm_AllocatesNothingPerCall()
    {
        const int Calls = 10_000;
        var server = new EchoServer(Era.Dual);
        var call = Encoding.UTF8.GetBytes(ModernCall);
        var (input, output) = (new PiecewiseStream(call, 100, Calls), new CountingStream());
        server.Run(new PiecewiseStream(call, 100, Calls), output);

        var before = GC.GetAllocatedBytesForCurrentThread();
        server.Run(input, output);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(2L * Calls * ModernAnswer.Length, output.Bytes);
    }

    /// <summary>Gives the same bytes some times over, a piece per read.</summary>
    private sealed class PiecewiseStream(byte[] bytes, int pieceBytesMax, int repeats) : MemoryStream
    {
        private int _repeat;
        private int _position;

        public override int Read(Span<byte> buffer)
        {
            if (_position == bytes.Length)
            {
                (_position, _repeat) = (0, _repeat + 1);
            }

            if (_repeat == repeats)
            {
                return 0;
            }

            var piece = Math.Min(Math.Min(pieceBytesMax, buffer.Length), bytes.Length - _position);
            bytes.AsSpan(_position, piece).CopyTo(buffer);
            _position += piece;
            return piece;
        }
    }

    private sealed class CountingStream : MemoryStream
    {
        public int Writes { get; private set; }

        public long Bytes { get; private set; }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            Writes++;
            Bytes += buffer.Length;
        }
    }
}
