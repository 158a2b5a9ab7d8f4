using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Fairlead.Wire;

/// <summary>The names that one object has shown so far, kept as 64-bit hashes of the unescaped bytes, to find a name that stands twice.</summary>
/// <remarks>
/// Holds the first few names itself; more go to a table rented from the shared pool. Begin with <see cref="Start"/>, end with <see cref="Dispose"/>,
/// never copy.
/// Two different names with one hash are taken for a duplicate: by chance that needs about four thousand million names in one object, and a
/// sender who makes such names on purpose only has his own message refused.
/// </remarks>
internal struct MemberNames
{
    private const int FirstTableSlots = 64;

    // Random and odd. The table slot is (hash * multiplier) >> shift, which is universal: nobody outside can choose names that share slots,
    // so an object of 100 000 hostile names costs no more than one of 100 000 friendly ones.
    private static readonly ulong s_multiplier = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) | 1;

    private FewNames _few;
    private ulong[]? _table;
    private int _slots;
    private int _count;

    /// <summary>Makes the set empty; it may be uninitialised memory before.</summary>
    public void Start()
    {
        _table = null;
        _slots = 0;
        _count = 0;
    }

    /// <summary>Adds a name.</summary>
    /// <param name="name">The unescaped bytes of the name.</param>
    /// <returns>False when the name is in the set already.</returns>
    public bool TryAdd(ReadOnlySpan<byte> name)
    {
        var hash = Hash(name);
        if (_table is null)
        {
            Span<ulong> few = _few;
            if (few[.._count].Contains(hash))
            {
                return false;
            }

            if (_count < few.Length)
            {
                few[_count++] = hash;
                return true;
            }

            MoveToTable();
        }
        else if (_count > _slots - (_slots / 4))
        {
            Grow(_slots * 2);
        }

        if (!TryPut(hash))
        {
            return false;
        }

        _count++;
        return true;
    }

    /// <summary>Gives the rented table back, if there is one.</summary>
    public void Dispose()
    {
        if (_table is not null)
        {
            ArrayPool<ulong>.Shared.Return(_table);
            _table = null;
        }
    }

    /// <summary>Never 0, which marks an empty slot.</summary>
    private static ulong Hash(ReadOnlySpan<byte> name)
    {
        const ulong Prime = 0x9E3779B97F4A7C15;
        var hash = (ulong)name.Length * Prime;
        while (name.Length >= 8)
        {
            hash = Mix(hash ^ MemoryMarshal.Read<ulong>(name));
            name = name[8..];
        }

        ulong tail = 0;
        foreach (var value in name)
        {
            tail = (tail << 8) | value;
        }

        hash = Mix(hash ^ tail);
        return hash == 0 ? 1 : hash;

        // A bijection for each step, so names of one length up to 8 bytes never share a hash.
        static ulong Mix(ulong value)
        {
            value *= Prime;
            return value ^ BitOperations.RotateRight(value, 29) ^ BitOperations.RotateRight(value, 43);
        }
    }

    private void MoveToTable()
    {
        Rent(FirstTableSlots);
        foreach (var hash in _few)
        {
            TryPut(hash);
        }
    }

    private void Grow(int slots)
    {
        var old = _table!;
        var oldSlots = _slots;
        Rent(slots);
        foreach (var hash in old.AsSpan(0, oldSlots))
        {
            if (hash != 0)
            {
                TryPut(hash);
            }
        }

        ArrayPool<ulong>.Shared.Return(old);
    }

    private void Rent(int slots)
    {
        _table = ArrayPool<ulong>.Shared.Rent(slots);
        _slots = slots;
        _table.AsSpan(0, slots).Clear();
    }

    private readonly bool TryPut(ulong hash)
    {
        var table = _table.AsSpan(0, _slots);
        var slot = (int)((hash * s_multiplier) >> (64 - BitOperations.Log2((uint)_slots)));
        while (table[slot] != 0)
        {
            if (table[slot] == hash)
            {
                return false;
            }

            slot = (slot + 1) & (_slots - 1);
        }

        table[slot] = hash;
        return true;
    }

    /// <summary>Enough for the unknown members of ordinary messages, which mostly have none.</summary>
    [InlineArray(8)]
    private struct FewNames
    {
        private ulong _first;
    }
}
