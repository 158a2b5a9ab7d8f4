namespace Fairlead.Wire;

/// <summary>What an edit of a splice does. The order of the values is the order in which edits at one offset are written.</summary>
internal enum SpliceEditKind
{
    /// <summary>Raw bytes at an offset.</summary>
    Insert,

    /// <summary>A member at the start of an object.</summary>
    Prepend,

    /// <summary>A member at the end of an object.</summary>
    Append,

    /// <summary>Other bytes for a place.</summary>
    Replace,

    /// <summary>A member goes away, with the comma that it needs no more.</summary>
    RemoveMember,

    /// <summary>Lies inside a removed or replaced place, or was joined to a removal before it: writes nothing.</summary>
    Dropped,
}

/// <summary>One edit of a splice. Integers only: it lives in a caller's byte scratch.</summary>
internal struct SpliceEdit
{
#pragma warning disable CA1805 // Fields are set by the splice, offsets are into its source unless said otherwise.
    /// <summary>What it does.</summary>
    public SpliceEditKind Kind;

    /// <summary>First byte that it takes the place of.</summary>
    public int Start;

    /// <summary>Byte after the last one that it takes the place of; equal to <see cref="Start"/> when it only adds.</summary>
    public int End;

    /// <summary>Offset of its bytes in the splice's text.</summary>
    public int TextStart;

    /// <summary>Number of its bytes, commas added when the splice is resolved included.</summary>
    public int TextLength;

    /// <summary>Offset of the closing brace: of the object that gets a member, or of one that a run of removals empties; -1 for other edits.</summary>
    public int Close;
#pragma warning restore CA1805

    /// <summary>Whether the source bytes of the edit go away.</summary>
    public readonly bool Takes => End > Start;
}
