using System.Collections;
using System.Collections.Concurrent;
using System.Reflection;

namespace Fairlead.Configuration;

/// <summary>One key of an options class: the property, its attribute, and what kind of value it takes.</summary>
internal sealed record OptionKey(PropertyInfo Property, ConfigKeyAttribute Attribute)
{
    /// <summary>The key as written in the file.</summary>
    public string Name => Attribute.Key;

    /// <summary>The property's type without the nullable wrapper.</summary>
    public Type Type { get; } = Nullable.GetUnderlyingType(Property.PropertyType) ?? Property.PropertyType;

    public object? Get(object owner) => Property.GetValue(owner);

    public void Set(object owner, object? value) => Property.SetValue(owner, value);

    /// <summary>True for a number of bytes, which may be written as a size.</summary>
    public bool IsBytes => Attribute.Unit.StartsWith("bytes", StringComparison.Ordinal);

    /// <summary>The options class of the values, for an object of names and options; else null.</summary>
    public Type? MapOf => Type.IsGenericType && Type.GetGenericTypeDefinition() == typeof(IDictionary<,>) && OptionsShape.IsSection(Type.GetGenericArguments()[1])
        ? Type.GetGenericArguments()[1]
        : null;

    /// <summary>True for an options class of its own with keys inside.</summary>
    public bool IsSection => OptionsShape.IsSection(Type);
}

/// <summary>The table of keys of each options class, read from its <see cref="ConfigKeyAttribute"/>s once. Safe from any thread.</summary>
internal static class OptionsShape
{
    private static readonly ConcurrentDictionary<Type, IReadOnlyList<OptionKey>> s_keys = new();

    /// <summary>The keys of a class in the order they are declared; empty for a class without keys.</summary>
    public static IReadOnlyList<OptionKey> Keys(Type type) => s_keys.GetOrAdd(type, static t =>
        [.. from property in t.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            let attribute = property.GetCustomAttribute<ConfigKeyAttribute>(inherit: false)
            where attribute is not null
            orderby property.MetadataToken
            select new OptionKey(property, attribute)]);

    public static bool IsSection(Type type) => type.IsClass && type != typeof(string) && type != typeof(Uri) && Keys(type).Count > 0;

    /// <summary>The key that a bare value stands for, or null when the class always needs an object.</summary>
    public static OptionKey? Shorthand(Type type) => type.GetCustomAttribute<ConfigShorthandAttribute>() is { } shorthand
        ? Keys(type).Single(key => key.Property.Name == shorthand.Property)
        : null;

    /// <summary>A deep copy of an options object: sections, lists and maps included.</summary>
    public static T Copy<T>(T source) where T : class => (T)CopyValue(source)!;

    private static object? CopyValue(object? value)
    {
        switch (value)
        {
            case null or string or ValueType or Uri:
                return value;
            case IDictionary<string, string> map:
                return new Dictionary<string, string>(map, (map as Dictionary<string, string>)?.Comparer);
            case IDictionary<string, RateOptions> rates:
                return rates.ToDictionary(pair => pair.Key, pair => (RateOptions)CopyValue(pair.Value)!, StringComparer.Ordinal);
            case IDictionary<string, ProfileOptions> profiles:
                return profiles.ToDictionary(pair => pair.Key, pair => (ProfileOptions)CopyValue(pair.Value)!, StringComparer.Ordinal);
            case IList<string> texts:
                return texts.ToList();
            case IEnumerable:
                throw new InvalidOperationException($"An option of type {value.GetType()} has no copy rule; add one beside this line.");
            default:
                object copy = Activator.CreateInstance(value.GetType())!;
                foreach (PropertyInfo property in value.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance))
                {
                    if (property is { CanRead: true, CanWrite: true })
                    {
                        property.SetValue(copy, CopyValue(property.GetValue(value)));
                    }
                }

                return copy;
        }
    }
}
