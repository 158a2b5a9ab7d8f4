using System.CommandLine;
using System.Text;
using Fairlead.Cli;
using Fairlead.Cli.Running;

namespace Fairlead.EndToEnd.Tests.Cli;

public sealed class HelpTests
{
    private static readonly ParserConfiguration s_parsing = new() { ResponseFileTokenReplacer = null };

    [Fact]
    public void Help_OfEachCommand_NamesTheProgramAsItIsTyped()
    {
        foreach (var (command, path) in Commands())
        {
            using var output = new StringWriter();
            Assert.Equal(0, Program.Root().Parse([.. path, "--help"]).Invoke(new InvocationConfiguration { Output = output }));
            var help = output.ToString();
            Assert.Contains($"  {string.Join(' ', path.Prepend("fairlead"))}", help, StringComparison.Ordinal);
            Assert.DoesNotContain("Fairlead.Cli", help, StringComparison.Ordinal);
            Assert.Contains(command.Name, help, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Help_OfEachCommandThatDoesSomething_HasExamplesThatAreRight()
    {
        var wrong = new List<string>();
        foreach (var (command, path) in Commands().Where(static one => one.Command.Subcommands.All(static sub => sub.Hidden)))
        {
            string[] examples = [.. command.Description!.Split('\n').Where(static line => line.StartsWith("Example: ", StringComparison.Ordinal))];
            if (examples.Length == 0)
            {
                wrong.Add($"fairlead {string.Join(' ', path)}: no example");
            }

            foreach (var example in examples)
            {
                var typed = example["Example: ".Length..];
                var words = Words(typed[(typed.LastIndexOf("| ", StringComparison.Ordinal) is var pipe and >= 0 ? pipe + 2 : 0)..]);
                var parsed = Program.Root().Parse(words[1..], s_parsing);
                wrong.AddRange(UsageErrors.Of(parsed).Select(error => $"{example}: {error}"));
                if (words[0] != "fairlead" || parsed.CommandResult.Command.Name != command.Name)
                {
                    wrong.Add($"{example}: is no example of fairlead {string.Join(' ', path)}");
                }
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Theory]
    [InlineData("there is no command 'pss'. Did you mean ps?", "pss", "--json")]
    [InlineData("there is no command 'statsu'. Did you mean status?", "statsu")]
    [InlineData("there is no command 'strat'. Did you mean start?", "rollout", "strat", "git")]
    [InlineData("there is no command 'frobnicate'.", "frobnicate")]
    [InlineData("there is no option '--jsn'. Did you mean --json?", "top", "--jsn")]
    [InlineData("there is no option '--sate=x'. Did you mean --state?", "down", "--sate=x")]
    [InlineData("there is no option '--foolow'. Did you mean --follow? If it is meant as it stands, put -- before it.", "logs", "--foolow")]
    [InlineData("there is no option '--xyzzyplugh'.", "top", "--xyzzyplugh")]
    [InlineData("'more' is one argument too many.", "top", "more")]
    public void Parse_WhenAWordIsMisspelt_NamesTheNearest(string expected, params string[] words) =>
        Assert.Equal(expected, UsageErrors.Of(Program.Root().Parse(words, s_parsing))[0]);

    [Theory]
    [InlineData("call", "git", "--", "--odd-tool")]
    [InlineData("maintenance", "git", "on", "--reason", "--jsn")]
    [InlineData("ps", "--watch")]
    public void Parse_WhenAllIsRight_HasNothingToSay(params string[] words) => Assert.Empty(UsageErrors.Of(Program.Root().Parse(words, s_parsing)));

    [Theory]
    [InlineData("up")]
    [InlineData("stdio")]
    public void Root_OfACommandThatIsMadeAlone_HelpsAsTheWholeOne(string command)
    {
        Assert.Equal(command, Assert.Single(Program.Root(command).Subcommands).Name);
        Assert.Equal(HelpOf(Program.Root()), HelpOf(Program.Root(command)));

        string HelpOf(Command root)
        {
            using var output = new StringWriter();
            Assert.Equal(0, root.Parse([command, "--help"]).Invoke(new InvocationConfiguration { Output = output }));
            return output.ToString();
        }
    }

    [Fact]
    public async Task Fairlead_WhenACommandIsMisspelt_EndsWith2AndTheHint()
    {
        var run = (await CliRun.OfAsync("rollout", "strat")).Ended(2);
        Assert.Equal("! fairlead: there is no command 'strat'. Did you mean start?\n! Try: fairlead rollout --help\n", run.Output);
    }

    /// <summary>All commands that are shown, with the words that lead there.</summary>
    private static List<(Command Command, string[] Path)> Commands()
    {
        List<(Command, string[])> found = [];
        Look(Program.Root(), []);
        Assert.True(found.Count > 20, $"only {found.Count} commands were found");
        return found;

        void Look(Command command, string[] path)
        {
            found.Add((command, path));
            foreach (var sub in command.Subcommands.Where(static sub => !sub.Hidden))
            {
                Look(sub, [.. path, sub.Name]);
            }
        }
    }

    /// <summary>Words as a shell makes them of a line with single and double quotes.</summary>
    private static string[] Words(string line)
    {
        List<string> words = [];
        var word = new StringBuilder();
        var quote = '\0';
        foreach (var character in line + " ")
        {
            if (character == quote)
            {
                quote = '\0';
            }
            else if (quote == '\0' && character is '\'' or '"' && quote == '\0')
            {
                quote = character;
            }
            else if (quote == '\0' && character == ' ')
            {
                words.Add(word.ToString());
                word.Clear();
            }
            else
            {
                word.Append(character);
            }
        }

        Assert.Equal('\0', quote);
        return [.. words];
    }
}
