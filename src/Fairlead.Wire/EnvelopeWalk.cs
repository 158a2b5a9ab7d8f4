using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Fairlead.Wire;

/// <summary>What a walk noticed besides the places of the envelope. Judged at the end, when the kind of the message is known: members come in any order.</summary>
internal struct EnvelopeNotes
{
    /// <summary>The known root members that were there, a bit for each <see cref="EnvelopeMember"/>.</summary>
    public uint RootSeen;

    /// <summary>A root member stands twice.</summary>
    public bool RootDoubled;

    /// <summary>The root <c>id</c> stands twice.</summary>
    public bool IdDoubled;

    /// <summary>A member of <c>params</c> or <c>params._meta</c> stands twice.</summary>
    public bool ParamsDoubled;

    /// <summary><c>params</c> is neither object nor array, or <c>params._meta</c> is no object.</summary>
    public bool WrongType;

    /// <summary>Root <c>jsonrpc</c>, any value.</summary>
    public ByteRange JsonRpc;

    /// <summary><c>params._meta.progressToken</c>, a number or string token.</summary>
    public ByteRange MetaProgressToken;

    /// <summary><c>params.progressToken</c>, a number or string token.</summary>
    public ByteRange ParamsProgressToken;

    /// <summary>Whether a known root member was there.</summary>
    public readonly bool Has(EnvelopeMember member) => (RootSeen & (1u << (int)member)) != 0;
}

/// <summary>One walk over one message: fills the places of an envelope and checks the grammar of the whole text.</summary>
internal ref struct EnvelopeWalk
{
    private readonly ReadOnlySpan<byte> _text;
    private readonly ref Envelope _envelope;
    private readonly ref EnvelopeNotes _notes;
    private JsonCursor _cursor;

    /// <summary>Prepares a walk over <paramref name="text"/>.</summary>
    public EnvelopeWalk(ReadOnlySpan<byte> text, ref Envelope envelope, ref EnvelopeNotes notes)
    {
        _text = text;
        _envelope = ref envelope;
        _notes = ref notes;
        _cursor = new JsonCursor(text, 0);
    }

    /// <summary>Walks the whole text. After <see cref="JsonFault.TooDeep"/> the rest of the text is unread.</summary>
    public JsonFault Run(int depthMax)
    {
        var first = _cursor.PeekToken();
        var start = _cursor.Position;
        var fault = first == (byte)'{' ? WalkObject(EnvelopeLevel.Root, depthMax) : _cursor.SkipValue(depthMax);
        if (fault != JsonFault.None)
        {
            return fault;
        }

        _envelope.Root = new ByteRange(start, _cursor.Position - start);
        _cursor.PeekToken();
        return _cursor.AtEnd ? JsonFault.None : JsonFault.Invalid;
    }

    /// <summary>Walks the object at the cursor, whose members the envelope knows by <paramref name="level"/>.</summary>
    private JsonFault WalkObject(EnvelopeLevel level, int levels)
    {
        if (levels <= 0)
        {
            return JsonFault.TooDeep;
        }

        _cursor.Position++;
        if (_cursor.TryTake((byte)'}'))
        {
            return JsonFault.None;
        }

        uint seen = 0;
        var names = default(MemberNames);
        try
        {
            do
            {
                if (!TryReadName(level, ref names, ref seen, out var member))
                {
                    return JsonFault.Invalid;
                }

                var first = _cursor.PeekToken();
                var start = _cursor.Position;
                var inner = first == (byte)'{' ? InnerLevel(level, member) : null;
                var fault = inner is { } known ? WalkObject(known, levels - 1) : _cursor.SkipValue(levels - 1);
                if (fault != JsonFault.None)
                {
                    return fault;
                }

                Keep(level, member, first, new ByteRange(start, _cursor.Position - start));
            }
            while (_cursor.TryTake((byte)','));
        }
        finally
        {
            names.Dispose();
            if (level == EnvelopeLevel.Root)
            {
                _notes.RootSeen = seen;
            }
        }

        return _cursor.TryTake((byte)'}') ? JsonFault.None : JsonFault.Invalid;
    }

    private static EnvelopeLevel? InnerLevel(EnvelopeLevel level, EnvelopeMember member) => member switch
    {
        EnvelopeMember.Params => EnvelopeLevel.Params,
        EnvelopeMember.Result => EnvelopeLevel.Result,
        EnvelopeMember.Error => EnvelopeLevel.Error,
        EnvelopeMember.Meta => level == EnvelopeLevel.Params ? EnvelopeLevel.ParamsMeta : EnvelopeLevel.ResultMeta,
        _ => null,
    };

    private void Keep(EnvelopeLevel level, EnvelopeMember member, byte first, ByteRange value)
    {
        switch (level)
        {
            case EnvelopeLevel.Root:
                KeepRoot(member, first, value);
                break;
            case EnvelopeLevel.Params:
                KeepParam(member, first, value);
                break;
            case EnvelopeLevel.ParamsMeta:
                KeepMeta(member, first, value);
                break;
            default:
                KeepAnswer(member, value);
                break;
        }
    }

    private readonly void KeepRoot(EnvelopeMember member, byte first, ByteRange value)
    {
        switch (member)
        {
            case EnvelopeMember.JsonRpc:
                _notes.JsonRpc = value;
                break;
            case EnvelopeMember.Id:
                _envelope.Id = value;
                break;
            case EnvelopeMember.Method:
                _envelope.Method = value;
                break;
            case EnvelopeMember.Params:
                _envelope.Params = value;
                _notes.WrongType |= first is not ((byte)'{' or (byte)'[');
                break;
            case EnvelopeMember.Result:
                _envelope.Result = value;
                break;
            case EnvelopeMember.Error:
                _envelope.Error = value;
                break;
            default:
                break;
        }
    }

    private readonly void KeepParam(EnvelopeMember member, byte first, ByteRange value)
    {
        switch (member)
        {
            case EnvelopeMember.Name when first == (byte)'"':
                _envelope.Name = value;
                break;
            case EnvelopeMember.Uri when first == (byte)'"':
                _envelope.Uri = value;
                break;
            case EnvelopeMember.Arguments:
                _envelope.Arguments = value;
                break;
            case EnvelopeMember.Cursor:
                _envelope.Cursor = value;
                break;
            case EnvelopeMember.RequestId when IsIdStart(first):
                _envelope.RequestId = value;
                break;
            case EnvelopeMember.InputResponses:
                _envelope.InputResponses = value;
                break;
            case EnvelopeMember.RequestState:
                _envelope.RequestState = value;
                break;
            case EnvelopeMember.ProgressToken when IsIdStart(first):
                _notes.ParamsProgressToken = value;
                break;
            case EnvelopeMember.Meta:
                _envelope.Meta = value;
                _notes.WrongType |= first != (byte)'{';
                break;
            default:
                break;
        }
    }

    /// <summary>Whether a value beginning with this byte is a string or a number: the types of ids and progress tokens.</summary>
    private static bool IsIdStart(byte first) => first is (byte)'"' or (byte)'-' or (>= (byte)'0' and <= (byte)'9');

    private readonly void KeepMeta(EnvelopeMember member, byte first, ByteRange value)
    {
        switch (member)
        {
            case EnvelopeMember.ProgressToken when IsIdStart(first):
                _notes.MetaProgressToken = value;
                break;
            case EnvelopeMember.ProtocolVersion:
                _envelope.MetaProtocolVersion = value;
                break;
            case EnvelopeMember.ClientCapabilities:
                _envelope.MetaClientCapabilities = value;
                break;
            case EnvelopeMember.ClientInfo:
                _envelope.MetaClientInfo = value;
                break;
            case EnvelopeMember.LogLevel:
                _envelope.MetaLogLevel = value;
                break;
            case EnvelopeMember.SubscriptionId:
                _envelope.SubscriptionId = value;
                break;
            default:
                break;
        }
    }

    /// <summary>Members of <c>result</c>, <c>result._meta</c> and <c>error</c> may stand twice (decision 4); the last one counts, as in most JSON readers.</summary>
    private readonly void KeepAnswer(EnvelopeMember member, ByteRange value)
    {
        switch (member)
        {
            case EnvelopeMember.ResultType:
                _envelope.ResultType = value;
                break;
            case EnvelopeMember.TtlMs:
                _envelope.TtlMs = value;
                break;
            case EnvelopeMember.CacheScope:
                _envelope.CacheScope = value;
                break;
            case EnvelopeMember.SubscriptionId:
                _envelope.SubscriptionId = value;
                break;
            case EnvelopeMember.Code:
                _envelope.ErrorCode = Utf8Parser.TryParse(value.Of(_text), out int code, out var used) && used == value.Length ? code : 0;
                break;
            default:
                break;
        }
    }

    /// <summary>Reads a member's name and its colon, and notes a name that stands twice.</summary>
    private bool TryReadName(EnvelopeLevel level, ref MemberNames names, ref uint seen, out EnvelopeMember member)
    {
        member = EnvelopeMember.Other;
        if (_cursor.PeekToken() != (byte)'"')
        {
            return false;
        }

        var start = _cursor.Position + 1;
        if (!_cursor.TryReadString(out var escaped))
        {
            return false;
        }

        var name = _text[start..(_cursor.Position - 1)];
        if (escaped)
        {
            NameEscaped(level, name, ref names, ref seen, out member);
        }
        else
        {
            NamePlain(level, name, ref names, ref seen, out member);
        }

        return _cursor.TryTake((byte)':');
    }

    private readonly void NamePlain(EnvelopeLevel level, scoped ReadOnlySpan<byte> name, ref MemberNames names, ref uint seen, out EnvelopeMember member)
    {
        member = EnvelopeMembers.Find(level, name);
        if (level > EnvelopeLevel.ParamsMeta)
        {
            return;
        }

        bool doubled;
        if (member == EnvelopeMember.Other)
        {
            doubled = !names.TryAdd(name);
        }
        else
        {
            var bit = 1u << (int)member;
            doubled = (seen & bit) != 0;
            seen |= bit;
        }

        if (doubled)
        {
            NoteDouble(level, member);
        }
    }

    private readonly void NoteDouble(EnvelopeLevel level, EnvelopeMember member)
    {
        if (level == EnvelopeLevel.Root)
        {
            _notes.RootDoubled = true;
            _notes.IdDoubled |= member == EnvelopeMember.Id;
        }
        else
        {
            _notes.ParamsDoubled = true;
        }
    }

    [SkipLocalsInit]
    private readonly void NameEscaped(EnvelopeLevel level, ReadOnlySpan<byte> name, ref MemberNames names, ref uint seen, out EnvelopeMember member)
    {
        const int StackBytesMax = 256;
        byte[]? rented = null;
        Span<byte> plain = name.Length <= StackBytesMax ? stackalloc byte[StackBytesMax] : rented = ArrayPool<byte>.Shared.Rent(name.Length);
        var whole = JsonText.TryUnescapeContent(name, plain, out var written);
        Debug.Assert(whole, "Unescaping only shortens.");
        NamePlain(level, plain[..written], ref names, ref seen, out member);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }
}
