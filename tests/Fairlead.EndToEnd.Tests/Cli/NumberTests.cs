using Fairlead.Cli;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>What the command line says when a number is none.</summary>
public sealed class NumberTests
{
    [Theory]
    [InlineData("scale search many", "many", "replicas", "fairlead scale search 3")]
    [InlineData("scale search -1", "-1", "replicas", "fairlead scale search 3")]
    [InlineData("scale search 99999999999", "99999999999", "replicas", "fairlead scale search 3")]
    [InlineData("up --port http", "http", "--port", "fairlead up --port 8080")]
    [InlineData("up --until-idle soon", "soon", "--until-idle", "fairlead up --until-idle 300")]
    [InlineData("stdio --until-idle soon", "soon", "--until-idle", "fairlead stdio --until-idle 300")]
    [InlineData("logs search -n all", "all", "--lines", "fairlead logs search --lines 50")]
    public void Number_WhenItIsNone_IsRefusedWithWhatIsExpectedAndAnExample(string line, string given, string name, string example)
    {
        var parsed = Program.Root().Parse(line);

        var message = Assert.Single(parsed.Errors).Message;
        Assert.Equal($"'{given}' is not what {name} takes: a whole number that is not negative, for example: {example}", message);
    }

    [Theory]
    [InlineData("scale search 3")]
    [InlineData("up --port 0 --until-idle 5")]
    [InlineData("up")]
    [InlineData("stdio")]
    [InlineData("logs search -n 20")]
    public void Number_WhenItIsOne_IsTaken(string line) => Assert.Empty(Program.Root().Parse(line).Errors);
}
