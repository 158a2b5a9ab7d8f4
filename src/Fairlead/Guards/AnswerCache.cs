using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Fairlead.Guards;

/// <summary>The last good results of one server's tools, by tool and arguments, for when the server cannot answer (product D10). Bounded in number and bytes; the oldest goes first. Any thread.</summary>
internal sealed class AnswerCache
{
    /// <summary>Most results kept.</summary>
    public const int Max = 256;

    /// <summary>Most bytes kept.</summary>
    public const int BytesMax = 4 * 1024 * 1024;

    private readonly ConcurrentDictionary<string, (byte[] Result, long At)> _results = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _order = new();
    private long _bytes;

    /// <summary>The key of a call.</summary>
    /// <param name="name">The server's own name of the tool.</param>
    /// <param name="arguments">Raw; empty = none. Other texts of the same value are other keys.</param>
    public static string KeyOf(string name, ReadOnlySpan<byte> arguments) => name + ' ' + Convert.ToBase64String(SHA256.HashData(arguments));

    /// <summary>Keeps a result; one that would fill a tenth of the room alone is not kept.</summary>
    /// <param name="key">Of the call.</param>
    /// <param name="result">Raw; copied.</param>
    /// <param name="now">The clock's timestamp.</param>
    public void Keep(string key, ReadOnlySpan<byte> result, long now)
    {
        if (result.Length > BytesMax / 10)
        {
            return;
        }

        var kept = (result.ToArray(), now);
        if (_results.TryGetValue(key, out var old))
        {
            if (_results.TryUpdate(key, kept, old))
            {
                Interlocked.Add(ref _bytes, result.Length - old.Result.Length);
            }
        }
        else if (_results.TryAdd(key, kept))
        {
            _order.Enqueue(key);
            Interlocked.Add(ref _bytes, result.Length);
        }

        while ((_order.Count > Max || Volatile.Read(ref _bytes) > BytesMax) && _order.TryDequeue(out var oldest))
        {
            if (_results.TryRemove(oldest, out var gone))
            {
                Interlocked.Add(ref _bytes, -gone.Result.Length);
            }
        }
    }

    /// <summary>The result of a call that is no older than <paramref name="ageMax"/> ticks; null when there is none.</summary>
    public byte[]? Find(string key, long now, long ageMax) => _results.TryGetValue(key, out var kept) && now - kept.At <= ageMax ? kept.Result : null;
}
