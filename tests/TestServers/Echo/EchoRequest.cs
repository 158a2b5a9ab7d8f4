namespace Fairlead.TestServers.Echo;

/// <summary>What the server needs to know of one line. All spans point into the line.</summary>
internal ref struct EchoRequest
{
    /// <summary>The raw id, quotes included; empty for a notification. It is found wherever it stands, also as the last member.</summary>
    public ReadOnlySpan<byte> Id;

    /// <summary>The method without quotes; empty for an answer.</summary>
    public ReadOnlySpan<byte> Method;

    /// <summary><c>params.name</c>, quotes included; empty when absent.</summary>
    public ReadOnlySpan<byte> Name;

    /// <summary><c>params.arguments.message</c> as it was written, quotes included; empty when absent.</summary>
    public ReadOnlySpan<byte> Message;

    /// <summary>The modern claim in <c>params._meta</c>, or the version that <c>initialize</c> offers in <c>params</c>; quotes included, empty when absent.</summary>
    public ReadOnlySpan<byte> Claim, Offered;

    /// <exception cref="FormatException">The line is not a JSON object.</exception>
    public static EchoRequest Scan(ReadOnlySpan<byte> line)
    {
        var request = default(EchoRequest);
        var root = new JsonCursor(line);
        if (!root.TryEnterObject())
        {
            throw new FormatException("not an object");
        }

        while (root.TryReadMember(out var key, out var value))
        {
            if (key.SequenceEqual("id"u8))
            {
                request.Id = value;
            }
            else if (key.SequenceEqual("method"u8))
            {
                request.Method = value[0] == (byte)'"' ? value[1..^1] : default;
            }
            else if (key.SequenceEqual("params"u8))
            {
                request.ScanParams(value);
            }
        }

        return request;
    }

    private void ScanParams(ReadOnlySpan<byte> text)
    {
        var cursor = new JsonCursor(text);
        if (!cursor.TryEnterObject())
        {
            return;
        }

        while (cursor.TryReadMember(out var key, out var value))
        {
            if (key.SequenceEqual("name"u8))
            {
                Name = value;
            }
            else if (key.SequenceEqual("arguments"u8))
            {
                Message = MemberOf(value, "message"u8);
            }
            else if (key.SequenceEqual("_meta"u8))
            {
                Claim = MemberOf(value, "io.modelcontextprotocol/protocolVersion"u8);
            }
            else if (key.SequenceEqual("protocolVersion"u8))
            {
                Offered = value;
            }
        }
    }

    private static ReadOnlySpan<byte> MemberOf(ReadOnlySpan<byte> text, ReadOnlySpan<byte> wanted)
    {
        var cursor = new JsonCursor(text);
        if (cursor.TryEnterObject())
        {
            while (cursor.TryReadMember(out var key, out var value))
            {
                if (key.SequenceEqual(wanted))
                {
                    return value;
                }
            }
        }

        return default;
    }
}
