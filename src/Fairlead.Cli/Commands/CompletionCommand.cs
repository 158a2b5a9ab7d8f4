using System.CommandLine;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead completion SHELL</c>: prints a script that makes a shell complete words by asking this program.</summary>
internal static class CompletionCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var shell = new Argument<string>("shell") { Description = $"The shell: {string.Join(", ", CompletionScripts.Shells)}." };
        shell.AcceptOnlyFromAmong([.. CompletionScripts.Shells]);
        var command = new Command("completion", "Prints the script that completes words in a shell; its first lines say where it goes.\nExample: fairlead completion bash") { shell, Suggest() };
        command.SetAction(parsed => Terminal.Current.Line(CompletionScripts.For(parsed.GetValue(shell)!)));
        return command;
    }

    /// <summary>The words that fit at a place of a command line.</summary>
    /// <param name="root">The whole program.</param>
    /// <param name="line">The line, the program's own name first.</param>
    /// <param name="position">Where the cursor stands, in characters; what lies outside the line means its end.</param>
    public static IEnumerable<string> Suggestions(Command root, string line, int position)
    {
        var before = line[..(position < 0 || position > line.Length ? line.Length : position)].TrimStart();
        var name = before.IndexOf(' ', StringComparison.Ordinal);
        if (name < 0)
        {
            return [];
        }

        var rest = before[(name + 1)..];
        var begun = rest[(rest.LastIndexOf(' ') + 1)..];
        return root.Parse(rest, new ParserConfiguration { ResponseFileTokenReplacer = null }).GetCompletions(rest.Length)
            .Select(static item => item.InsertText ?? item.Label)
            .Where(word => word.StartsWith(begun, StringComparison.OrdinalIgnoreCase) && !word.StartsWith('/') && word is not ("-?" or "-h"));
    }

    private static Command Suggest()
    {
        var line = new Argument<string>("line") { Description = "The command line so far." };
        var position = WholeNumber.Option("--position", "N", "Where the cursor stands. Default: at the end.", "fairlead completion suggest --position 9 \"fairlead \"");
        var command = new Command("suggest", "What the scripts call.") { line, position };
        command.Hidden = true;
        command.SetAction(parsed =>
        {
            foreach (var word in Suggestions(Program.Root(), parsed.GetValue(line)!, parsed.GetValue(position) ?? int.MaxValue))
            {
                Terminal.Current.Line(word);
            }
        });
        return command;
    }
}
