using System.Security.Cryptography;
using System.Text;
using Fairlead.Configuration;

namespace Fairlead.Catalog;

/// <summary>Gives the tools or prompts of many servers names of their own on the aggregate endpoint (product C4; protocol.md 7).</summary>
/// <remarks>
/// With prefixes, names have at most 64 characters of <c>A-Z a-z 0-9 _ -</c>, because many model interfaces accept no others. A name that would break the rule is changed
/// and ends in a digest of server and name, so that it depends on nothing else and never moves. Nobody splits names again: the table of routes leads back.
/// </remarks>
internal static class NameTable
{
    /// <summary>Longest name that is given.</summary>
    public const int LengthMax = 64;

    private const string Separator = "__";
    private const int DigestChars = 8;

    /// <summary>Names all entries.</summary>
    /// <param name="entries">Server and name of each entry, servers in configuration order; a pair stands there once.</param>
    /// <param name="policy">How names are kept apart.</param>
    /// <returns>A name per entry, all different; null for an entry that cannot be offered because an earlier one has its name (only without prefixes).</returns>
    public static string?[] Assign(IReadOnlyList<(string Server, string Name)> entries, NamingPolicy policy)
    {
        var names = new string?[entries.Count];
        var taken = new HashSet<string>(entries.Count, StringComparer.Ordinal);
        switch (policy)
        {
            case NamingPolicy.None:
                for (var i = 0; i < names.Length; i++)
                {
                    names[i] = taken.Add(entries[i].Name) ? entries[i].Name : null;
                }

                break;
            case NamingPolicy.OnCollision:
                AssignShort(entries, names, taken);
                AssignPrefixed(entries, names, taken);
                break;
            default:
                AssignPrefixed(entries, names, taken);
                break;
        }

        return names;
    }

    /// <summary>The server that a name with a prefix seems to belong to: a guess that is good enough to wait for that server's lists. Null: it has no prefix.</summary>
    public static string? LikelyServer(string name) => name.IndexOf(Separator, StringComparison.Ordinal) is > 0 and var end ? name[..end] : null;

    /// <summary>Whether a name can be given as it is.</summary>
    internal static bool IsPlain(string name) => name.Length is > 0 and <= LengthMax && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');

    /// <summary>Gives names without prefix to the entries that share theirs with no other.</summary>
    private static void AssignShort(IReadOnlyList<(string Server, string Name)> entries, string?[] names, HashSet<string> taken)
    {
        var shortNames = new string[names.Length];
        var uses = new Dictionary<string, int>(names.Length, StringComparer.Ordinal);
        for (var i = 0; i < names.Length; i++)
        {
            var name = entries[i].Name;
            shortNames[i] = IsPlain(name) ? name : WithDigest(name, name);
            uses[shortNames[i]] = uses.GetValueOrDefault(shortNames[i]) + 1;
        }

        for (var i = 0; i < names.Length; i++)
        {
            if (uses[shortNames[i]] == 1)
            {
                names[i] = shortNames[i];
                taken.Add(shortNames[i]);
            }
        }
    }

    /// <summary>Gives prefixed names to all entries without one. Which name an entry gets must not depend on the order of the entries.</summary>
    private static void AssignPrefixed(IReadOnlyList<(string Server, string Name)> entries, string?[] names, HashSet<string> taken)
    {
        // Plain names first: they differ among themselves, since names of servers have no underscore. Then those with a digest, in an order of their own.
        var others = new List<int>();
        for (var i = 0; i < names.Length; i++)
        {
            if (names[i] is not null)
            {
                continue;
            }

            var name = entries[i].Server + Separator + entries[i].Name;
            if (IsPlain(name) && taken.Add(name))
            {
                names[i] = name;
            }
            else
            {
                others.Add(i);
            }
        }

        others.Sort((a, b) => string.CompareOrdinal(entries[a].Server, entries[b].Server) is var byServer and not 0
            ? byServer
            : string.CompareOrdinal(entries[a].Name, entries[b].Name));
        foreach (var i in others)
        {
            var (server, name) = entries[i];
            string candidate;
            var attempt = 0;
            do
            {
                // A digest taken already means that a server chose its names with that aim; the next one is free.
                candidate = WithDigest(server + Separator + name, $"{server}\0{name}\0{attempt++}");
            }
            while (!taken.Add(candidate));

            names[i] = candidate;
        }
    }

    private static string WithDigest(string readable, string identity)
    {
        var name = new StringBuilder(LengthMax);
        foreach (var c in readable)
        {
            if (name.Length == LengthMax - DigestChars - 1)
            {
                break;
            }

            name.Append(char.IsAsciiLetterOrDigit(c) || c is '_' or '-' ? c : '_');
        }

        var digest = SHA256.HashData(Encoding.UTF8.GetBytes(identity));
        return name.Append('_').Append(Convert.ToHexStringLower(digest.AsSpan(0, DigestChars / 2))).ToString();
    }
}
