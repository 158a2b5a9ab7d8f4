using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Telemetry;

/// <summary>A span as it came over OTLP.</summary>
internal sealed record OtlpSpan(string TraceId, string SpanId, string ParentSpanId, string Name, long Kind, Dictionary<string, string> Attributes, long Status);

/// <summary>Takes OTLP over HTTP with protobuf, in the place of a collector, and reads what the tests look at (opentelemetry-proto, trace.proto and metrics.proto).</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly LoopbackListener _listener;
    private readonly ConcurrentQueue<OtlpSpan> _spans = new();
    private readonly ConcurrentDictionary<string, byte> _metrics = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _paths = new();

    /// <summary>Listens on a port.</summary>
    public OtlpReceiver(int port) => _listener = new LoopbackListener(port, AnswerAsync);

    /// <summary>Where it listens.</summary>
    public string Url => _listener.Url;

    /// <summary>Spans that have come.</summary>
    public IReadOnlyList<OtlpSpan> Spans => [.. _spans];

    /// <summary>Names of metrics that have come.</summary>
    public ICollection<string> Metrics => _metrics.Keys;

    /// <summary>Where requests went to.</summary>
    public IReadOnlyList<string> Paths => [.. _paths];

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _listener.DisposeAsync();

    private async Task AnswerAsync(HttpListenerContext request)
    {
        var body = new MemoryStream();
        await request.Request.InputStream.CopyToAsync(body);
        _paths.Enqueue($"{request.Request.HttpMethod} {request.Request.Url!.AbsolutePath} {request.Request.ContentType}");
        Read(request.Request.Url.AbsolutePath, body.ToArray());
        request.Response.ContentType = "application/x-protobuf";
        request.Response.Close();
    }

    // Both kinds of request: resource (1) -> scope (2) -> span or metric (2).
    private void Read(string path, byte[] body)
    {
        foreach (var item in Fields(body, 1).SelectMany(static resource => Fields(resource, 2)).SelectMany(static scope => Fields(scope, 2)))
        {
            if (path.EndsWith("/v1/traces", StringComparison.Ordinal))
            {
                _spans.Enqueue(new OtlpSpan(
                    Convert.ToHexStringLower(Field(item, 1)), Convert.ToHexStringLower(Field(item, 2)), Convert.ToHexStringLower(Field(item, 4)), Encoding.UTF8.GetString(Field(item, 5)), Number(item, 6),
                    Fields(item, 9).ToDictionary(static pair => Encoding.UTF8.GetString(Field(pair, 1)), static pair => Text(Field(pair, 2)), StringComparer.Ordinal), Number(Field(item, 15), 3)));
            }
            else
            {
                _metrics.TryAdd(Encoding.UTF8.GetString(Field(item, 1)), 0);
            }
        }
    }

    private static string Text(byte[] value) => Field(value, 1) is { Length: > 0 } text ? Encoding.UTF8.GetString(text) : Number(value, 3).ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static byte[] Field(byte[] message, int number) => Fields(message, number).LastOrDefault() ?? [];

    private static IEnumerable<byte[]> Fields(byte[] message, int number) => All(message).Where(field => field.Number == number && field.Bytes is not null).Select(static field => field.Bytes!);

    private static long Number(byte[] message, int number) => All(message).LastOrDefault(field => field.Number == number && field.Bytes is null).Value;

    /// <summary>The fields of a message: bytes for those with a length, a number for the others.</summary>
    private static IEnumerable<(int Number, long Value, byte[]? Bytes)> All(byte[] message)
    {
        for (var at = 0; at < message.Length;)
        {
            var key = Varint(message, ref at);
            var number = (int)(key >> 3);
            switch (key & 7)
            {
                case 0:
                    yield return (number, Varint(message, ref at), null);
                    break;
                case 1:
                    yield return (number, BinaryPrimitives.ReadInt64LittleEndian(message.AsSpan(at)), null);
                    at += 8;
                    break;
                case 2:
                    var length = (int)Varint(message, ref at);
                    yield return (number, 0, message[at..(at + length)]);
                    at += length;
                    break;
                case 5:
                    yield return (number, BinaryPrimitives.ReadInt32LittleEndian(message.AsSpan(at)), null);
                    at += 4;
                    break;
                default:
                    throw new InvalidDataException($"There is no wire type {key & 7}.");
            }
        }
    }

    private static long Varint(byte[] message, ref int at)
    {
        long value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var next = message[at++];
            value |= (long)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
    }
}
