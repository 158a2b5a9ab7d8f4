using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Fairlead.Configuration;

namespace Fairlead.Tests.Configuration;

/// <summary>What each option means, taken from the docstrings of the options classes: the compiler writes them beside the assembly.</summary>
internal static partial class OptionMeanings
{
    private static readonly Dictionary<string, XElement> s_members = XDocument.Load(Path.ChangeExtension(typeof(FairleadOptions).Assembly.Location, ".xml"))
        .Descendants("member").ToDictionary(member => member.Attribute("name")!.Value);

    /// <summary>The docstring of a property in plain words; names of code become names of keys.</summary>
    public static string Of(PropertyInfo property) => Plain($"P:{property.DeclaringType!.FullName}.{property.Name}");

    /// <summary>The docstring of a class in plain words.</summary>
    public static string Of(Type type) => Plain($"T:{type.FullName}");

    private static string Plain(string member)
    {
        if (!s_members.TryGetValue(member, out XElement? docs))
        {
            throw new InvalidOperationException($"{member} has no docstring, so the reference page would have nothing to say.");
        }

        string text = string.Join(" ", docs.Elements().Where(part => part.Name == "summary" || part.Name == "value").Select(part => string.Concat(part.Nodes().Select(Plain))));
        return Spaces().Replace(text, " ").Trim();
    }

    private static string Plain(XNode node) => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "see" } see => Referred(see.Attribute("cref")?.Value ?? see.Attribute("langword")!.Value),
        XElement element => string.Concat(element.Nodes().Select(Plain)),
        _ => "",
    };

    private static string Referred(string reference)
    {
        int dot = reference.LastIndexOf('.');
        string name = reference[(dot + 1)..];
        PropertyInfo? property = typeof(FairleadOptions).Assembly.GetType(reference[2..Math.Max(2, dot)])?.GetProperty(name);
        return property?.GetCustomAttribute<ConfigKeyAttribute>()?.Key ?? name;
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
