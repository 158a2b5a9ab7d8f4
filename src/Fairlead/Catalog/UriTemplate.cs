using System.Buffers;

namespace Fairlead.Catalog;

/// <summary>Tells whether a URI can come from a template, to find the server that reads it (RFC 6570, as far as routing needs it).</summary>
/// <remarks>
/// A simple expression <c>{x}</c> stands for one character or more without <c>/ ? #</c>; <c>{.x}</c> and <c>{/x}</c> the same after their separator; <c>{+x}</c> for
/// one character or more of any kind; <c>{#x}</c>, <c>{?x}</c>, <c>{&amp;x}</c> and <c>{;x}</c> for nothing, or their mark and anything after it. Values are not read out.
/// The time grows with the length of the URI times the number of parts, whatever a server writes: no backtracking.
/// </remarks>
internal sealed class UriTemplate
{
    /// <summary>Longer URIs match no template.</summary>
    public const int UriBytesMax = 8 * 1024;

    private const int StackBytesMax = 1024;

    private readonly Part[] _parts;

    private UriTemplate(Part[] parts) => _parts = parts;

    private enum PartKind : byte
    {
        Literal,
        Segments,
        SomeOfAny,
        MarkedOrNothing,
    }

    /// <summary>Reads an unescaped UTF-8 template.</summary>
    /// <returns>Null when a brace is not closed or the template has no expression (then it is an ordinary URI).</returns>
    public static UriTemplate? Parse(ReadOnlySpan<byte> template)
    {
        var parts = new List<Part>();
        var hasExpression = false;
        while (!template.IsEmpty)
        {
            var open = template.IndexOf((byte)'{');
            if (open < 0)
            {
                parts.Add(new Part(PartKind.Literal, template.ToArray()));
                break;
            }

            var close = template[open..].IndexOf((byte)'}');
            if (close < 2)
            {
                return null;
            }

            if (open > 0)
            {
                parts.Add(new Part(PartKind.Literal, template[..open].ToArray()));
            }

            AddExpression(parts, template[open + 1]);
            hasExpression = true;
            template = template[(open + close + 1)..];
        }

        return hasExpression ? new UriTemplate([.. parts]) : null;
    }

    /// <summary>Whether <paramref name="uri"/> (unescaped UTF-8) can come from the template.</summary>
    public bool IsMatch(ReadOnlySpan<byte> uri)
    {
        if (uri.Length > UriBytesMax || (_parts[0].Kind == PartKind.Literal && !uri.StartsWith(_parts[0].Text)))
        {
            return false;
        }

        // reach[i]: the parts looked at so far can end before byte i.
        var length = uri.Length + 1;
        bool[]? rented = null;
        Span<bool> reach = length <= StackBytesMax ? stackalloc bool[StackBytesMax] : rented = ArrayPool<bool>.Shared.Rent(length);
        reach = reach[..length];
        reach.Clear();
        reach[0] = true;
        foreach (var part in _parts)
        {
            Advance(part, uri, reach);
        }

        var matches = reach[uri.Length];
        if (rented is not null)
        {
            ArrayPool<bool>.Shared.Return(rented);
        }

        return matches;
    }

    private static void AddExpression(List<Part> parts, byte mark)
    {
        switch (mark)
        {
            case (byte)'+':
                parts.Add(new Part(PartKind.SomeOfAny, []));
                break;
            case (byte)'#' or (byte)'?' or (byte)'&' or (byte)';':
                parts.Add(new Part(PartKind.MarkedOrNothing, [mark]));
                break;
            case (byte)'.' or (byte)'/':
                parts.Add(new Part(PartKind.Literal, [mark]));
                parts.Add(new Part(PartKind.Segments, []));
                break;
            default:
                parts.Add(new Part(PartKind.Segments, []));
                break;
        }
    }

    private static void Advance(in Part part, ReadOnlySpan<byte> uri, Span<bool> reach)
    {
        switch (part.Kind)
        {
            case PartKind.Literal:
                // From the end, so that a mark which this part sets is not taken for a start of it.
                for (var end = uri.Length; end >= 0; end--)
                {
                    var start = end - part.Text.Length;
                    reach[end] = start >= 0 && reach[start] && uri[start..end].SequenceEqual(part.Text);
                }

                break;
            case PartKind.MarkedOrNothing:
                for (var i = 0; i < uri.Length; i++)
                {
                    if (reach[i] && uri[i] == part.Text[0])
                    {
                        reach[i..].Fill(true);
                        break;
                    }
                }

                break;
            default:
                var inside = false;
                for (var i = 0; i < uri.Length; i++)
                {
                    var starts = reach[i] || inside;
                    reach[i] = inside;
                    inside = starts && (part.Kind == PartKind.SomeOfAny || uri[i] is not ((byte)'/' or (byte)'?' or (byte)'#'));
                }

                reach[uri.Length] = inside;
                break;
        }
    }

    private readonly record struct Part(PartKind Kind, byte[] Text);
}
