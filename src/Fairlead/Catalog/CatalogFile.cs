using System.Buffers;
using System.Text;
using System.Text.Json;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Catalog;

/// <summary>The text of a catalogue file: one JSON object that holds the server's own definitions as the bytes they came in.</summary>
internal static class CatalogFile
{
    /// <summary>The form that is written and read.</summary>
    public const int FormatVersion = 1;

    // A message of a server has at most 64 levels; a definition stands less deep in the file than in the message.
    private const int DepthMax = 128;

    private static readonly ListKind[] s_kinds = [ListKind.Tools, ListKind.Prompts, ListKind.Resources, ListKind.ResourceTemplates];

    /// <summary>Writes a file.</summary>
    /// <param name="catalog">Known: it has an identity.</param>
    /// <param name="server">The server, for people who look into the file.</param>
    /// <param name="digest">Of the launch that the lists belong to.</param>
    public static ReadOnlyMemory<byte> Write(ServerCatalog catalog, string server, string digest)
    {
        var identity = catalog.Identity ?? throw new ArgumentException("Nothing is known of the server.", nameof(catalog));
        var file = new ArrayBufferWriter<byte>(4096);
        file.Write(Encoding.UTF8.GetBytes($"{{\"formatVersion\":{FormatVersion},\n\"server\":"));
        file.Write(JsonText.Quote(server));
        file.Write(",\n\"digest\":"u8);
        file.Write(JsonText.Quote(digest));
        file.Write(",\n\"version\":\""u8);
        file.Write(ProtocolVersions.Utf8Of(identity.Version));
        file.Write("\""u8);
        WriteRaw(file, "capabilities"u8, identity.Capabilities);
        WriteRaw(file, "serverInfo"u8, identity.ServerInfo);
        WriteRaw(file, "instructions"u8, identity.Instructions);
        WriteHints(file, catalog, identity);
        foreach (var kind in s_kinds)
        {
            file.Write(",\n\""u8);
            file.Write(ListAudiences.MemberOf(kind));
            file.Write("\":["u8);
            var separator = "\n"u8;
            foreach (var entry in ListOf(catalog, kind))
            {
                file.Write(separator);
                file.Write(entry.Raw);
                separator = ",\n"u8;
            }

            file.Write("]"u8);
        }

        file.Write("}\n"u8);
        return file.WrittenMemory;
    }

    /// <summary>Reads a file.</summary>
    /// <param name="file">Its bytes.</param>
    /// <param name="digest">Of the launch whose lists are wanted.</param>
    /// <returns>The lists; <see cref="ServerCatalog.Empty"/> when they belong to the server as it was launched before.</returns>
    /// <exception cref="JsonException">The file is not one that <see cref="Write"/> wrote.</exception>
    public static ServerCatalog Parse(byte[] file, string digest)
    {
        using (JsonDocument.Parse(file, new JsonDocumentOptions { MaxDepth = DepthMax }))
        {
            // Only its judgement is wanted: the walk below trusts that the text is JSON.
        }

        var start = file.AsSpan().IndexOf((byte)'{');
        if (start < 0)
        {
            throw new JsonException("it is no object");
        }

        var root = new ByteRange(start, file.Length - start);
        if (!JsonMembers.TryFind(file, root, "digest"u8, out var owner) || JsonText.ToString(owner.Of(file)) != digest)
        {
            return ServerCatalog.Empty;
        }

        JsonMembers.TryFind(file, root, "caching"u8, out var hints);
        var identity = new UpstreamIdentity(ReadVersion(file, root), Raw(file, root, "capabilities"u8), Raw(file, root, "serverInfo"u8), Raw(file, root, "instructions"u8))
        {
            Caching = ReadHint(file, hints, "discover"u8),
        };
        var lists = Array.ConvertAll(s_kinds, kind => ReadList(file, root, kind));
        return new ServerCatalog(lists[0], lists[1], lists[2], lists[3], identity) { Hints = Array.ConvertAll(s_kinds, kind => ReadHint(file, hints, ListAudiences.MemberOf(kind))) };
    }

    /// <summary>One of the four lists.</summary>
    internal static CatalogEntry[] ListOf(ServerCatalog catalog, ListKind kind) => kind switch
    {
        ListKind.Tools => catalog.Tools,
        ListKind.Prompts => catalog.Prompts,
        ListKind.Resources => catalog.Resources,
        _ => catalog.Templates,
    };

    private static void WriteRaw(ArrayBufferWriter<byte> file, ReadOnlySpan<byte> name, byte[] value)
    {
        if (value.Length != 0)
        {
            file.Write(",\n\""u8);
            file.Write(name);
            file.Write("\":"u8);
            file.Write(value);
        }
    }

    private static void WriteHints(ArrayBufferWriter<byte> file, ServerCatalog catalog, UpstreamIdentity identity)
    {
        file.Write(",\n\"caching\":{\"discover\":{"u8);
        file.Write(identity.Caching.ToMembers());
        foreach (var kind in s_kinds)
        {
            file.Write("},\""u8);
            file.Write(ListAudiences.MemberOf(kind));
            file.Write("\":{"u8);
            file.Write(catalog.Hints[(int)kind].ToMembers());
        }

        file.Write("}}"u8);
    }

    /// <summary>A hint; the default in a file that was written before there were any.</summary>
    private static CacheHint ReadHint(byte[] file, ByteRange hints, ReadOnlySpan<byte> name)
    {
        JsonMembers.TryFind(file, hints, name, out var hint);
        JsonMembers.TryFind(file, hint, "ttlMs"u8, out var ttl);
        JsonMembers.TryFind(file, hint, "cacheScope"u8, out var scope);
        return CacheHint.Read(ttl.Of(file), scope.Of(file));
    }

    private static ProtocolVersion ReadVersion(byte[] file, ByteRange root)
    {
        var version = JsonMembers.TryFind(file, root, "version"u8, out var token) ? ProtocolVersions.ParseToken(token.Of(file)) : ProtocolVersion.Unknown;
        return version != ProtocolVersion.Unknown ? version : throw new JsonException("it names no protocol version");
    }

    private static byte[] Raw(byte[] file, ByteRange root, ReadOnlySpan<byte> name) =>
        JsonMembers.TryFind(file, root, name, out var value) ? value.Of(file).ToArray() : [];

    private static CatalogEntry[] ReadList(byte[] file, ByteRange root, ListKind kind)
    {
        var entries = new List<CatalogEntry>();
        JsonMembers.TryFind(file, root, ListAudiences.MemberOf(kind), out var list);
        foreach (var element in new JsonElements(file, list))
        {
            // What may not be shown was dropped before it was written; notes were given then.
            if (DefinitionReader.TryRead(element.Of(file).ToArray(), kind, refusesBadHeaders: false, out var entry, out _))
            {
                entries.Add(entry);
            }
        }

        return [.. entries];
    }
}
