using System.Buffers;

namespace Fairlead.Wire.Tests;

/// <summary>Cuts bytes in every way that a transport could.</summary>
internal static class Chunks
{
    /// <summary>All ways to cut <paramref name="length"/> bytes into at most three chunks, and one chunk per byte. Each way is a list of chunk
    /// lengths.</summary>
    public static IEnumerable<int[]> EveryCut(int length)
    {
        yield return [length];
        yield return [.. Enumerable.Repeat(1, length)];
        for (var first = 0; first <= length; first++)
        {
            for (var second = first; second <= length; second++)
            {
                yield return [first, second - first, length - second];
            }
        }
    }

    /// <summary>All ways to cut into two, and one chunk per byte.</summary>
    public static IEnumerable<int[]> EveryCutInTwo(int length)
    {
        yield return [.. Enumerable.Repeat(1, length)];
        for (var first = 0; first <= length; first++)
        {
            yield return [first, length - first];
        }
    }

    /// <summary>A sequence whose segments have the given lengths; those of length 0 are empty segments.</summary>
    public static ReadOnlySequence<byte> Sequence(ReadOnlyMemory<byte> bytes, params int[] lengths)
    {
        var first = new Segment(bytes[..0], null);
        var last = first;
        foreach (var length in lengths)
        {
            last = new Segment(bytes[..length], last);
            bytes = bytes[length..];
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? before)
        {
            Memory = memory;
            if (before is not null)
            {
                RunningIndex = before.RunningIndex + before.Memory.Length;
                before.Next = this;
            }
        }
    }
}
