using System.Collections.Concurrent;
using Fairlead.Catalog;
using Fairlead.Routing;
using Fairlead.Sessions;

namespace Fairlead.Servers;

/// <summary>The keys of instances that several owners share: one for each pair of what owners can be asked for and the extensions that they declared (protocol.md 5 and 6).</summary>
/// <remarks>Any thread; a key that is known is found without allocation. At most <c>countMax</c> keys are kept: clients write their extensions as they like.</remarks>
/// <param name="countMax">More owners than that, each with extensions of its own, use the shared instance until a key falls free.</param>
internal sealed class InstancePools(int countMax)
{
    private const int StackBytesMax = 512;

    private readonly ConcurrentDictionary<byte[], object> _keys = new(Utf8NameComparer.Instance);

    /// <summary>The key of the instance that this caller shares with its like; null when there are too many kinds of callers, or its extensions are too long to be kept.</summary>
    /// <param name="input">What it can be asked for.</param>
    /// <param name="caller">Its extensions are taken.</param>
    /// <param name="looksOnly">Whether no key is made: null when there is none yet.</param>
    public object? KeyOf(ClientInput input, Caller caller, bool looksOnly = false)
    {
        if (caller.Extensions.Length >= StackBytesMax)
        {
            return null;
        }

        Span<byte> words = stackalloc byte[StackBytesMax];
        words[0] = (byte)input;
        caller.Extensions.CopyTo(words[1..]);
        words = words[..(1 + caller.Extensions.Length)];
        if (_keys.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(words, out var key))
        {
            return key;
        }

        return looksOnly || _keys.Count >= countMax ? null : _keys.GetOrAdd(words.ToArray(), new object());
    }

    /// <summary>Forgets a key whose instance has ended; any other object is let be.</summary>
    public void Forget(object key)
    {
        foreach (var (words, known) in _keys)
        {
            if (ReferenceEquals(known, key))
            {
                _keys.TryRemove(words, out _);
            }
        }
    }
}
