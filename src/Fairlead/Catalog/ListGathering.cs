using Fairlead.Configuration;
using Fairlead.Wire;

namespace Fairlead.Catalog;

/// <summary>Gathers the pages of one list. Used by one caller at a time.</summary>
internal sealed class ListGathering
{
    private readonly ListKind _kind;
    private readonly LimitsOptions _limits;
    private readonly bool _refusesBadHeaders;
    private readonly Action<string> _note;
    private readonly List<CatalogEntry> _entries = [];
    private readonly Dictionary<string, CatalogEntry> _byName = new(StringComparer.Ordinal);
    private readonly HashSet<string> _cursors = new(StringComparer.Ordinal);
    private long _bytes;

    /// <summary>Starts with no entries.</summary>
    /// <param name="kind">Which list.</param>
    /// <param name="limits">toolsPerServerMax and listBytesMax.</param>
    /// <param name="refusesBadHeaders">See <see cref="DefinitionReader.TryRead"/>.</param>
    /// <param name="note">Told of what is odd: a clause without a full stop.</param>
    public ListGathering(ListKind kind, LimitsOptions limits, bool refusesBadHeaders, Action<string> note)
    {
        _kind = kind;
        _limits = limits;
        _refusesBadHeaders = refusesBadHeaders;
        _note = note;
    }

    /// <summary>The entries so far, in the server's order.</summary>
    public CatalogEntry[] ToArray() => [.. _entries];

    /// <summary>Takes one page.</summary>
    /// <param name="message">The whole answer; not kept.</param>
    /// <param name="result">Where its result stands.</param>
    /// <param name="nextCursor">The raw cursor token of the next page; empty when there is none.</param>
    /// <returns>Whether another page is to be asked for.</returns>
    public bool Add(ReadOnlySpan<byte> message, ByteRange result, out byte[] nextCursor)
    {
        nextCursor = [];
        if (!JsonMembers.TryFind(message, result, ListAudiences.MemberOf(_kind), out var list) || message[list.Start] != (byte)'[')
        {
            _note("the answer holds no list; it is taken as empty");
            return false;
        }

        foreach (var element in new JsonElements(message, list))
        {
            if (!TakeEntry(element.Of(message)))
            {
                return false;
            }
        }

        if (!JsonMembers.TryFind(message, result, "nextCursor"u8, out var cursor) || !JsonText.IsString(cursor.Of(message)))
        {
            return false;
        }

        // An empty string is a cursor like any other. A repeated one would lead in a circle.
        nextCursor = cursor.Of(message).ToArray();
        if (!_cursors.Add(Convert.ToBase64String(nextCursor)))
        {
            _note("a page led back to an earlier one; reading stopped there");
            return false;
        }

        return true;
    }

    private bool TakeEntry(ReadOnlySpan<byte> raw)
    {
        if (_entries.Count >= _limits.ToolsPerServerMax)
        {
            _note($"there are more entries than toolsPerServerMax ({_limits.ToolsPerServerMax}); the rest was left out, raise the limit if they are wanted");
            return false;
        }

        if (_bytes + raw.Length > _limits.ListBytesMax)
        {
            _note($"the list is longer than listBytesMax ({_limits.ListBytesMax} bytes); the rest was left out, raise the limit if it is wanted");
            return false;
        }

        if (!DefinitionReader.TryRead(raw.ToArray(), _kind, _refusesBadHeaders, out var entry, out var note))
        {
            _note(note!);
            return true;
        }

        if (note is not null)
        {
            _note(note);
        }

        if (_byName.TryGetValue(entry.Name, out var first))
        {
            // The same again is harmless (a cursor that begins anew); two definitions of one name are not: clients could see one and call the other.
            if (!first.Raw.AsSpan().SequenceEqual(entry.Raw))
            {
                _note($"'{DefinitionReader.Shorten(entry.Name)}' is defined twice; the first definition is used");
            }

            return true;
        }

        _byName.Add(entry.Name, entry);
        _entries.Add(entry);
        _bytes += raw.Length;
        return true;
    }
}
