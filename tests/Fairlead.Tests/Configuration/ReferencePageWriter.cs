using System.Collections;
using System.Globalization;
using System.Text;
using Fairlead.Configuration;

namespace Fairlead.Tests.Configuration;

/// <summary>Makes the reference page of the configuration out of the options classes.</summary>
internal static class ReferencePageWriter
{
    public static string Write()
    {
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $"""
            # Configuration reference

            Made from the options classes by the tests (`FAIRLEAD_UPDATE_DOCS=1 ./test --filter ReferenceFiles`); do not edit it. How the file is found, what other formats are read, variables and secrets: [configuration](../configuration.md). The same as a JSON schema: [fairlead.schema.json](fairlead.schema.json).

            Each option of the gateway and each limit can also be given as a flag or as a variable: `limits.sessionIdle` is `{OptionWords.Variable("limits.sessionIdle")}`. Where a number or a word stands, a text with a variable may stand too: `"port": "${"{PORT}"}"`.

            ## The file

            | key | type | default | range | meaning |
            |---|---|---|---|---|

            """);
        Rows(page, typeof(FairleadOptions));
        page.Append("| `servers` | object or list of [servers](#a-server) | `{}` |  | The servers, in the order they are listed: an object of names, or a list of servers with a `name`. |\n");
        page.Append("| `inputs` | list | `[]` |  | Values that are asked for, as VS Code writes them; `${input:id}` stands for one. |\n");
        page.Append("\n## A server\n\n| key | type | default | range | meaning |\n|---|---|---|---|---|\n");
        Rows(page, typeof(ServerConfig));
        foreach (Type section in SchemaWriter.Sections(typeof(FairleadOptions)).Concat(SchemaWriter.Sections(typeof(ServerConfig))).Distinct())
        {
            page.Append(CultureInfo.InvariantCulture, $"\n## {SchemaWriter.Name(section)}\n\n{Escape(OptionMeanings.Of(section))}");
            if (OptionsShape.Shorthand(section) is { } shorthand)
            {
                page.Append(CultureInfo.InvariantCulture, $" A bare value stands for `{shorthand.Name}`.");
            }

            page.Append("\n\n| key | type | default | range | meaning |\n|---|---|---|---|---|\n");
            Rows(page, section);
        }

        return page.ToString();
    }

    private static void Rows(StringBuilder page, Type type)
    {
        object defaults = Activator.CreateInstance(type)!;
        foreach (OptionKey key in OptionsShape.Keys(type))
        {
            string also = key.Attribute.Aliases.Length == 0 || type == typeof(ExposeOptions) ? "" : $" Also written `{string.Join("`, `", key.Attribute.Aliases)}`.";
            string secret = key.Attribute.Secret ? " Secret." : "";
            page.Append(CultureInfo.InvariantCulture, $"| `{key.Name}` | {TypeText(key)} | {Default(key, key.Get(defaults))} | {OptionRules.RangeText(key).Trim()} | {Escape(OptionMeanings.Of(key.Property))}{also}{secret} |\n");
        }
    }

    private static string TypeText(OptionKey key)
    {
        Type type = key.Type;
        return type switch
        {
            _ when key.IsSection => $"[{SchemaWriter.Name(type)}](#{SchemaWriter.Name(type).ToLowerInvariant()})",
            _ when type.IsEnum => string.Join(", ", OptionWords.Words(type).Select(word => $"`{word}`")),
            _ when type == typeof(bool) => "true or false",
            _ when type == typeof(TimeSpan) => "duration",
            _ when type == typeof(double) => "number",
            _ when type == typeof(int) || type == typeof(long) => key.IsBytes ? "number or size" : "whole number",
            _ when type == typeof(Uri) => "address",
            _ when type == typeof(IList<string>) => "list of texts",
            _ when type == typeof(IDictionary<string, string>) => "object of texts",
            _ when key.MapOf is { } valueType => $"object of [{SchemaWriter.Name(valueType)}](#{SchemaWriter.Name(valueType).ToLowerInvariant()})",
            _ => "text",
        };
    }

    private static string Default(OptionKey key, object? value) => value switch
    {
        _ when key.Attribute.DefaultText.Length > 0 => key.Attribute.DefaultText,
        _ when key.IsSection => "",
        null or "" => "none",
        IDictionary => "`{}`",
        IEnumerable and not string => "`[]`",
        _ when key.IsBytes && Convert.ToInt64(value, CultureInfo.InvariantCulture) is >= 1024 * 1024 and var bytes => $"`{bytes / (1024 * 1024)}MiB`",
        _ => $"`{OptionRules.Show(value)}`",
    };

    private static string Escape(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).Replace("*", "\\*", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);
}
