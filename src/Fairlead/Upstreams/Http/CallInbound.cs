using Fairlead.Wire;

namespace Fairlead.Upstreams.Http;

/// <summary>The messages that come in for one call: each goes where it belongs, and the answer ends the call.</summary>
/// <remarks>The exchange's reader alone puts messages in. The call ends through its slot (decision 6): who is first wins, and a call that has ended stays as it is.</remarks>
internal sealed class CallInbound
{
    private readonly HttpConnection _connection;
    private readonly UpstreamCall _call;
    private readonly McpMethod _method;
    private InboundMeter? _meter;
    private bool _isLost;

    /// <summary>Nothing has come.</summary>
    /// <param name="connection">Where the call is open.</param>
    /// <param name="call">The call; somebody else keeps a reference as long as this is used.</param>
    /// <param name="request">The scan of its request.</param>
    public CallInbound(HttpConnection connection, UpstreamCall call, in Envelope request)
    {
        _connection = connection;
        _call = call;
        _method = request.KnownMethod;
        Id = call.UpstreamId;
        IsModern = request.MetaProtocolVersion.Exists;
    }

    /// <summary>The call's id at the server.</summary>
    public long Id { get; }

    /// <summary>Whether the request is one of 2026-07-28.</summary>
    public bool IsModern { get; }

    /// <summary>What was wrong with what came so far: the reason if no answer follows. Null when nothing was.</summary>
    public string? Complaint { get; set; }

    /// <summary>Whether the server refused the call because the schema that its headers came from is out of date: the call is still open and may be sent once more.</summary>
    public bool IsSchemaStale { get; private set; }

    /// <summary>How long the reader must pause because the server floods, or null.</summary>
    public TimeSpan? TakePause() => _meter?.TakePause();

    /// <summary>Hands on a message, or several of a batch; true when the call is over.</summary>
    public bool Take(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty)
        {
            return false;
        }

        if (text[0] != '[')
        {
            return TakeOne(text);
        }

        // 2025-03-26 may answer in batches.
        foreach (var element in new JsonElements(text, new ByteRange(0, text.Length)))
        {
            if (TakeOne(element.Of(text)))
            {
                return true;
            }
        }

        return false;
    }

    private bool TakeOne(ReadOnlySpan<byte> message)
    {
        var error = EnvelopeScanner.Scan(message, _connection.ScanLimits, out var envelope);
        if (error != ScanError.None)
        {
            Complaint = $"it sent a message that is not valid ({error})";
            if (message[0] != '{')
            {
                return false;
            }

            Fail(ForwardError.AnswerInvalid, Complaint);
            return true;
        }

        if (IsLost)
        {
            return envelope.Kind is MessageKind.Result or MessageKind.Error;
        }

        switch (envelope.Kind)
        {
            case MessageKind.Result or MessageKind.Error:
                TakeAnswer(message, envelope);
                return true;
            case MessageKind.Request when IsModern:
                // 2026-07-28 knows no requests of servers, and no way to answer one.
                return false;
            case MessageKind.Notification or MessageKind.Request:
                _meter ??= new InboundMeter(_connection.Limits, _connection.Sweeper.TimeProvider);
                _meter.Count(envelope);
                break;
            default:
                break;
        }

        _connection.Take(message, envelope, _call);
        return false;
    }

    /// <summary>Whether nothing gets through from the server, so that the call must run into its time-out. What was lost once does not come later.</summary>
    public bool IsLost
    {
        get
        {
            if (!_isLost && _connection.Faults is { IsCutOff: true } faults && _connection.Pending.Peek((int)(Id & 0xFFFF), out _) == Id)
            {
                _isLost = true;
                faults.NoteLostAnswer(_call);
            }

            return _isLost;
        }
    }

    private void TakeAnswer(ReadOnlySpan<byte> message, in Envelope envelope)
    {
        var id = envelope.Id.Of(message);
        if (RequestIds.TryParse(id, out var answered) && answered == Id)
        {
            Complete(message, envelope);
            return;
        }

        // An error before the id was read has none: on a stream of its own it can only mean this call (JSON-RPC 2.0, 5; protocol.md 10.2).
        if (envelope.Kind == MessageKind.Error && (id.IsEmpty || id.SequenceEqual("null"u8)))
        {
            var error = envelope.Error.Of(message);
            byte[] named = [.. "{\"jsonrpc\":\"2.0\",\"id\":"u8, .. System.Text.Encoding.ASCII.GetBytes($"{Id}"), .. ",\"error\":"u8, .. error, (byte)'}'];
            if (EnvelopeScanner.Scan(named, _connection.ScanLimits, out var scanned) == ScanError.None)
            {
                Complete(named, scanned);
                return;
            }
        }

        Fail(ForwardError.AnswerInvalid, "it answered another request than the one it was sent");
    }

    private void Complete(ReadOnlySpan<byte> message, in Envelope envelope)
    {
        // HeaderMismatch on a call: the schema that the Mcp-Param headers came from is out of date (protocol.md 10.15). Once; the second is the answer.
        if (IsModern && _method == McpMethod.ToolsCall && !IsSchemaStale && _connection.SchemaStale is not null
            && envelope.Kind == MessageKind.Error && envelope.ErrorCode == ErrorCodes.HeaderMismatch)
        {
            IsSchemaStale = true;
            return;
        }

        _connection.NoteLife();
        if (_connection.Pending.TryTake(Id, ForwardError.None, out var call))
        {
            call.Complete(message, envelope);
        }
    }

    /// <summary>The whole answer has been passed on while it came.</summary>
    public void CompleteStreamed()
    {
        _connection.NoteLife();
        if (_connection.Pending.TryTake(Id, ForwardError.None, out var call))
        {
            call.CompleteWithoutAnswer();
        }
    }

    /// <summary>Takes a message without the end of its event, unless it was cut: then it may be had again.</summary>
    public bool TakeLast(ReadOnlySpan<byte> message) =>
        EnvelopeScanner.Scan(message, _connection.ScanLimits, out _) == ScanError.None && TakeOne(message);

    public void FailTooLong() => Fail(ForwardError.AnswerTooLarge, $"upstreamMessageBytesMax is {_connection.Limits.UpstreamMessageBytesMax}");

    /// <summary>There is no room for the answer.</summary>
    public void FailWithoutRoom() => Fail(ForwardError.BuffersFull, _connection.Buffers.Describe());

    public void Fail(HttpFailure failure)
    {
        if (IsLost)
        {
            return;
        }

        // After the handshake a question of that kind is a look at the server's health already, which counts before it decides.
        var isCheck = _method is McpMethod.Ping or McpMethod.ServerDiscover && _connection.IdentityOrNull is not null;

        // 403 may be about this one tool: whether it is about everything, a question of that kind tells.
        var isRefused = failure.Error == ForwardError.AuthenticationRequired && _connection.IdentityOrNull is not null;
        if (isRefused && (isCheck || failure.IsUnauthorized))
        {
            _connection.NoteRefused(failure.Detail);
        }
        else if ((failure.IsOutage || isRefused) && !isCheck)
        {
            _connection.Unreachable?.Invoke(failure.Detail);
        }

        Fail(failure.Error, failure.Detail);
    }

    public void Fail(ForwardError error, string detail)
    {
        if (!IsLost && _connection.Pending.TryTake(Id, error, out var call))
        {
            call.Fail(error, detail);
        }
    }
}
