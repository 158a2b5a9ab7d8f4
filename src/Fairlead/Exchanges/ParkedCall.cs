using System.Buffers;
using Fairlead.Sessions;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>A question of a legacy server that a modern client is asked for by <c>input_required</c>.</summary>
/// <param name="Key">The key it has there, without quotes; it needs no escaping.</param>
/// <param name="Message">What the server sent.</param>
/// <param name="Request">The request, which waits for its end.</param>
internal sealed record ParkedQuestion(string Key, CallMessage Message, ServerRequest Request);

/// <summary>A call of a modern client at a legacy server that asks back (protocol.md 6.2, park): it stays open at the server while the client goes and comes back.</summary>
/// <remarks>
/// Owns the exchange while nobody is attached. Always holds: either it waits for the client (and is in the table, with a handle of this round given out), or one request of the
/// client is attached to it and owns the exchange, or it has ended. Who changes between these holds the lock of the call; nothing is called under it.
/// </remarks>
internal sealed class ParkedCall
{
    private readonly Lock _lock = new();
    private readonly List<ParkedQuestion> _open = [];

    // Keys that the request which is attached has answered: each answer is good for one question, or a server that asks again would be told the same for ever.
    private readonly HashSet<string> _answered = new(StringComparer.Ordinal);
    private State _state = State.Attached;
    private int _questions;
    private long _hardLeft;

    /// <summary>Begins attached to the request that brought the call.</summary>
    /// <param name="id">Names it in handles; not 0.</param>
    /// <param name="exchange">Open at a legacy server.</param>
    /// <param name="principal">Digest of whose call it is.</param>
    /// <param name="request">Digest of what was asked.</param>
    public ParkedCall(long id, Exchange exchange, byte[] principal, byte[] request)
    {
        Id = id;
        Exchange = exchange;
        Principal = principal;
        Request = request;
    }

    private enum State : byte
    {
        Attached,
        Waiting,
        Ended,
    }

    /// <summary>Names it in handles.</summary>
    public long Id { get; }

    /// <summary>The call. Only for whoever is attached.</summary>
    public Exchange Exchange { get; }

    /// <summary>Digest of whose call it is.</summary>
    public byte[] Principal { get; }

    /// <summary>Digest of what was asked.</summary>
    public byte[] Request { get; }

    /// <summary>Rounds so far: how often the client has been sent away with questions.</summary>
    public int Round { get; private set; }

    /// <summary>Timestamp after which nobody waits for the client any more; set when it is sent away.</summary>
    public long ExpiresAt { get; private set; }

    /// <summary>Whether there are questions that the client has to be asked; those that the server has withdrawn are forgotten. Only while attached.</summary>
    public bool HasQuestions()
    {
        _open.RemoveAll(static open => open.Request.IsOver);
        return _open.Count != 0;
    }

    /// <summary>Notes a question, unless the request brought the answer with it. Only while attached.</summary>
    /// <remarks>The key is the server's own id of its request where that is a word (docs/adr/0003): both are "server-assigned identifiers", and a client that knows the server's words finds them.</remarks>
    public void Add(CallMessage message, ServerRequest question)
    {
        var word = WordOf(question.Id);
        var key = word is not null && !_open.Exists(open => open.Key == word) ? word : $"q{++_questions}";
        ref readonly var request = ref Exchange.RequestEnvelope;
        if (key != word || !TryAnswer(Exchange.Request.Span, request.InputResponses, key, question))
        {
            question.NoteAsked();
            _open.Add(new ParkedQuestion(key, message, question));
        }
    }

    /// <summary>Sends the client away: the call waits from here on, with its deadlines at rest. Whoever was attached must not touch the exchange afterwards.</summary>
    /// <param name="now">The sweep's clock.</param>
    /// <param name="expiresAt">Until when.</param>
    public void Park(long now, long expiresAt)
    {
        var exchange = Exchange;
        var hard = Volatile.Read(ref exchange.HardDeadline);
        _hardLeft = hard == long.MaxValue ? long.MaxValue : Math.Max(0, hard - now);
        exchange.RestIdleDeadline();
        Volatile.Write(ref exchange.HardDeadline, long.MaxValue);
        Volatile.Write(ref exchange.GraceDeadline, long.MaxValue);
        exchange.WantsProgress = false;
        exchange.LeaveBulkhead();

        // The bytes are the request's that goes away now; what is said of the call comes with the next one.
        exchange.Request = default;
        exchange.RequestEnvelope = default;
        lock (_lock)
        {
            Round++;
            ExpiresAt = expiresAt;
            _state = State.Waiting;
        }
    }

    /// <summary>The client has come back with the handle of a round.</summary>
    /// <returns>False when that round has been answered already, is being answered, or the call has ended; nothing was touched then.</returns>
    public bool TryAttach(int round)
    {
        lock (_lock)
        {
            if (_state != State.Waiting || round != Round)
            {
                return false;
            }

            _state = State.Attached;
            return true;
        }
    }

    /// <summary>Lets the deadlines go on after <see cref="TryAttach"/>. The call counts from here on as opened now: it is its owner's newest, and the time that people took is not the server's.</summary>
    /// <param name="now">The sweep's clock.</param>
    /// <param name="graceTicks">After which a stream is begun for the request.</param>
    public void Resume(long now, long graceTicks)
    {
        Exchange.TakeGrace();
        Volatile.Write(ref Exchange.GraceDeadline, now + graceTicks);
        Exchange.OpenedAt = now;
        Exchange.Admission.ReenterBulkhead();
        if (Exchange.IsComplete)
        {
            // The server ended it while nobody was attached: the end has given back what there was then.
            Exchange.LeaveBulkhead();
        }

        Exchange.ResumeIdleDeadline();
        if (_hardLeft != long.MaxValue)
        {
            Volatile.Write(ref Exchange.HardDeadline, now + _hardLeft);
        }
    }

    /// <summary>Ends a call that waits. The caller owns the exchange then.</summary>
    /// <param name="now">Only when it has expired by then; <see cref="long.MaxValue"/> = in any case.</param>
    public bool TryEnd(long now)
    {
        lock (_lock)
        {
            if (_state != State.Waiting || now < ExpiresAt)
            {
                return false;
            }

            _state = State.Ended;
            return true;
        }
    }

    /// <summary>Takes the questions of a call that waits although its server has ended it: nobody needs their answers. The client gets the end when it comes back.</summary>
    public IReadOnlyList<ParkedQuestion> TakeQuestionsOfEnded()
    {
        lock (_lock)
        {
            if (_state != State.Waiting || _open.Count == 0 || !Exchange.IsComplete)
            {
                return [];
            }

            ParkedQuestion[] taken = [.. _open];
            _open.Clear();
            return taken;
        }
    }

    /// <summary>Gives the server the answers that the client brought. Only while attached. What is missing, or is no result, stays open; keys that nobody asked for are ignored.</summary>
    /// <param name="source">The client's request.</param>
    /// <param name="responses">The place of its <c>inputResponses</c>; may be absent.</param>
    public void Answer(ReadOnlySpan<byte> source, ByteRange responses)
    {
        _answered.Clear();
        for (var i = _open.Count - 1; i >= 0; i--)
        {
            if (TryAnswer(source, responses, _open[i].Key, _open[i].Request))
            {
                _open.RemoveAt(i);
            }
        }
    }

    /// <summary>Declines every question that is open. Only while attached, or after <see cref="TryEnd"/>.</summary>
    public void DeclineAll()
    {
        _open.ForEach(static open => open.Request.Decline());
        _open.Clear();
    }

    /// <summary>Writes the <c>input_required</c> result that sends the client away (2026-07-28, basic/utilities/mrtr). Only while attached.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="requestState">The raw token of the handle.</param>
    public void WriteResult(IBufferWriter<byte> writer, ReadOnlySpan<byte> requestState)
    {
        var separator = "{\"resultType\":\"input_required\",\"inputRequests\":{\""u8;
        foreach (var (key, message, question) in _open)
        {
            writer.Write(separator);
            writer.Write(System.Text.Encoding.ASCII.GetBytes(key));
            writer.Write("\":{\"method\":\""u8);
            writer.Write(McpMethods.NameOf(question.Method));
            var parameters = InputEdits.ForModern(question.Method, message.Bytes, message.Envelope.Params);
            writer.Write(parameters.Length == 0 ? "\""u8 : "\",\"params\":"u8);
            writer.Write(parameters);
            writer.Write("}"u8);
            separator = ",\""u8;
        }

        writer.Write("},\"requestState\":"u8);
        writer.Write(requestState);
        writer.Write("}"u8);
    }

    /// <summary>A raw id token as a word that may be a key: ASCII letters, digits and <c>_ . -</c>, without the number at its end that made it unique, and unlike the keys that are
    /// counted here. Null for anything else.</summary>
    private static string? WordOf(ReadOnlySpan<byte> id)
    {
        if (id.Length is < 4 or > 66 || id[0] != (byte)'"')
        {
            return null;
        }

        var word = System.Text.Encoding.ASCII.GetString(id[1..^1]);
        var stem = word.TrimEnd("0123456789".ToCharArray());
        word = stem.Length > 1 && stem.Length < word.Length && stem[^1] == '-' ? stem[..^1] : word;
        return word.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-') && !(word[0] == 'q' && word.Skip(1).All(char.IsAsciiDigit)) ? word : null;
    }

    private bool TryAnswer(ReadOnlySpan<byte> source, ByteRange responses, string key, ServerRequest question)
    {
        if (!responses.Exists || source[responses.Start] != (byte)'{' || !JsonMembers.TryFind(source, responses, System.Text.Encoding.ASCII.GetBytes(key), out var value)
            || source[value.Start] != (byte)'{' || !_answered.Add(key))
        {
            return false;
        }

        question.Answer("result"u8, value.Of(source));
        return true;
    }
}
