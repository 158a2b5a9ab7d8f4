using System.CommandLine;
using Fairlead.Cli;

namespace Fairlead.EndToEnd.Tests.Cli;

public sealed class HelpTests
{
    [Fact]
    public void Help_OfEachCommand_NamesTheProgramAsItIsTyped()
    {
        var seen = 0;
        Look(Program.Root(), "fairlead", []);
        Assert.True(seen > 20, $"only {seen} commands were found");

        void Look(Command command, string typed, string[] path)
        {
            using var output = new StringWriter();
            Assert.Equal(0, Program.Root().Parse([.. path, "--help"]).Invoke(new InvocationConfiguration { Output = output }));
            var help = output.ToString();
            Assert.Contains($"  {typed}", help, StringComparison.Ordinal);
            Assert.DoesNotContain("Fairlead.Cli", help, StringComparison.Ordinal);
            seen++;
            foreach (var sub in command.Subcommands.Where(static sub => !sub.Hidden))
            {
                Look(sub, $"{typed} {sub.Name}", [.. path, sub.Name]);
            }
        }
    }
}
