using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Fairlead.Wire;

/// <summary>What a walk noticed besides the places of the envelope. Judged at the end, when the kind of the message is known: members come in any
/// order.</summary>
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
internal readonly ref struct EnvelopeWalk
{
    private readonly ref byte _text;
    private readonly int _length;
    private readonly ref Envelope _envelope;
    private readonly ref EnvelopeNotes _notes;

    /// <summary>Prepares a walk over <paramref name="text"/>.</summary>
    public EnvelopeWalk(ReadOnlySpan<byte> text, ref Envelope envelope, ref EnvelopeNotes notes)
    {
        _text = ref MemoryMarshal.GetReference(text);
        _length = text.Length;
        _envelope = ref envelope;
        _notes = ref notes;
    }

    /// <summary>Walks the whole text.</summary>
    /// <returns>0 or more when it is valid, else <see cref="JsonGrammar.Invalid"/> or, with the rest of the text unread,
    /// <see cref="JsonGrammar.TooDeep"/>.</returns>
    public int Run(int depthMax)
    {
        var start = JsonGrammar.SkipSpace(ref _text, _length, 0);
        var end = JsonGrammar.At(ref _text, _length, start) == (byte)'{'
            ? WalkObject(EnvelopeLevel.Root, start, depthMax)
            : JsonGrammar.SkipValue(ref _text, _length, start, depthMax);
        if (end < 0)
        {
            return end;
        }

        _envelope.Root = new ByteRange(start, end - start);
        return JsonGrammar.SkipSpace(ref _text, _length, end) == _length ? end : JsonGrammar.Invalid;
    }

    /// <summary>Walks the object at the offset, whose members the envelope knows by <paramref name="level"/>.</summary>
    /// <returns>The offset behind it, or a fault.</returns>
    private int WalkObject(EnvelopeLevel level, int at, int levels)
    {
        if (levels <= 0)
        {
            return JsonGrammar.TooDeep;
        }

        at = JsonGrammar.SkipSpace(ref _text, _length, at + 1);
        if (JsonGrammar.At(ref _text, _length, at) == (byte)'}')
        {
            return at + 1;
        }

        // Not cleared: that would cost more than the walk over a small object.
        Unsafe.SkipInit(out MemberNames names);
        names.Start();
        at = WalkMembers(level, at, levels - 1, ref names);
        names.Dispose();
        return at;
    }

    private int WalkMembers(EnvelopeLevel level, int at, int levels, ref MemberNames names)
    {
        uint seen = 0;
        while (JsonGrammar.At(ref _text, _length, at) == (byte)'"')
        {
            var nameStart = at + 1;
            at = JsonGrammar.SkipString(ref _text, _length, nameStart, out var plain);
            if (at < 0)
            {
                return at;
            }

            var name = MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref _text, nameStart), at - 1 - nameStart);
            var member = plain || !name.Contains((byte)'\\') ? FindPlain(level, name, ref names) : FindEscaped(level, name, ref names);
            if (member != EnvelopeMember.Other && level <= EnvelopeLevel.ParamsMeta)
            {
                var bit = 1u << (int)member;
                if ((seen & bit) != 0)
                {
                    NoteDouble(level, member);
                }

                seen |= bit;
            }

            at = JsonGrammar.SkipSpace(ref _text, _length, at);
            if (JsonGrammar.At(ref _text, _length, at) != (byte)':')
            {
                return JsonGrammar.Invalid;
            }

            at = JsonGrammar.SkipSpace(ref _text, _length, at + 1);
            var first = JsonGrammar.At(ref _text, _length, at);
            var start = at;
            at = first == (byte)'{' && InnerLevel(level, member) is var inner && inner != EnvelopeLevel.None
                ? WalkObject(inner, at, levels)
                : JsonGrammar.SkipValue(ref _text, _length, at, levels);
            if (member != EnvelopeMember.Other && at != JsonGrammar.Invalid)
            {
                Keep(level, member, first, new ByteRange(start, Math.Max(0, at - start)));
            }

            if (at < 0)
            {
                return at;
            }

            at = JsonGrammar.SkipSpace(ref _text, _length, at);
            var next = JsonGrammar.At(ref _text, _length, at);
            at++;
            if (next != (byte)',')
            {
                return next == (byte)'}' ? at : JsonGrammar.Invalid;
            }

            at = JsonGrammar.SkipSpace(ref _text, _length, at);
        }

        return JsonGrammar.Invalid;
    }

    private static EnvelopeLevel InnerLevel(EnvelopeLevel level, EnvelopeMember member) => member switch
    {
        EnvelopeMember.Params => EnvelopeLevel.Params,
        EnvelopeMember.Result => EnvelopeLevel.Result,
        EnvelopeMember.Error => EnvelopeLevel.Error,
        EnvelopeMember.Meta => level == EnvelopeLevel.Params ? EnvelopeLevel.ParamsMeta : EnvelopeLevel.ResultMeta,
        _ => EnvelopeLevel.None,
    };

    private ReadOnlySpan<byte> Of(ByteRange place) => MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref _text, place.Start), place.Length);

    /// <summary>Finds a member by a name without escapes, and notes an unknown name that stands twice.</summary>
    private EnvelopeMember FindPlain(EnvelopeLevel level, scoped ReadOnlySpan<byte> name, ref MemberNames names)
    {
        var member = EnvelopeMembers.Find(level, name);
        if (member == EnvelopeMember.Other && level <= EnvelopeLevel.ParamsMeta && !names.TryAdd(name))
        {
            NoteDouble(level, member);
        }

        return member;
    }

    [SkipLocalsInit]
    private EnvelopeMember FindEscaped(EnvelopeLevel level, ReadOnlySpan<byte> name, ref MemberNames names)
    {
        const int StackBytesMax = 256;
        byte[]? rented = null;
        Span<byte> plain = name.Length <= StackBytesMax ? stackalloc byte[StackBytesMax] : rented = ArrayPool<byte>.Shared.Rent(name.Length);
        var whole = JsonText.TryUnescapeContent(name, plain, out var written);
        Debug.Assert(whole, "Unescaping only shortens.");
        var member = FindPlain(level, plain[..written], ref names);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return member;
    }

    private void NoteDouble(EnvelopeLevel level, EnvelopeMember member)
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

    private void KeepRoot(EnvelopeMember member, byte first, ByteRange value)
    {
        _notes.RootSeen |= 1u << (int)member;
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

    private void KeepParam(EnvelopeMember member, byte first, ByteRange value)
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

    private void KeepMeta(EnvelopeMember member, byte first, ByteRange value)
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

    /// <summary>Members of <c>result</c>, <c>result._meta</c> and <c>error</c> may stand twice (decision 4); the last one counts, as in most JSON
    /// readers.</summary>
    private void KeepAnswer(EnvelopeMember member, ByteRange value)
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
                _envelope.ErrorCode = Utf8Parser.TryParse(Of(value), out int code, out var used) && used == value.Length ? code : 0;
                break;
            default:
                break;
        }
    }
}
