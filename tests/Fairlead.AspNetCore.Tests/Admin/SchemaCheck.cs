using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>Holds values against the JSON Schemas of the OpenAPI document. Knows the keywords that stand there and fails on any other.</summary>
/// <param name="document">What <c>$ref</c> leads into.</param>
internal sealed class SchemaCheck(JsonElement document)
{
    private static readonly HashSet<string> s_remarks = ["description", "title", "default", "example", "examples"];

    /// <summary>What is wrong with a value; a member that the schema does not name is wrong, unless it says <c>additionalProperties: true</c>.</summary>
    public List<string> Errors(JsonElement schema, JsonElement value, string place = "$")
    {
        var named = new HashSet<string>(StringComparer.Ordinal);
        var errors = new List<string>();
        Check(schema, value, place, named, errors);
        if (value.ValueKind == JsonValueKind.Object && schema.EnumerateObject().Any())
        {
            errors.AddRange(value.EnumerateObject().Where(member => !named.Contains(member.Name)).Select(member => $"{place}.{member.Name} is not in the schema"));
        }

        return errors;
    }

    /// <summary>What a <c>$ref</c> leads to; an element that has none is its own end.</summary>
    public JsonElement Resolve(JsonElement element)
    {
        while (element.ValueKind == JsonValueKind.Object && element.TryGetProperty("$ref", out var reference))
        {
            element = document;
            foreach (var part in reference.GetString()!["#/".Length..].Split('/'))
            {
                element = element.GetProperty(part);
            }
        }

        return element;
    }

    private void Check(JsonElement schema, JsonElement value, string place, HashSet<string> named, List<string> errors)
    {
        foreach (var keyword in schema.EnumerateObject())
        {
            var wanted = keyword.Value;
            switch (keyword.Name)
            {
                case "$ref":
                    Check(Resolve(schema), value, place, named, errors);
                    break;
                case "type":
                    Require(Words(wanted).Any(type => Is(type, value)), $"{place} = {value} is not of type {wanted}");
                    break;
                case "enum":
                    Require(wanted.EnumerateArray().Any(one => JsonElement.DeepEquals(one, value)), $"{place} = {value} is none of {wanted}");
                    break;
                case "const":
                    Require(JsonElement.DeepEquals(wanted, value), $"{place} = {value} is not {wanted}");
                    break;
                case "pattern":
                    Require(value.ValueKind != JsonValueKind.String || Regex.IsMatch(value.GetString()!, wanted.GetString()!), $"{place} = {value} does not match {wanted}");
                    break;
                case "format":
                    Require(wanted.GetString() == "date-time" && DateTimeOffset.TryParse(value.GetString(), CultureInfo.InvariantCulture, out _), $"{place} = {value} is no {wanted}");
                    break;
                case "minimum":
                    Require(value.ValueKind != JsonValueKind.Number || value.GetDouble() >= wanted.GetDouble(), $"{place} = {value} is below {wanted}");
                    break;
                case "maximum":
                    Require(value.ValueKind != JsonValueKind.Number || value.GetDouble() <= wanted.GetDouble(), $"{place} = {value} is above {wanted}");
                    break;
                case "required":
                    Require(value.ValueKind != JsonValueKind.Object || Words(wanted).All(name => value.TryGetProperty(name, out _)), $"{place} lacks one of {wanted}: {value}");
                    break;
                case "properties":
                    CheckMembers(wanted, value, place, named, errors);
                    break;
                case "additionalProperties":
                    CheckOtherMembers(wanted, schema, value, place, named, errors);
                    break;
                case "items":
                    for (var i = 0; value.ValueKind == JsonValueKind.Array && i < value.GetArrayLength(); i++)
                    {
                        errors.AddRange(Errors(wanted, value[i], $"{place}[{i}]"));
                    }

                    break;
                case "allOf":
                    foreach (var part in wanted.EnumerateArray())
                    {
                        Check(part, value, place, named, errors);
                    }

                    break;
                case "oneOf":
                    CheckOneOf(wanted, value, place, named, errors);
                    break;
                default:
                    Require(s_remarks.Contains(keyword.Name), $"this check does not know the keyword '{keyword.Name}' at {place}");
                    break;
            }
        }

        void Require(bool holds, string error)
        {
            if (!holds)
            {
                errors.Add(error);
            }
        }
    }

    private void CheckMembers(JsonElement properties, JsonElement value, string place, HashSet<string> named, List<string> errors)
    {
        foreach (var property in properties.EnumerateObject())
        {
            named.Add(property.Name);
            if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty(property.Name, out var member))
            {
                errors.AddRange(Errors(property.Value, member, $"{place}.{property.Name}"));
            }
        }
    }

    private void CheckOtherMembers(JsonElement rule, JsonElement schema, JsonElement value, string place, HashSet<string> named, List<string> errors)
    {
        if (value.ValueKind != JsonValueKind.Object || rule.ValueKind == JsonValueKind.False)
        {
            return; // What is not named is an error anyway.
        }

        foreach (var member in value.EnumerateObject().Where(member => !schema.TryGetProperty("properties", out var properties) || !properties.TryGetProperty(member.Name, out _)))
        {
            named.Add(member.Name);
            if (rule.ValueKind == JsonValueKind.Object)
            {
                errors.AddRange(Errors(rule, member.Value, $"{place}.{member.Name}"));
            }
        }
    }

    private void CheckOneOf(JsonElement schemas, JsonElement value, string place, HashSet<string> named, List<string> errors)
    {
        var found = new List<(HashSet<string> Named, List<string> Errors)>();
        foreach (var schema in schemas.EnumerateArray())
        {
            var (names, wrong) = (new HashSet<string>(StringComparer.Ordinal), new List<string>());
            Check(schema, value, place, names, wrong);
            found.Add((names, wrong));
        }

        var fitting = found.Where(static one => one.Errors.Count == 0).ToList();
        if (fitting.Count == 1)
        {
            named.UnionWith(fitting[0].Named);
        }
        else
        {
            errors.Add($"{place} fits {fitting.Count} of its schemas, not one: {string.Join("; ", found.SelectMany(static one => one.Errors))}");
        }
    }

    private static IEnumerable<string> Words(JsonElement element) =>
        element.ValueKind == JsonValueKind.Array ? element.EnumerateArray().Select(static word => word.GetString()!) : [element.GetString()!];

    private static bool Is(string type, JsonElement value) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && value.GetDouble() % 1 == 0,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "null" => value.ValueKind == JsonValueKind.Null,
        _ => throw new ArgumentException($"'{type}' is no type of JSON Schema."),
    };
}
