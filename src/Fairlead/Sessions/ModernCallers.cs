using System.Buffers;
using System.Collections.Concurrent;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.Wire;

namespace Fairlead.Sessions;

/// <summary>A client of 2026-07-28 as the owner of calls at legacy servers.</summary>
/// <param name="Caller">What instances and questions are chosen by.</param>
/// <param name="Input">What it can be asked for.</param>
internal sealed record ModernCaller(Caller Caller, ClientInput Input);

/// <summary>Who calls, for clients that keep no session: the same principal with the same clientInfo is the same owner (decision 8), whatever connection it comes on.</summary>
/// <remarks>
/// Any thread; finding a client that is known allocates nothing. Owners that called nobody for sessionIdle are forgotten, and at most sessionsMax are kept; beyond that, and for
/// clients that do not say who they are, every call is its own owner: it can be asked, but nothing else of it is told apart from others.
/// </remarks>
internal sealed class ModernCallers(LimitsOptions limits, TimeProvider time)
{
    private const int KeyBytesMax = 4096;
    private const int StackBytesMax = 1024;

    private static readonly TimeSpan s_sweepInterval = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<byte[], Entry> _byWords = new(Utf8NameComparer.Instance);
    private readonly ConcurrentDictionary<byte[], object> _owners = new(Utf8NameComparer.Instance);
    private long _sweptAt = time.GetTimestamp();

    /// <summary>The caller of a request.</summary>
    /// <param name="clientInfo">Raw clientInfo token; empty when there is none.</param>
    /// <param name="capabilities">Raw clientCapabilities token.</param>
    public ModernCaller Of(ReadOnlySpan<byte> clientInfo, ReadOnlySpan<byte> capabilities)
    {
        var length = clientInfo.Length + 1 + capabilities.Length;
        if (clientInfo.IsEmpty || length > KeyBytesMax)
        {
            return Make(null, null, capabilities);
        }

        byte[]? rented = null;
        Span<byte> words = length <= StackBytesMax ? stackalloc byte[StackBytesMax] : rented = ArrayPool<byte>.Shared.Rent(length);
        words = words[..length];
        clientInfo.CopyTo(words);
        words[clientInfo.Length] = 0;
        capabilities.CopyTo(words[(clientInfo.Length + 1)..]);
        if (!_byWords.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(words, out var entry))
        {
            entry = Add(words.ToArray(), clientInfo, capabilities);
        }

        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        entry.LastUsed = time.GetTimestamp();
        return entry.Caller;
    }

    private static ModernCaller Make(object? owner, object? instanceKey, ReadOnlySpan<byte> capabilities) => new(
        new Caller(owner, capabilities.ToArray()) { InstanceKey = instanceKey, Principal = Caller.LocalPrincipal },
        ClientInputs.Of(capabilities, ProtocolVersion.V20260728));

    private Entry Add(byte[] words, ReadOnlySpan<byte> clientInfo, ReadOnlySpan<byte> capabilities)
    {
        ForgetIdle();
        if (_byWords.Count >= limits.SessionsMax)
        {
            return new Entry(Make(null, null, capabilities));
        }

        var owner = _owners.GetOrAdd(clientInfo.ToArray(), static _ => new object());
        return _byWords.GetOrAdd(words, new Entry(Make(owner, new object(), capabilities)));
    }

    private void ForgetIdle()
    {
        var last = Volatile.Read(ref _sweptAt);
        if (time.GetElapsedTime(last) < s_sweepInterval || Interlocked.CompareExchange(ref _sweptAt, time.GetTimestamp(), last) != last)
        {
            return;
        }

        var kept = new HashSet<object?>();
        foreach (var (words, entry) in _byWords)
        {
            if (time.GetElapsedTime(entry.LastUsed) > limits.SessionIdle)
            {
                _byWords.TryRemove(words, out _);
            }
            else
            {
                kept.Add(entry.Caller.Caller.Owner);
            }
        }

        foreach (var (info, owner) in _owners)
        {
            if (!kept.Contains(owner))
            {
                _owners.TryRemove(info, out _);
            }
        }
    }

    private sealed class Entry(ModernCaller caller)
    {
        private long _lastUsed;

        public ModernCaller Caller { get; } = caller;

        public long LastUsed
        {
            get => Volatile.Read(ref _lastUsed);
            set => Volatile.Write(ref _lastUsed, value);
        }
    }
}
