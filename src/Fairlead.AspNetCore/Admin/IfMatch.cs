using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Fairlead.AspNetCore.Admin;

/// <summary>The condition of a change (RFC 9110, section 13.1.1): the versions of the server's configuration that it is meant for.</summary>
internal static class IfMatch
{
    /// <summary>The versions that <c>If-Match</c> names; null = any. Weak ones match nothing and are left out.</summary>
    /// <exception cref="BadRequest">It is no list of entity tags.</exception>
    public static IReadOnlyList<string>? Of(HttpContext context)
    {
        StringValues header = context.Request.Headers.IfMatch;
        if (header.Count == 0)
        {
            return null;
        }

        return EntityTagHeaderValue.TryParseStrictList([.. header.Where(static value => value is not null).Cast<string>()], out var tags)
            ? tags.Any(static tag => tag.Tag == "*") ? null : [.. tags.Where(static tag => !tag.IsWeak).Select(static tag => tag.Tag.Subsegment(1, tag.Tag.Length - 2).ToString())]
            : throw new BadRequest($"If-Match = '{header}' is no list of entity tags. Send it as the ETag of the server was: If-Match: \"1f2e3d4c-7-0\", with the quotes, or * for any.");
    }
}
