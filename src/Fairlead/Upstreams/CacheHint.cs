using System.Buffers.Text;
using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <summary>How long and for whom a result may be kept: <c>ttlMs</c> and <c>cacheScope</c> (2026-07-28, basic/utilities/caching). The default is 0 ms, private: what is safe to say of anything.</summary>
/// <param name="TtlMs">Milliseconds, 0 or more.</param>
/// <param name="IsPublic">Whether the result is the same for all users.</param>
internal readonly record struct CacheHint(long TtlMs, bool IsPublic)
{
    /// <summary>Reads the two members from their tokens. What is absent, negative or no whole number is 0; any scope but "public" is private.</summary>
    public static CacheHint Read(ReadOnlySpan<byte> ttlToken, ReadOnlySpan<byte> scopeToken)
    {
        var isNumber = Utf8Parser.TryParse(ttlToken, out long ttl, out var used) && used == ttlToken.Length && ttl > 0;
        return new CacheHint(isNumber ? ttl : 0, JsonText.Equals(scopeToken, "public"u8));
    }

    /// <summary>The hint of a result made of both: the shorter time, and public only when both are.</summary>
    public CacheHint With(CacheHint other) => new(Math.Min(TtlMs, other.TtlMs), IsPublic && other.IsPublic);

    /// <summary>The two members, as in <c>"ttlMs":0,"cacheScope":"private"</c>.</summary>
    public byte[] ToMembers() =>
        System.Text.Encoding.ASCII.GetBytes(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"\"ttlMs\":{TtlMs},\"cacheScope\":\"{(IsPublic ? "public" : "private")}\""));
}
