using System.Collections.Concurrent;

namespace Fairlead.Catalog;

/// <summary>URIs of resources that one server has named in results and that stand in no list (protocol.md 7): a client that reads them is led to that server. Bounded; the oldest is forgotten first. Any thread.</summary>
internal sealed class NamedUris
{
    /// <summary>Most URIs kept.</summary>
    public const int Max = 1_000;

    /// <summary>Longest URI kept, in bytes.</summary>
    public const int BytesMax = 2_048;

    private readonly ConcurrentDictionary<byte[], bool> _uris = new(Utf8NameComparer.Instance);
    private readonly ConcurrentDictionary<byte[], bool>.AlternateLookup<ReadOnlySpan<byte>> _bySpan;
    private readonly ConcurrentQueue<byte[]> _order = new();

    /// <summary>Knows none.</summary>
    public NamedUris() => _bySpan = _uris.GetAlternateLookup<ReadOnlySpan<byte>>();

    /// <summary>Whether the server has named this URI.</summary>
    /// <param name="uri">Unescaped UTF-8.</param>
    public bool Contains(ReadOnlySpan<byte> uri) => !_uris.IsEmpty && _bySpan.ContainsKey(uri);

    /// <summary>The server has named a URI.</summary>
    /// <param name="uri">Unescaped UTF-8; copied when kept.</param>
    public void Add(ReadOnlySpan<byte> uri)
    {
        if (uri.Length is 0 or > BytesMax || _bySpan.ContainsKey(uri))
        {
            return;
        }

        var kept = uri.ToArray();
        if (_uris.TryAdd(kept, true))
        {
            _order.Enqueue(kept);
            if (_order.Count > Max && _order.TryDequeue(out var oldest))
            {
                _uris.TryRemove(oldest, out _);
            }
        }
    }
}
