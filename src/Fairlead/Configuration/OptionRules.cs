using System.Globalization;

namespace Fairlead.Configuration;

/// <summary>Receives what a rule complains about.</summary>
/// <param name="key">Path of the key.</param>
/// <param name="value">The value as it may be shown.</param>
/// <param name="rule">What would be right.</param>
/// <param name="fix">What to do.</param>
internal delegate void ReportRule(string key, string? value, string rule, string fix);

/// <summary>Checks the ranges that <see cref="ConfigKeyAttribute"/> states, for options from a file and from code alike.</summary>
internal static class OptionRules
{
    /// <summary>Checks an options object and its sections.</summary>
    public static void CheckRanges(object options, string place, ReportRule report)
    {
        foreach (OptionKey key in OptionsShape.Keys(options.GetType()))
        {
            string path = ConfigNode.PathOf(place, key.Name);
            object? value = key.Get(options);
            if (value is null)
            {
                continue;
            }

            if (key.IsSection)
            {
                CheckRanges(value, path, report);
            }
            else if (key.MapOf is not null)
            {
                foreach (System.Collections.DictionaryEntry entry in (System.Collections.IDictionary)value)
                {
                    CheckRanges(entry.Value!, ConfigNode.PathOf(path, (string)entry.Key), report);
                }
            }
            else if (value is Enum word && !Enum.IsDefined(word.GetType(), word))
            {
                report(path, word.ToString(), $"The value must be one of {string.Join(", ", OptionWords.Words(word.GetType()))}.", "Choose one of them.");
            }
            else if (Measure(value) is { } measure && (measure < key.Attribute.Min || measure > key.Attribute.Max))
            {
                bool isText = value is string;
                string shown = key.Attribute.Secret ? Security.SecretRedactor.Mask : isText ? $"\"{value}\"" : Show(value);
                report(path, shown, isText ? $"The text must have{RangeText(key)}." : $"The value must be{RangeText(key)}.",
                    isText && measure < key.Attribute.Min ? "Write a text, or leave the key out." : measure < key.Attribute.Min ? "Raise it." : isText ? "Shorten it." : "Lower it.");
            }
        }
    }

    /// <summary>" from 1 to 65535", with units; empty where there is no range.</summary>
    public static string RangeText(OptionKey key)
    {
        (double min, double max) = (key.Attribute.Min, key.Attribute.Max);
        bool isTime = key.Type == typeof(TimeSpan);
        string unit = key.Type == typeof(string) ? " characters" : isTime || key.Attribute.Unit.Length == 0 ? "" : $" {key.Attribute.Unit}";
        string Bound(double bound) => isTime ? OptionWords.Duration(TimeSpan.FromMilliseconds(bound)) : bound.ToString("0.####", CultureInfo.InvariantCulture);
        return (double.IsNaN(min), double.IsNaN(max)) switch
        {
            (false, false) => $" from {Bound(min)} to {Bound(max)}{unit}",
            (false, true) => $" at least {Bound(min)}{unit}",
            (true, false) => $" at most {Bound(max)}{unit}",
            _ => "",
        };
    }

    /// <summary>A value as the file spells it.</summary>
    public static string Show(object value) => value switch
    {
        TimeSpan duration => OptionWords.Duration(duration),
        bool flag => flag ? "true" : "false",
        Enum word => OptionWords.Word(word),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    private static double? Measure(object value) => value switch
    {
        int number => number,
        long number => number,
        double number => double.IsNaN(number) ? double.MinValue : number,
        TimeSpan duration => duration.TotalMilliseconds,
        string text => text.Length,
        _ => null,
    };
}
