namespace Fairlead.Wire;

/// <summary>Turns the edits of a splice into what is written: drops covered ones and settles the commas.</summary>
internal static class SpliceResolver
{
    /// <summary>Resolves edits, which are sorted as <see cref="Splice"/> keeps them.</summary>
    public static void Resolve(ReadOnlySpan<byte> source, Span<SpliceEdit> edits)
    {
        DropCovered(edits);
        var removes = false;
        var adds = false;
        foreach (ref readonly var edit in edits)
        {
            removes |= edit.Kind == SpliceEditKind.RemoveMember;
            adds |= edit.Kind is SpliceEditKind.Append or SpliceEditKind.Prepend;
        }

        if (removes)
        {
            JoinRemovals(source, edits);
        }

        if (adds)
        {
            SettleCommas(source, edits, removes);
        }
    }

    /// <summary>Offset of the last byte before <paramref name="offset"/> that is not whitespace; -1 when there is none.</summary>
    public static int BeforeWhitespace(ReadOnlySpan<byte> source, int offset)
    {
        do
        {
            offset--;
        }
        while (offset >= 0 && IsWhitespace(source[offset]));

        return offset;
    }

    private static bool IsWhitespace(byte value) => value is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t';

    private static int AfterWhitespace(ReadOnlySpan<byte> source, int offset)
    {
        while (offset < source.Length && IsWhitespace(source[offset]))
        {
            offset++;
        }

        return offset;
    }

    private static void DropCovered(Span<SpliceEdit> edits)
    {
        var covered = 0;
        foreach (ref var edit in edits)
        {
            if (edit.Start < covered)
            {
                edit.Kind = SpliceEditKind.Dropped;
            }
            else if (edit.Takes)
            {
                covered = edit.End;
            }
        }
    }

    /// <summary>
    /// Makes one removal of each run of removed neighbours, with the comma after the run or, at the end of the object, the one before it. Singly they could not
    /// know: in {a,b,c} without b and c each would take the comma on its right or keep it for the other, and the one after a would stay.
    /// </summary>
    private static void JoinRemovals(ReadOnlySpan<byte> source, Span<SpliceEdit> edits)
    {
        for (var i = 0; i < edits.Length; i++)
        {
            if (edits[i].Kind != SpliceEditKind.RemoveMember)
            {
                continue;
            }

            ref var run = ref edits[i];
            var next = AfterWhitespace(source, run.End);
            while (next < source.Length && source[next] == (byte)',')
            {
                var nextMember = AfterWhitespace(source, next + 1);
                var joined = FindRemoval(edits, i + 1, nextMember);
                if (joined < 0)
                {
                    run.End = nextMember;
                    break;
                }

                run.End = edits[joined].End;
                for (var between = i + 1; between <= joined; between++)
                {
                    edits[between].Kind = SpliceEditKind.Dropped;
                }

                next = AfterWhitespace(source, run.End);
            }

            if (next < source.Length && source[next] == (byte)'}')
            {
                var before = BeforeWhitespace(source, run.Start);
                if (before >= 0 && source[before] == (byte)',')
                {
                    run.Start = before;
                }
                else
                {
                    run.Close = next;
                }
            }
        }
    }

    private static int FindRemoval(Span<SpliceEdit> edits, int from, int start)
    {
        for (var i = from; i < edits.Length && edits[i].Start <= start; i++)
        {
            if (edits[i].Kind == SpliceEditKind.RemoveMember && edits[i].Start == start)
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Takes off the commas of added members that have no neighbour on that side.</summary>
    private static void SettleCommas(ReadOnlySpan<byte> source, Span<SpliceEdit> edits, bool removes)
    {
        for (var i = 0; i < edits.Length; i++)
        {
            ref var edit = ref edits[i];
            if (edit.Kind == SpliceEditKind.Append)
            {
                // Additions at one offset stand side by side, so only the first of an object's appends can lack a left neighbour.
                var follows = i > 0 && edits[i - 1].Kind == SpliceEditKind.Append && edits[i - 1].Close == edit.Close;
                if (!follows && !KeepsMember(source, edits, edit.Close, removes) && !HasPrepend(edits, edit.Close))
                {
                    edit.TextStart++;
                    edit.TextLength--;
                }
            }
            else if (edit.Kind == SpliceEditKind.Prepend)
            {
                var followed = i + 1 < edits.Length && edits[i + 1].Kind == SpliceEditKind.Prepend && edits[i + 1].Close == edit.Close;
                if (!followed && !KeepsMember(source, edits, edit.Close, removes))
                {
                    edit.TextLength--;
                }
            }
        }
    }

    /// <summary>Whether the object that closes at <paramref name="close"/> keeps a member of its own.</summary>
    private static bool KeepsMember(ReadOnlySpan<byte> source, Span<SpliceEdit> edits, int close, bool removes)
    {
        if (source[BeforeWhitespace(source, close)] == (byte)'{')
        {
            return false;
        }

        if (removes)
        {
            foreach (ref readonly var edit in edits)
            {
                if (edit.Kind == SpliceEditKind.RemoveMember && edit.Close == close)
                {
                    return false;
                }
            }
        }

        return true;
    }

    private static bool HasPrepend(Span<SpliceEdit> edits, int close)
    {
        foreach (ref readonly var edit in edits)
        {
            if (edit.Kind == SpliceEditKind.Prepend && edit.Close == close)
            {
                return true;
            }
        }

        return false;
    }
}
