using System.Buffers;
using System.Security.Cryptography;
using Fairlead.Wire;

namespace Fairlead.Catalog;

/// <summary>Writes lists as clients of each revision need them: definitions byte for byte, except the renamed name and what the revision cannot carry (protocol.md 6, tools/list).</summary>
internal static class PageRenderer
{
    /// <summary>Most entries of a page. Many clients never ask for a second page, so only lists that no model could use are cut.</summary>
    public const int EntriesMax = 1_000;

    /// <summary>Bytes of definitions after which a page ends; one entry may go beyond.</summary>
    public const int BytesMax = 4 * 1024 * 1024;

    /// <summary>Renders all pages.</summary>
    public static RenderedPages Render(OfferedList list, ListAudience audience)
    {
        var bodies = new List<byte[]>();
        var body = new ArrayBufferWriter<byte>(256);
        var count = 0;
        foreach (var entry in list.Entries)
        {
            var shape = DefinitionShape.Read(entry.Entry.Raw, list.Kind);
            if (IsHidden(entry, shape, audience))
            {
                continue;
            }

            if (count == EntriesMax || body.WrittenCount >= BytesMax)
            {
                bodies.Add(body.WrittenSpan.ToArray());
                body.ResetWrittenCount();
                count = 0;
            }

            if (count++ != 0)
            {
                body.Write(","u8);
            }

            WriteEntry(entry, shape, audience, body);
        }

        bodies.Add(body.WrittenSpan.ToArray());
        return Assemble(list, audience, bodies);
    }

    // Modern clients can use the tool all the same: Fairlead runs the task for them (protocol.md 6, tasks 25-11-25).
    private static bool IsHidden(OfferedEntry entry, in DefinitionShape shape, ListAudience audience) =>
        shape.Tasks == TaskSupport.Required && !entry.IsModern && audience == ListAudience.Older;

    private static void WriteEntry(OfferedEntry entry, in DefinitionShape shape, ListAudience audience, ArrayBufferWriter<byte> writer)
    {
        var raw = entry.Entry.Raw;
        var splice = new Splice(raw, stackalloc byte[Splice.ScratchBytes], blankNewlines: true);
        if (entry.NewName is not null)
        {
            splice.Replace(entry.Entry.NameToken, JsonText.Quote(entry.NewName));
        }

        if (entry.NewUserInterface is not null)
        {
            ReplaceUserInterface(ref splice, entry, JsonText.Quote(entry.NewUserInterface));
        }

        // 2026-07-28 has no execution member; its tasks are an extension that the server decides on. Across the eras there are no tasks of either form.
        if (entry.IsModern != (audience == ListAudience.Modern) && shape.Execution.Exists)
        {
            splice.RemoveMember(shape.Execution);
        }

        if (audience != ListAudience.Modern && entry.IsModern && shape.WrapsOutput)
        {
            OutputWrap.WrapSchema(ref splice, raw, shape.OutputSchema);
        }

        splice.WriteTo(writer);
        splice.Dispose();
    }

    /// <summary>Replaces the URI of a tool's user interface in both of its spellings, where the server wrote both (protocol.md 7, MCP Apps).</summary>
    private static void ReplaceUserInterface(scoped ref Splice splice, OfferedEntry entry, byte[] uri)
    {
        var raw = entry.Entry.Raw;
        if (!JsonMembers.TryFind(raw, new ByteRange(0, raw.Length), "_meta"u8, out var meta))
        {
            return;
        }

        if (JsonMembers.TryFind(raw, meta, "ui"u8, out var ui) && JsonMembers.TryFind(raw, ui, "resourceUri"u8, out var place))
        {
            splice.Replace(place, uri);
        }

        if (JsonMembers.TryFind(raw, meta, "ui/resourceUri"u8, out place))
        {
            splice.Replace(place, uri);
        }
    }

    private static RenderedPages Assemble(OfferedList list, ListAudience audience, List<byte[]> bodies)
    {
        var modern = audience == ListAudience.Modern;
        var edition = Edition(audience, bodies);
        var pages = new byte[bodies.Count][];
        var page = new ArrayBufferWriter<byte>(bodies[0].Length + 256);
        for (var i = 0; i < pages.Length; i++)
        {
            page.ResetWrittenCount();
            page.Write(modern ? "{\"resultType\":\"complete\",\""u8 : "{\""u8);
            page.Write(ListAudiences.MemberOf(list.Kind));
            page.Write("\":["u8);
            page.Write(bodies[i]);
            page.Write("]"u8);
            if (i + 1 < pages.Length)
            {
                page.Write(",\"nextCursor\":\""u8);
                page.Write(RenderedPages.Cursor(edition, i + 1));
                page.Write("\""u8);
            }

            if (modern)
            {
                page.Write(","u8);
                page.Write(list.Hint.ToMembers());
            }

            page.Write("}"u8);
            pages[i] = page.WrittenSpan.ToArray();
        }

        return new RenderedPages(edition, pages);
    }

    private static string Edition(ListAudience audience, List<byte[]> bodies)
    {
        if (bodies.Count == 1)
        {
            return "";
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData([(byte)audience]);
        foreach (var body in bodies)
        {
            hash.AppendData(body);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));
    }
}
