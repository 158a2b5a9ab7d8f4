using System.CommandLine;
using System.CommandLine.Help;
using System.Text;
using Fairlead.Cli;

namespace Fairlead.EndToEnd.Tests.Library;

/// <summary>docs/reference/cli.md: every command with its arguments, options, defaults and examples, from the tree that the program parses with.</summary>
internal static class CliReferencePage
{
    private const string ExampleMark = "\nExample: ";

    /// <summary>Every example of the page, as it is typed.</summary>
    public static IReadOnlyList<string> Examples => [.. Commands().SelectMany(static command => ExamplesOf(command.Command))];

    public static string Write()
    {
        var page = new StringBuilder();
        page.Append("""
            # Commands

            Generated from the program (`FAIRLEAD_UPDATE_DOCS=1 ./test --filter ReferencePages`); `fairlead COMMAND --help` says the same. What the commands are for, and how they behave: [the command line](../cli.md).

            An option in two forms, such as `-n` and `--lines`, is one. Every command takes `--help` (`-h`, `-?`). Options without a default are off, or left out.


            """);
        page.Append("## Exit codes\n\n| code | meaning |\n|---|---|\n");
        foreach (var (code, meaning) in ExitCodes.All)
        {
            page.Append($"| {code} | {meaning} |\n");
        }

        foreach (var (command, typed) in Commands().Where(static command => command.Command.Subcommands.All(static sub => sub.Hidden)))
        {
            Append(page, command, typed);
        }

        return page.ToString();
    }

    private static void Append(StringBuilder page, Command command, string typed)
    {
        page.Append($"\n## {typed["fairlead ".Length..]}\n\n{Cell(DescriptionOf(command))}\n\n```\n{Usage(command, typed)}\n```\n");
        var arguments = command.Arguments.Where(static argument => !argument.Hidden).ToList();
        var options = command.Options.Where(static option => !option.Hidden && option is not HelpOption).ToList();
        if (arguments.Count + options.Count != 0)
        {
            page.Append("\n| argument or option | default | |\n|---|---|---|\n");
        }

        foreach (var argument in arguments)
        {
            page.Append($"| `{argument.Name.ToUpperInvariant().Replace("|", "\\|", StringComparison.Ordinal)}` | {(argument.HasDefaultValue ? $"`{argument.GetDefaultValue()}`" : argument.Arity.MinimumNumberOfValues == 0 ? "" : "must be given")} | {Cell(argument.Description)} |\n");
        }

        foreach (var option in options)
        {
            var names = string.Join(", ", option.Aliases.Append(option.Name).OrderBy(static name => name.Length).Select(static name => $"`{name}`"));
            var value = option.ValueType == typeof(bool) ? "" : $" `{option.HelpName ?? "VALUE"}`";
            page.Append($"| {names}{value} | {(option.Required ? "must be given" : Default(option))} | {Cell(option.Description)} |\n");
        }

        if (command.Aliases.Count != 0)
        {
            page.Append($"\nAlso: {string.Join(", ", command.Aliases.Order(StringComparer.Ordinal).Select(static alias => $"`{alias}`"))}.\n");
        }

        var examples = ExamplesOf(command);
        if (examples.Count != 0)
        {
            page.Append($"\n```console\n{string.Join("", examples.Select(static example => $"$ {example}\n"))}```\n");
        }
    }

    private static IEnumerable<(Command Command, string Typed)> Commands()
    {
        return Below(Program.Root(), "fairlead");

        static IEnumerable<(Command, string)> Below(Command command, string typed) =>
            command.Subcommands.Where(static sub => !sub.Hidden).SelectMany(sub => Below(sub, $"{typed} {sub.Name}").Prepend((sub, $"{typed} {sub.Name}")));
    }

    private static List<string> ExamplesOf(Command command) =>
        [.. (command.Description ?? "").Split(ExampleMark).Skip(1).Select(static example => example.Split('\n')[0].Trim())];

    private static string DescriptionOf(Command command) => (command.Description ?? "").Split(ExampleMark)[0];

    private static string Usage(Command command, string typed)
    {
        var arguments = command.Arguments.Where(static argument => !argument.Hidden)
            .Select(static argument => (Name: argument.Name.ToUpperInvariant(), argument.Arity))
            .Select(static argument => argument.Arity.MaximumNumberOfValues > 1 ? $"[{argument.Name}...]" : argument.Arity.MinimumNumberOfValues == 0 ? $"[{argument.Name}]" : argument.Name);
        return string.Join(' ', [typed, .. arguments, "[options]"]);
    }

    private static string Default(Option option) =>
        option.HasDefaultValue && option.ValueType != typeof(bool) && option.GetDefaultValue() is { } value and not Array ? $"`{value}`" : "";

    private static string Cell(string? text) => (text ?? "").Replace("\n", " ", StringComparison.Ordinal).Replace("|", "\\|", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);
}
