namespace Fairlead.Configuration;

/// <summary>Ties a property to its key in the configuration file. The reader, the checks, the JSON schema, the reference page and
/// <c>config show</c> all read this one table.</summary>
/// <param name="key">The key as the user writes it (camelCase).</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ConfigKeyAttribute(string key) : Attribute
{
    public string Key { get; } = key;

    /// <summary>Other spellings that are read as the same key, from the formats of other programs.</summary>
    public string[] Aliases { get; init; } = [];

    /// <summary>Least legal value. NaN = none. Milliseconds where the property is a <see cref="TimeSpan"/>; items or characters for lists and texts.</summary>
    public double Min { get; init; } = double.NaN;

    /// <summary>Greatest legal value. NaN = none. The same units as <see cref="Min"/>.</summary>
    public double Max { get; init; } = double.NaN;

    /// <summary>Unit for the reference page, such as "bytes"; empty where the name or the type says it.</summary>
    public string Unit { get; init; } = "";

    /// <summary>True for a value that is always printed as REDACTED.</summary>
    public bool Secret { get; init; }

    /// <summary>What the reference page prints as the default where the property itself starts as null or is computed.</summary>
    public string DefaultText { get; init; } = "";
}

/// <summary>Allows a bare value instead of an object: <c>"replicas": 3</c> for <c>"replicas": { "count": 3 }</c>.</summary>
/// <param name="property">The property that takes the bare value.</param>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class ConfigShorthandAttribute(string property) : Attribute
{
    public string Property { get; } = property;
}
