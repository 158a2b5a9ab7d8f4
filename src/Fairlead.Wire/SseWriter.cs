using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;

namespace Fairlead.Wire;

/// <summary>Writes server-sent events (WHATWG HTML, 9.2) as MCP uses them.</summary>
public static class SseWriter
{
    /// <summary>A comment with an empty line: keeps a connection open and means nothing.</summary>
    public static ReadOnlySpan<byte> KeepAlive => ":\n\n"u8;

    /// <summary>Writes one message as one event. Raw newlines in the JSON become spaces, so it is one <c>data</c> line.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="json">The message.</param>
    /// <param name="id">Event id without newlines; empty for none.</param>
    public static void WriteMessage([NotNull] IBufferWriter<byte> writer, ReadOnlySpan<byte> json, ReadOnlySpan<byte> id = default)
    {
        WriteMessageStart(writer, id);
        while (!json.IsEmpty)
        {
            var piece = writer.GetSpan();
            var length = Math.Min(piece.Length, json.Length);
            json[..length].CopyTo(piece);
            Splice.BlankNewlines(piece[..length]);
            writer.Advance(length);
            json = json[length..];
        }

        WriteMessageEnd(writer);
    }

    /// <summary>Writes an event up to where its JSON begins. The JSON must be written without raw newlines (<see cref="Splice"/> can do that), then
    /// <see cref="WriteMessageEnd"/>.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="id">Event id without newlines; empty for none.</param>
    public static void WriteMessageStart([NotNull] IBufferWriter<byte> writer, ReadOnlySpan<byte> id = default)
    {
        writer.Write("event: message\n"u8);
        WriteField(writer, "id: "u8, id);
        writer.Write("data: "u8);
    }

    /// <summary>Ends the event that <see cref="WriteMessageStart"/> began.</summary>
    public static void WriteMessageEnd([NotNull] IBufferWriter<byte> writer) => writer.Write("\n\n"u8);

    /// <summary>Writes the priming event of MCP 2025-11-25: an id with empty data. Never to a client of an older revision, which would parse it as
    /// JSON.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="id">Event id to resume from.</param>
    /// <param name="retryMs">Milliseconds after which to come back; null for none.</param>
    public static void WritePriming([NotNull] IBufferWriter<byte> writer, ReadOnlySpan<byte> id, int? retryMs = null)
    {
        WriteField(writer, "id: "u8, id);
        WriteRetryField(writer, retryMs);
        writer.Write("data: \n\n"u8);
    }

    /// <summary>Writes the time after which a client comes back when the stream ends.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="retryMs">Milliseconds, 0 or more.</param>
    public static void WriteRetry([NotNull] IBufferWriter<byte> writer, int retryMs)
    {
        WriteRetryField(writer, retryMs);
        writer.Write("\n"u8);
    }

    /// <summary>Writes the first event of HTTP+SSE (MCP 2024-11-05, transports): where to POST.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="uri">Relative or absolute, ASCII.</param>
    public static void WriteEndpoint([NotNull] IBufferWriter<byte> writer, ReadOnlySpan<byte> uri)
    {
        writer.Write("event: endpoint\n"u8);
        WriteField(writer, "data: "u8, uri);
        writer.Write("\n"u8);
    }

    /// <summary>Writes a comment; newlines in it become spaces.</summary>
    public static void WriteComment([NotNull] IBufferWriter<byte> writer, ReadOnlySpan<byte> text)
    {
        WriteField(writer, ": "u8, text);
        writer.Write("\n"u8);
    }

    private static void WriteRetryField(IBufferWriter<byte> writer, int? retryMs)
    {
        if (retryMs is { } wait)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(wait, nameof(retryMs));
            Span<byte> digits = stackalloc byte[RequestIds.TokenBytesMax];
            Utf8Formatter.TryFormat(wait, digits, out var written);
            WriteField(writer, "retry: "u8, digits[..written]);
        }
    }

    /// <summary>One line; nothing when the value is empty.</summary>
    private static void WriteField(IBufferWriter<byte> writer, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty)
        {
            return;
        }

        var line = writer.GetSpan(name.Length + value.Length + 1);
        name.CopyTo(line);
        value.CopyTo(line[name.Length..]);
        Splice.BlankNewlines(line.Slice(name.Length, value.Length));
        line[name.Length + value.Length] = (byte)'\n';
        writer.Advance(name.Length + value.Length + 1);
    }
}
