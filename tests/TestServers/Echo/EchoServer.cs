namespace Fairlead.TestServers.Echo;

/// <summary>
/// An MCP server with one tool, <c>echo</c>, built to cost as little as a server can: one thread, one buffer in and one out, no allocation per call.
/// </summary>
/// <remarks>
/// It reads what is there, answers every whole line of it, and writes all the answers at once: the batch grows with the load.
/// Answers end with the id, as those of the reference SDKs do, so that a reader that expects it first is found out.
/// </remarks>
internal sealed class EchoServer(Era era)
{
    /// <summary>First size of both buffers. The input doubles when a line does not fit; the output is flushed when an answer might not fit.</summary>
    private const int BufferBytes = 256 * 1024;

    private readonly AnswerBuffer _answers = new(BufferBytes);
    private byte[] _input = new byte[BufferBytes];

    /// <summary>Serves until the input ends.</summary>
    public void Run(Stream input, Stream output)
    {
        var filled = 0;
        while (true)
        {
            var read = input.Read(_input.AsSpan(filled));
            if (read == 0)
            {
                return;
            }

            filled += read;
            var consumed = AnswerLines(_input.AsSpan(0, filled), output);
            _answers.Flush(output);

            _input.AsSpan(consumed, filled - consumed).CopyTo(_input);
            filled -= consumed;
            if (filled == _input.Length)
            {
                Array.Resize(ref _input, _input.Length * 2);
            }
        }
    }

    private int AnswerLines(ReadOnlySpan<byte> text, Stream output)
    {
        var consumed = 0;
        while (true)
        {
            var length = text[consumed..].IndexOf((byte)'\n');
            if (length < 0)
            {
                return consumed;
            }

            var line = text.Slice(consumed, length);
            consumed += length + 1;
            if (line.IndexOfAnyExcept((byte)' ', (byte)'\r') >= 0)
            {
                // The longest answer is a constant frame around the message, which is a part of the line.
                _answers.MakeRoom(line.Length + 1024, output);
                AnswerLine(line);
            }
        }
    }

    private void AnswerLine(ReadOnlySpan<byte> line)
    {
        EchoRequest request;
        try
        {
            request = EchoRequest.Scan(line);
        }
        catch (FormatException)
        {
            _answers.Error("null"u8, "-32700,\"message\":\"The line is not a JSON object. Send one JSON-RPC message per line.\""u8);
            return;
        }

        if (request.Method.IsEmpty || request.Id.IsEmpty)
        {
            return; // A notification or an answer: neither gets a reply.
        }

        var modern = era != Era.Legacy && !request.Claim.IsEmpty;
        if (modern && !request.Claim.SequenceEqual("\"2026-07-28\""u8))
        {
            _answers.UnsupportedVersion(request.Id, request.Claim);
        }
        else if (era == Era.Modern && !modern && !request.Method.SequenceEqual("initialize"u8))
        {
            _answers.Error(request.Id, "-32602,\"message\":\"params._meta lacks io.modelcontextprotocol/protocolVersion; this server speaks 2026-07-28 only.\""u8);
        }
        else
        {
            Answer(request, modern);
        }
    }

    private void Answer(EchoRequest request, bool modern)
    {
        var method = request.Method;
        if (method.SequenceEqual("tools/call"u8))
        {
            Call(request, modern);
        }
        else if (method.SequenceEqual("tools/list"u8))
        {
            _answers.Result(request.Id, modern ? EchoTexts.ModernToolList : EchoTexts.LegacyToolList);
        }
        else if (modern && method.SequenceEqual("server/discover"u8))
        {
            _answers.Result(request.Id, EchoTexts.Discover);
        }
        else if (!modern && era != Era.Modern && method.SequenceEqual("initialize"u8))
        {
            _answers.Initialized(request.Id, EchoTexts.LegacyVersion(request.Offered));
        }
        else if (!modern && era != Era.Modern && method.SequenceEqual("ping"u8))
        {
            _answers.Result(request.Id, "{}"u8);
        }
        else
        {
            _answers.Error(request.Id, "-32601,\"message\":\"This server does not know that method.\""u8);
        }
    }

    private void Call(EchoRequest request, bool modern)
    {
        if (!request.Name.SequenceEqual("\"echo\""u8))
        {
            _answers.Error(request.Id, "-32602,\"message\":\"Unknown tool. This server has one: echo.\""u8);
        }
        else if (request.Message.IsEmpty || request.Message[0] != (byte)'"')
        {
            _answers.Result(request.Id, modern ? EchoTexts.ModernMissingMessage : EchoTexts.LegacyMissingMessage);
        }
        else
        {
            _answers.Echo(request.Id, request.Message, modern);
        }
    }
}
