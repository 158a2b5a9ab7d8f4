using System.Text;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Catalog;

/// <summary>An entry as one endpoint offers it.</summary>
/// <param name="Cell">The server it comes from.</param>
/// <param name="Entry">The server's definition.</param>
/// <param name="NewName">The name that clients see, when it is not the server's own; else null.</param>
/// <param name="IsModern">Whether the server speaks 2026-07-28 or later, so that legacy clients may need another rendering.</param>
internal sealed record OfferedEntry(ServerCell Cell, CatalogEntry Entry, string? NewName, bool IsModern)
{
    /// <summary>The URI by which clients see a tool's user interface, when it is not the server's own; else null.</summary>
    public string? NewUserInterface { get; init; }

    /// <summary>The name that clients see.</summary>
    public string Name => NewName ?? Entry.Name;

    /// <summary>The UTF-8 bytes of <see cref="Name"/>: what a route is found by.</summary>
    public byte[] NameUtf8()
    {
        if (NewName is not null)
        {
            return Encoding.UTF8.GetBytes(NewName);
        }

        var token = Entry.NameToken.Of(Entry.Raw);
        var name = new byte[token.Length];
        JsonText.TryUnescape(token, name, out var written);
        return name[..written];
    }

    /// <summary>Where a client's call of this entry goes.</summary>
    /// <param name="wrapped">What of the server is wrapped; null for nothing.</param>
    public CatalogRoute ToRoute(WrappedResources? wrapped) => new(Cell, Entry.NameToken.Of(Entry.Raw).ToArray(), NewName is not null, Entry) { Wrapped = wrapped };

    /// <summary>Whether a client sees the same in both.</summary>
    public bool LooksLike(OfferedEntry other) =>
        (ReferenceEquals(Entry, other.Entry) || Entry.Raw.AsSpan().SequenceEqual(other.Entry.Raw))
        && NewName == other.NewName && NewUserInterface == other.NewUserInterface && IsModern == other.IsModern;
}

/// <summary>One list of one endpoint with its rendered pages. The entries are frozen; a rendering is made when the first client of its kind asks and kept.</summary>
internal sealed class OfferedList
{
    private readonly RenderedPages?[] _rendered = new RenderedPages?[ListAudiences.Count];

    /// <summary>Freezes <paramref name="entries"/>, which the list owns from here on.</summary>
    /// <param name="kind">Which list.</param>
    /// <param name="entries">In the order that clients see.</param>
    public OfferedList(ListKind kind, OfferedEntry[] entries)
    {
        Kind = kind;
        Entries = entries;
    }

    /// <summary>Which list.</summary>
    public ListKind Kind { get; }

    /// <summary>What is in it, in order; not to be changed.</summary>
    public OfferedEntry[] Entries { get; }

    /// <summary>How long clients of 2026-07-28 may keep the list, and for whom.</summary>
    public CacheHint Hint { get; init; }

    /// <summary>The same list with some of its entries.</summary>
    public OfferedList With(OfferedEntry[] entries) => new(Kind, entries) { Hint = Hint with { IsPublic = false } };

    /// <summary>A list without entries.</summary>
    public static OfferedList Empty(ListKind kind) => new(kind, []);

    /// <summary>Whether clients see the same in both lists, so that nobody has to be told.</summary>
    public bool LooksLike(OfferedList other)
    {
        if (Entries.Length != other.Entries.Length)
        {
            return false;
        }

        for (var i = 0; i < Entries.Length; i++)
        {
            if (!Entries[i].LooksLike(other.Entries[i]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Keeps what <paramref name="other"/>, which looks the same, has rendered already.</summary>
    public void AdoptPages(OfferedList other)
    {
        for (var i = 0; i < _rendered.Length; i++)
        {
            // Another hint is no change of the list that anybody must be told of, but it stands in the page.
            if ((ListAudience)i != ListAudience.Modern || Hint == other.Hint)
            {
                Volatile.Write(ref _rendered[i], Volatile.Read(ref other._rendered[i]));
            }
        }
    }

    /// <summary>One page of the list.</summary>
    /// <param name="audience">For whom.</param>
    /// <param name="cursorToken">The client's raw cursor; empty, <c>""</c> or <c>null</c> for the first page.</param>
    /// <param name="result">The raw result object.</param>
    /// <returns>False when the cursor is not one of this list as it is now.</returns>
    public bool TryGetPage(ListAudience audience, ReadOnlySpan<byte> cursorToken, out ReadOnlyMemory<byte> result)
    {
        ref var place = ref _rendered[(int)audience];
        var pages = Volatile.Read(ref place);
        if (pages is null)
        {
            // Two first clients may both render; the results are equal and either may stay.
            pages = PageRenderer.Render(this, audience);
            Volatile.Write(ref place, pages);
        }

        return pages.TryGet(cursorToken, out result);
    }
}
