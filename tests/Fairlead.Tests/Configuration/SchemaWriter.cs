using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Configuration;

namespace Fairlead.Tests.Configuration;

/// <summary>Makes the JSON schema (2020-12) of our own format out of the options classes.</summary>
internal static class SchemaWriter
{
    private const string Variable = @"\$\{[^}]+\}";
    private const string DurationPattern = "^([0-9.]+ *(ms|s|m|min|h|d) *)+$";
    private const string SizePattern = "^([0-9.]+ *(KiB|MiB|GiB) *)+$";

    private static readonly string[] s_transportWords = ["stdio", "http", "streamable-http", "sse"];

    public static string Write()
    {
        var definitions = new JsonObject { ["server"] = Section(typeof(ServerConfig)), ["input"] = Input() };
        foreach (Type type in Sections(typeof(FairleadOptions)).Concat(Sections(typeof(ServerConfig))).Distinct())
        {
            definitions[Name(type)] = Section(type);
        }

        JsonObject root = Section(typeof(FairleadOptions));
        JsonObject properties = root["properties"]!.AsObject();
        properties.Insert(0, "$schema", new JsonObject { ["type"] = "string" });
        properties["servers"] = new JsonObject
        {
            ["description"] = "The servers, in the order they are listed: an object of names, or a list of servers with a name.",
            ["anyOf"] = new JsonArray(
                new JsonObject { ["type"] = "object", ["additionalProperties"] = Reference("server") },
                new JsonObject { ["type"] = "array", ["items"] = new JsonObject { ["type"] = "object", ["allOf"] = new JsonArray(Reference("server")), ["required"] = new JsonArray("name") } }),
        };
        properties["inputs"] = new JsonObject { ["description"] = "Values that are asked for, and stand for ${input:id}.", ["type"] = "array", ["items"] = Reference("input") };
        var schema = new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["$id"] = "fairlead.schema.json",
            ["title"] = "Fairlead configuration",
        };
        foreach ((string key, JsonNode? value) in root.ToArray())
        {
            root.Remove(key);
            schema[key] = value;
        }

        schema["$defs"] = definitions;
        return schema.ToJsonString(new JsonSerializerOptions { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }) + "\n";
    }

    /// <summary>All options classes below a class, each once, in the order they are met.</summary>
    public static IEnumerable<Type> Sections(Type type) => OptionsShape.Keys(type)
        .Select(key => key.IsSection ? key.Type : key.MapOf)
        .OfType<Type>().SelectMany(inner => Sections(inner).Prepend(inner)).Distinct();

    /// <summary>The name of a section: <c>RetryOptions</c> is <c>retry</c>.</summary>
    public static string Name(Type type)
    {
        string name = type.Name.Replace("Options", "", StringComparison.Ordinal).Replace("ServerAuth", "Auth", StringComparison.Ordinal);
        return char.ToLowerInvariant(name[0]) + name[1..];
    }

    private static JsonObject Section(Type type)
    {
        object defaults = Activator.CreateInstance(type)!;
        var properties = new JsonObject();
        foreach (OptionKey key in OptionsShape.Keys(type))
        {
            properties[key.Name] = Described(key, OptionMeanings.Of(key.Property), key.Get(defaults));
            foreach (string alias in key.Attribute.Aliases.Where(alias => type != typeof(ExposeOptions)))
            {
                properties[alias] = Described(key, $"The same as {key.Name}.", null);
            }
        }

        return new JsonObject { ["description"] = OptionMeanings.Of(type), ["type"] = "object", ["additionalProperties"] = false, ["properties"] = properties };
    }

    private static JsonObject Described(OptionKey key, string meaning, object? byDefault)
    {
        var result = new JsonObject { ["description"] = meaning };
        foreach ((string name, JsonNode? value) in Shape(key))
        {
            result[name] = value?.DeepClone();
        }

        if (byDefault is not null and not "" && !key.IsSection && Default(byDefault) is { } node)
        {
            result["default"] = node;
        }

        return result;
    }

    private static JsonObject Shape(OptionKey key)
    {
        Type type = key.Type;
        if (key.IsSection)
        {
            return OptionsShape.Shorthand(type) is { } shorthand ? AnyOf(Shape(shorthand), Reference(Name(type))) : Reference(Name(type));
        }

        if (type.IsEnum)
        {
            IEnumerable<string> words = OptionWords.Words(type).Concat(type == typeof(ServerType) ? s_transportWords : []);
            return AnyOf(new JsonObject { ["enum"] = new JsonArray([.. words.Select(word => JsonValue.Create(word))]) }, Text($"^{Variable}$"));
        }

        return type switch
        {
            _ when type == typeof(bool) => AnyOf(new JsonObject { ["type"] = "boolean" }, Text($"^{Variable}$")),
            _ when type == typeof(TimeSpan) => AnyOf(Text(DurationPattern), Text(Variable)),
            _ when type == typeof(int) || type == typeof(long) || type == typeof(double) => key.IsBytes
                ? AnyOf(Number(key), Text(SizePattern), Text(Variable))
                : AnyOf(Number(key), Text(Variable)),
            _ when type == typeof(IList<string>) => new JsonObject { ["type"] = "array", ["items"] = new JsonObject { ["type"] = key.Name == "args" ? Scalars() : "string" } },
            _ when type == typeof(IDictionary<string, string>) => new JsonObject { ["type"] = "object", ["additionalProperties"] = new JsonObject { ["type"] = Scalars() } },
            _ when key.MapOf is { } valueType => new JsonObject { ["type"] = "object", ["additionalProperties"] = Reference(Name(valueType)) },
            _ => Bounded(new JsonObject { ["type"] = "string" }, key, "minLength", "maxLength"),
        };
    }

    private static JsonObject Number(OptionKey key) =>
        Bounded(new JsonObject { ["type"] = key.Type == typeof(double) ? "number" : "integer" }, key, "minimum", "maximum");

    private static JsonObject Bounded(JsonObject schema, OptionKey key, string min, string max)
    {
        if (!double.IsNaN(key.Attribute.Min))
        {
            schema[min] = key.Attribute.Min;
        }

        if (!double.IsNaN(key.Attribute.Max))
        {
            schema[max] = key.Attribute.Max;
        }

        return schema;
    }

    private static JsonObject Input() => new()
    {
        ["description"] = "A value that is asked for when no variable FAIRLEAD_INPUT_ID holds it.",
        ["type"] = "object",
        ["required"] = new JsonArray("id"),
        ["properties"] = new JsonObject
        {
            ["id"] = new JsonObject { ["type"] = "string", ["minLength"] = 1 },
            ["type"] = new JsonObject { ["enum"] = new JsonArray("promptString", "pickString", "command") },
            ["description"] = new JsonObject { ["type"] = "string" },
            ["default"] = new JsonObject { ["type"] = "string" },
            ["password"] = new JsonObject { ["type"] = "boolean" },
            ["options"] = new JsonObject { ["type"] = "array" },
        },
    };

    private static JsonNode? Default(object value) => value switch
    {
        int number => number,
        long number => number,
        double number => number,
        bool flag => flag,
        TimeSpan or Enum or string => OptionRules.Show(value),
        _ => null,
    };

    private static JsonArray Scalars() => new("string", "number", "boolean");

    private static JsonObject Text(string pattern) => new() { ["type"] = "string", ["pattern"] = pattern };

    private static JsonObject Reference(string definition) => new() { ["$ref"] = $"#/$defs/{definition}" };

    private static JsonObject AnyOf(params JsonObject[] choices) =>
        new() { ["anyOf"] = new JsonArray([.. choices.SelectMany(choice => choice.ContainsKey("anyOf") ? choice["anyOf"]!.AsArray().Select(inner => inner!.DeepClone()) : [choice])]) };
}
