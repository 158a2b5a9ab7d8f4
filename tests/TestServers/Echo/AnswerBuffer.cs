namespace Fairlead.TestServers.Echo;

/// <summary>Collects answers, one line each, until they are flushed with a single write. Not thread-safe.</summary>
internal sealed class AnswerBuffer(int capacityBytes)
{
    private byte[] _bytes = new byte[capacityBytes];
    private int _length;

    /// <summary>Makes sure that <paramref name="bytes"/> more fit: flushes, and grows when they would not fit even then.</summary>
    public void MakeRoom(int bytes, Stream output)
    {
        if (_bytes.Length - _length >= bytes)
        {
            return;
        }

        Flush(output);
        if (_bytes.Length < bytes)
        {
            _bytes = new byte[bytes * 2];
        }
    }

    public void Flush(Stream output)
    {
        if (_length > 0)
        {
            output.Write(_bytes.AsSpan(0, _length));
            output.Flush();
            _length = 0;
        }
    }

    /// <param name="id">The raw id of the request.</param>
    /// <param name="result">One JSON value.</param>
    public void Result(ReadOnlySpan<byte> id, ReadOnlySpan<byte> result)
    {
        Add("{\"result\":"u8);
        Add(result);
        End(id);
    }

    /// <param name="id">The raw id of the request.</param>
    /// <param name="message">A raw JSON string, quotes included.</param>
    /// <param name="modern">Whether the result states its <c>resultType</c>.</param>
    public void Echo(ReadOnlySpan<byte> id, ReadOnlySpan<byte> message, bool modern)
    {
        Add(modern ? "{\"result\":{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":"u8 : "{\"result\":{\"content\":[{\"type\":\"text\",\"text\":"u8);
        Add(message);
        Add("}]}"u8);
        End(id);
    }

    /// <param name="id">The raw id of the request.</param>
    /// <param name="version">The agreed revision, quotes included.</param>
    public void Initialized(ReadOnlySpan<byte> id, ReadOnlySpan<byte> version)
    {
        Add("{\"result\":{\"protocolVersion\":"u8);
        Add(version);
        Add(",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"echo\",\"version\":\"1.0.0\"}}"u8);
        End(id);
    }

    /// <summary>-32022: the claim names a revision that the server does not speak.</summary>
    public void UnsupportedVersion(ReadOnlySpan<byte> id, ReadOnlySpan<byte> requested)
    {
        Add("{\"error\":{\"code\":-32022,\"message\":\"Unsupported protocol version\",\"data\":{\"supported\":[\"2026-07-28\"],\"requested\":"u8);
        Add(requested);
        Add("}}"u8);
        End(id);
    }

    /// <param name="id">The raw id, or <c>null</c> when it could not be read.</param>
    /// <param name="codeAndMessage">The inside of the error object after <c>"code":</c>.</param>
    public void Error(ReadOnlySpan<byte> id, ReadOnlySpan<byte> codeAndMessage)
    {
        Add("{\"error\":{\"code\":"u8);
        Add(codeAndMessage);
        Add("}"u8);
        End(id);
    }

    private void End(ReadOnlySpan<byte> id)
    {
        Add(",\"jsonrpc\":\"2.0\",\"id\":"u8);
        Add(id);
        Add("}\n"u8);
    }

    private void Add(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_bytes.AsSpan(_length));
        _length += bytes.Length;
    }
}
