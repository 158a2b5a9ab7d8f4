using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Fairlead.Cli.Running;

/// <summary>Arguments and options that take a whole number. What is none is refused in words that say what is expected, with an example.</summary>
internal static class WholeNumber
{
    /// <summary>An argument that must be given.</summary>
    /// <param name="name">As it stands in the help.</param>
    /// <param name="description">What for.</param>
    /// <param name="example">A whole command line that is right.</param>
    public static Argument<int> Argument(string name, string description, string example) =>
        new(name) { Description = description, CustomParser = result => Parse(result, name, example) ?? 0 };

    /// <summary>An option; null when it is not given.</summary>
    /// <inheritdoc cref="Argument"/>
    /// <param name="name">With its dashes.</param>
    /// <param name="helpName">What stands for its value in the help.</param>
    /// <param name="description">What for.</param>
    /// <param name="example">A whole command line that is right.</param>
    /// <param name="aliases">Its other names.</param>
    public static Option<int?> Option(string name, string helpName, string description, string example, params string[] aliases) =>
        new(name, aliases) { HelpName = helpName, Description = description, CustomParser = result => Parse(result, name, example) };

    private static int? Parse(ArgumentResult result, string name, string example)
    {
        var text = result.Tokens.Count == 0 ? "" : result.Tokens[^1].Value;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return number;
        }

        result.AddError($"'{text}' is not what {name} takes: a whole number that is not negative, for example: {example}");
        return null;
    }
}
