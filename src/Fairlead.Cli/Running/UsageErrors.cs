using System.CommandLine;
using System.CommandLine.Parsing;
using Fairlead.Configuration;

namespace Fairlead.Cli.Running;

/// <summary>What is wrong with a command line, in sentences; words that are no command and no option come with the nearest that is. Pure.</summary>
internal static class UsageErrors
{
    /// <summary>The sentences; empty = nothing is wrong.</summary>
    public static IReadOnlyList<string> Of(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        string[] unknown = [.. parsed.UnmatchedTokens];
        List<string> sentences = [];
        if (command.Subcommands.Count != 0 && command.Action is null && unknown.Length != 0)
        {
            // Whatever follows belongs to a command that is not there.
            return [Unknown(parsed, unknown[0])];
        }

        sentences.AddRange(unknown.Select(word => Unknown(parsed, word)));
        sentences.AddRange(OptionsTakenAsArguments(parsed).Select(word => Unknown(parsed, word) + " If it is meant as it stands, put -- before it."));

        // The parser's own words on what is told of already; where an option was misspelt, an argument that is missing or too many is a consequence.
        sentences.AddRange(parsed.Errors.Select(static error => error.Message).Where(message => !Array.Exists(unknown, word => message.Contains($"'{word}'", StringComparison.Ordinal))));
        return sentences;
    }

    private static string Unknown(ParseResult parsed, string word)
    {
        var command = parsed.CommandResult.Command;
        var isOption = word.StartsWith('-');
        string[] known = isOption ? [.. OptionsOf(parsed.CommandResult)] : [.. command.Subcommands.Where(static sub => !sub.Hidden).SelectMany(static sub => sub.Aliases.Append(sub.Name))];
        var nearest = OptionWords.Nearest(isOption ? word.Split('=', ':')[0] : word, known);
        var hint = nearest is null ? "" : $" Did you mean {nearest}?";
        return isOption ? $"there is no option '{word}'.{hint}"
            : command.Subcommands.Count == 0 ? $"'{word}' is one argument too many."
            : $"there is no command '{word}'.{hint}";
    }

    private static IEnumerable<string> OptionsOf(CommandResult command)
    {
        var inherited = command.Parent is CommandResult parent ? Ancestors(parent).SelectMany(static one => one.Command.Options).Where(static option => option.Recursive) : [];
        return command.Command.Options.Concat(inherited).Where(static option => !option.Hidden).SelectMany(static option => option.Aliases.Append(option.Name)).Where(static name => name.StartsWith("--", StringComparison.Ordinal));
    }

    private static IEnumerable<CommandResult> Ancestors(CommandResult command) =>
        command.Parent is CommandResult parent ? Ancestors(parent).Prepend(command) : [command];

    /// <summary>The parser gives an argument whatever is no option that it knows: a misspelt one becomes a server's name.</summary>
    private static IEnumerable<string> OptionsTakenAsArguments(ParseResult parsed) => parsed.Tokens.Any(static token => token.Type == TokenType.DoubleDash)
        ? []
        : parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(static argument => argument.Tokens).Select(static token => token.Value)
            .Where(static word => word.StartsWith("--", StringComparison.Ordinal) && word.Length > 2);
}
