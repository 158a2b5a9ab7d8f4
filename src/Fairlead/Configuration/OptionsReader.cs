using System.Globalization;
using System.Text.Json;
using Fairlead.Security;

namespace Fairlead.Configuration;

/// <summary>Fills an options object from a node by the table of its keys. Reports every key and value that does not fit and goes on.</summary>
internal static class OptionsReader
{
    /// <summary>Reads an object into a section.</summary>
    /// <param name="target">An options object.</param>
    /// <param name="node">What was written; a bare value is taken where the section has a shorthand.</param>
    /// <param name="place">Path of the section as the product spells it.</param>
    /// <param name="relative">The same, below the server.</param>
    /// <param name="scope">Where problems and secrets go.</param>
    /// <param name="special">Given each member first; true = it took care of it.</param>
    public static void Read(object target, ConfigNode node, string place, string relative, ReadScope scope, Func<ConfigMember, bool>? special = null)
    {
        scope.Problems.Places[place] = node;
        Type type = target.GetType();
        if (node.Kind != JsonValueKind.Object)
        {
            if (OptionsShape.Shorthand(type) is { } shorthand)
            {
                ReadKey(target, shorthand, node, place, relative, scope);
            }
            else
            {
                scope.Problems.ErrorAt(node, node.Show(), "The value must be an object.", $"Write {{ }} with keys such as {string.Join(", ", OptionsShape.Keys(type).Take(3).Select(static key => key.Name))}.");
            }

            return;
        }

        var seen = new Dictionary<OptionKey, string>();
        foreach (ConfigMember member in node.Members)
        {
            if (member.Name == "$schema" || special?.Invoke(member) == true)
            {
                continue;
            }

            OptionKey? key = OptionsShape.Keys(type).FirstOrDefault(key => key.Name == member.Name || key.Attribute.Aliases.Contains(member.Name));
            if (key is null)
            {
                ReportUnknown(member, type, scope);
            }
            else if (!seen.TryAdd(key, member.Name))
            {
                scope.Problems.ErrorAt(member.Value, null, $"{member.Name} means the same as {seen[key]}, which stands in the same object.", "Keep one of the two.");
            }
            else if (member.Value.Kind != JsonValueKind.Null)
            {
                ReadKey(target, key, member.Value, Join(place, key.Name), Join(relative, key.Name), scope);
            }
        }
    }

    /// <summary>Reads one value into one property.</summary>
    public static void ReadKey(object target, OptionKey key, ConfigNode node, string place, string relative, ReadScope scope)
    {
        scope.Problems.Places[place] = node;
        if (key.IsSection)
        {
            object section = key.Get(target) ?? Activator.CreateInstance(key.Type)!;
            Read(section, node, place, relative, scope);
            key.Set(target, section);
        }
        else if (key.Type == typeof(IList<string>))
        {
            ReadTexts((IList<string>)key.Get(target)!, key, node, place, relative, scope);
        }
        else if (key.Type == typeof(IDictionary<string, string>))
        {
            ReadMap((IDictionary<string, string>)key.Get(target)!, key, node, place, relative, scope);
        }
        else if (key.MapOf is { } valueType)
        {
            ReadOptions((System.Collections.IDictionary)key.Get(target)!, valueType, node, place, relative, scope);
        }
        else if (Scalar(key, node, relative, scope) is { } value)
        {
            key.Set(target, value);
        }
    }

    /// <summary>Says that a key is not known, with the nearest one that is. The value is not shown: nobody knows what it is.</summary>
    public static void ReportUnknown(ConfigMember member, Type type, ReadScope scope, params string[] more)
    {
        string? nearest = OptionWords.Nearest(member.Name, OptionsShape.Keys(type).Select(static key => key.Name).Concat(more));
        string fix = nearest is not null ? $"Did you mean {nearest}?"
            : scope.Foreign ? "It has no effect here."
            : $"Remove it. The keys here are {string.Join(", ", more.Concat(OptionsShape.Keys(type).Select(static key => key.Name)))}.";
        var place = new ConfigNode { Kind = member.Value.Kind, Path = member.Value.Path, Line = member.Line, Column = member.Column };
        scope.NotUnderstood(place, null, $"Fairlead has no key {member.Name} here.", fix);
    }

    private static object? Scalar(OptionKey key, ConfigNode node, string relative, ReadScope scope)
    {
        string text = node.Text;
        bool loose = node.FromText;
        if (node.Kind == JsonValueKind.String)
        {
            text = scope.Text(node, relative, out bool complete);
            if (!complete)
            {
                // The server waits for the variable; a text stays as written so that people see what it waits for.
                return key.Type == typeof(string) ? text : null;
            }

            // A number or a switch may come from a variable, which can only be written as a text.
            loose |= text != node.Text;
        }

        (object? value, string rule, string fix) = Convert(key, node, text, loose);
        if (value is null)
        {
            scope.Problems.ErrorAt(node, ReadScope.Shown(node, key), rule, fix);
        }
        else if (value is Uri url)
        {
            foreach (string secret in SecretTexts.OfUrl(url))
            {
                scope.AddSecret(secret);
                scope.Server?.SecretPaths.Add(relative);
            }
        }

        return value;
    }

    private static (object? Value, string Rule, string Fix) Convert(OptionKey key, ConfigNode node, string text, bool loose)
    {
        Type type = key.Type;
        bool isText = node.Kind == JsonValueKind.String;
        if (type == typeof(string))
        {
            return (isText ? text : null, "The value must be a text.", "Put it in double quotes.");
        }

        if (type == typeof(Uri))
        {
            bool good = Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && isText && url.Host.Length > 0;
            return (good ? url : null, "The value must be an absolute address.", "Write it like \"https://example.com/mcp\".");
        }

        if (type.IsEnum)
        {
            IReadOnlyList<string> words = OptionWords.Words(type);
            string? nearest = OptionWords.Nearest(text, words);
            return (isText && OptionWords.TryWord(type, text, out object word) ? word : null, $"The value must be one of {string.Join(", ", words)}.",
                nearest is null ? "Choose one of them." : $"Did you mean {nearest}?");
        }

        if (type == typeof(TimeSpan))
        {
            return (isText && OptionWords.TryDuration(text, out TimeSpan duration) ? duration : null, "The value must be a duration: a number with a unit.",
                "Write it like \"500ms\", \"30s\", \"10m\" or \"1h30m\".");
        }

        if (type == typeof(bool))
        {
            bool? value = node.Kind switch
            {
                JsonValueKind.True => true,
                JsonValueKind.False => false,
                _ when loose => text.Trim().ToLowerInvariant() switch { "true" or "1" or "yes" or "on" => true, "false" or "0" or "no" or "off" => false, _ => null },
                _ => null,
            };
            return (value, "The value must be true or false.", "Write it without quotes.");
        }

        return Number(key, node, text, loose);
    }

    private static (object? Value, string Rule, string Fix) Number(OptionKey key, ConfigNode node, string text, bool loose)
    {
        bool whole = key.Type != typeof(double);
        string rule = $"The value must be a {(whole ? "whole " : "")}number{OptionRules.RangeText(key)}.";
        bool isBytes = key.IsBytes;
        double number = 0;
        bool good = node.Kind switch
        {
            JsonValueKind.Number => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number),
            JsonValueKind.String when isBytes && OptionWords.TrySize(text, out number) => true,
            JsonValueKind.String when loose => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number),
            _ => false,
        };
        if (!good || !double.IsFinite(number) || (whole && number != Math.Floor(number)))
        {
            bool quoted = node.Kind == JsonValueKind.String && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);
            string fix = quoted && !loose ? "Write it without quotes." : isBytes ? "Write a number of bytes, or a size like \"16MiB\"." : $"Write a number, such as {DefaultNumber(key)}.";
            return (null, rule, fix);
        }

        // What no property of this type could hold; the exact bounds are checked with everything else.
        if (whole && Math.Abs(number) > (key.Type == typeof(int) ? int.MaxValue : long.MaxValue / 2))
        {
            return (null, rule, $"Write a number{OptionRules.RangeText(key)}.");
        }

        object value = key.Type == typeof(int) ? (object)(int)number : key.Type == typeof(long) ? (object)(long)number : (object)number;
        return (value, rule, "");
    }

    private static string DefaultNumber(OptionKey key)
    {
        object? value = key.Property.DeclaringType is { } owner ? key.Get(Activator.CreateInstance(owner)!) : null;
        return System.Convert.ToString(value, CultureInfo.InvariantCulture) is { Length: > 0 } text ? text
            : double.IsNaN(key.Attribute.Min) ? "1" : key.Attribute.Min.ToString(CultureInfo.InvariantCulture);
    }

    private static void ReadTexts(IList<string> target, OptionKey key, ConfigNode node, string place, string relative, ReadScope scope)
    {
        if (node.FromText)
        {
            target.Clear();
            foreach (string part in node.Text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                scope.Problems.Places[$"{place}[{target.Count}]"] = node;
                target.Add(part);
            }

            return;
        }

        if (node.Kind != JsonValueKind.Array)
        {
            scope.Problems.ErrorAt(node, ReadScope.Shown(node, key), "The value must be a list of texts.", node.Kind == JsonValueKind.String ? "Put it in brackets: [ \"...\" ]." : "Write it like [ \"one\", \"two\" ].");
            return;
        }

        foreach (ConfigNode item in node.Items)
        {
            bool isText = item.Kind == JsonValueKind.String;
            // Ports and switches are often written bare among arguments, and there is only one way to read them.
            if (!isText && !(key.Name == "args" && item.Kind is JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False))
            {
                scope.Problems.ErrorAt(item, item.Show(), "The items of this list must be texts.", "Put the item in double quotes.");
                continue;
            }

            string index = $"[{target.Count}]";
            scope.Problems.Places[place + index] = item;
            target.Add(isText ? scope.Text(item, relative + index, out _) : item.Text);
        }
    }

    private static void ReadMap(IDictionary<string, string> target, OptionKey key, ConfigNode node, string place, string relative, ReadScope scope)
    {
        if (node.Kind != JsonValueKind.Object)
        {
            scope.Problems.ErrorAt(node, ReadScope.Shown(node, key), "The value must be an object of names and texts.", "Write it like { \"NAME\": \"value\" }.");
            return;
        }

        foreach (ConfigMember member in node.Members)
        {
            ConfigNode value = member.Value;
            string memberPlace = Join(place, member.Name);
            string memberRelative = Join(relative, member.Name);
            scope.Problems.Places[memberPlace] = value;
            if (value.Kind is JsonValueKind.Object or JsonValueKind.Array)
            {
                scope.Problems.ErrorAt(value, value.Show(), "The value must be a text.", "Put it in double quotes.");
            }
            else if (value.Kind == JsonValueKind.Null)
            {
                scope.Problems.WarningAt(value, "null", "A null has no effect.", "Remove the line, or write \"\" for an empty value.");
            }
            else if (!target.TryAdd(member.Name, value.Kind == JsonValueKind.String ? scope.Text(value, memberRelative, out _) : value.Text))
            {
                scope.Problems.ErrorAt(value, null, "The name stands twice; upper and lower case are the same here.", "Keep one of the two.");
            }
        }
    }

    private static void ReadOptions(System.Collections.IDictionary target, Type valueType, ConfigNode node, string place, string relative, ReadScope scope)
    {
        scope.Problems.Places[place] = node;
        if (node.Kind != JsonValueKind.Object)
        {
            string keys = string.Join(", ", OptionsShape.Keys(valueType).Take(3).Select(static key => key.Name));
            scope.Problems.ErrorAt(node, node.Show(), "The value must be an object of names, each with an object.", $"Write it like {{ \"NAME\": {{ }} }}, with keys such as {keys}.");
            return;
        }

        foreach (ConfigMember member in node.Members)
        {
            object value = Activator.CreateInstance(valueType)!;
            Read(value, member.Value, Join(place, member.Name), Join(relative, member.Name), scope);
            target[member.Name] = value;
        }
    }

    private static string Join(string place, string name) => ConfigNode.PathOf(place, name);
}
