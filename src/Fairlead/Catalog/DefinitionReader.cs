using System.Diagnostics.CodeAnalysis;
using Fairlead.Wire;

namespace Fairlead.Catalog;

/// <summary>Turns the raw definitions of a list into entries; says why one cannot be used.</summary>
internal static class DefinitionReader
{
    /// <summary>Reads one definition.</summary>
    /// <param name="raw">The raw element of the list; kept by the entry when it is used.</param>
    /// <param name="kind">What it defines.</param>
    /// <param name="refusesBadHeaders">Whether a tool with a bad <c>x-mcp-header</c> is refused, as a client of Streamable HTTP must. Else the annotation means nothing to the server.</param>
    /// <param name="entry">The entry; null when the definition cannot be used.</param>
    /// <param name="note">What is wrong with it, in words that follow the name of the list; null when nothing is.</param>
    public static bool TryRead(byte[] raw, ListKind kind, bool refusesBadHeaders, [NotNullWhen(true)] out CatalogEntry? entry, out string? note)
    {
        entry = null;
        note = null;
        var shape = DefinitionShape.Read(raw, kind);
        var member = kind switch { ListKind.Resources => "uri", ListKind.ResourceTemplates => "uriTemplate", _ => "name" };
        if (!shape.Name.Exists || JsonText.ToString(shape.Name.Of(raw)) is not { Length: > 0 } name)
        {
            note = $"an entry without a {member} was dropped";
            return false;
        }

        if (shape.IsNameDoubled)
        {
            note = $"'{Shorten(name)}' was dropped: its {member} stands there twice, so it could be read two ways";
            return false;
        }

        var headers = HeaderAnnotations.Read(raw, shape.InputSchema, out var fault);
        if (fault is not null)
        {
            if (refusesBadHeaders)
            {
                note = $"'{Shorten(name)}' was dropped: {fault}";
                return false;
            }

            note = $"'{Shorten(name)}': {fault}; clients over HTTP may refuse the tool";
        }

        entry = new CatalogEntry(name, raw, shape.Name) { Headers = headers, UiResource = shape.UiResource, WrapsOutput = shape.WrapsOutput, Tasks = shape.Tasks, MayRepeat = shape.MayRepeat };
        return true;
    }

    /// <summary>A server's word, short enough and clean enough for a log line.</summary>
    internal static string Shorten(string name)
    {
        var clean = string.Concat(name.Take(80).Select(c => char.IsControl(c) ? '?' : c));
        return name.Length > 80 ? clean + "..." : clean;
    }
}
