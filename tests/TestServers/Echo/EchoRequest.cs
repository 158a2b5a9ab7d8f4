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

        while (root.TryReadKey(out var key))
        {
            if (key.SequenceEqual("id"u8))
            {
                request.Id = root.ReadValue();
            }
            else if (key.SequenceEqual("method"u8))
            {
                var method = root.ReadValue();
                request.Method = method[0] == (byte)'"' ? method[1..^1] : default;
            }
            else if (key.SequenceEqual("params"u8) && root.TryEnterObject())
            {
                request.ScanParams(ref root);
            }
            else
            {
                root.ReadValue();
            }
        }

        return request;
    }

    private void ScanParams(scoped ref JsonCursor cursor)
    {
        while (cursor.TryReadKey(out var key))
        {
            if (key.SequenceEqual("name"u8))
            {
                Name = cursor.ReadValue();
            }
            else if (key.SequenceEqual("arguments"u8) && cursor.TryEnterObject())
            {
                Message = ReadMember(ref cursor, "message"u8);
            }
            else if (key.SequenceEqual("_meta"u8) && cursor.TryEnterObject())
            {
                Claim = ReadMember(ref cursor, "io.modelcontextprotocol/protocolVersion"u8);
            }
            else if (key.SequenceEqual("protocolVersion"u8))
            {
                Offered = cursor.ReadValue();
            }
            else
            {
                cursor.ReadValue();
            }
        }
    }

    private static ReadOnlySpan<byte> ReadMember(scoped ref JsonCursor cursor, ReadOnlySpan<byte> wanted)
    {
        ReadOnlySpan<byte> found = default;
        while (cursor.TryReadKey(out var key))
        {
            var value = cursor.ReadValue();
            if (key.SequenceEqual(wanted))
            {
                found = value;
            }
        }

        return found;
    }
}
