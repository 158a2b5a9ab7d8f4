using Fairlead.Configuration;
using FsCheck;
using FsCheck.Fluent;

namespace Fairlead.Tests.Configuration;

public sealed class DotEnvTests
{
    [Theory]
    [InlineData("A=b", "b")]
    [InlineData("  A = b  ", "b")]
    [InlineData("export A=b", "b")]
    [InlineData("\uFEFFA=b\r\n", "b")]
    [InlineData("# x\n\nA=b # comment", "b")]
    [InlineData("A=b#c", "b#c")]
    [InlineData("A=", "")]
    [InlineData("A= # nothing", "")]
    [InlineData("A=b=c", "b=c")]
    [InlineData("A='b # $X \\n'", "b # $X \\n")]
    [InlineData("A=\"b\\n\\t\\\"c\\\" \\\\ \\$X \\q\" # d", "b\n\t\"c\" \\ $X \\q")]
    [InlineData("A=`it's \"b\"`", "it's \"b\"")]
    [InlineData("A=\"one\ntwo # no comment\n\nfour\"\nB=c", "one\ntwo # no comment\n\nfour")]
    [InlineData("A=first\nA=last", "last")]
    public void Parse_WhenALineIsGood_TakesItsValue(string text, string expected)
    {
        Dictionary<string, string> values = DotEnv.Parse(text, (line, rule) => Assert.Fail($"line {line}: {rule}"));

        Assert.Equal(expected, values["A"]);
    }

    [Theory]
    [InlineData("A=b\nnonsense\nC=d", 2)]
    [InlineData("A=b\n=x\nC=d", 2)]
    [InlineData("A=b\n9X=x\nC=d", 2)]
    [InlineData("A=b\nX=\"never closed\nC=d", 2)]
    [InlineData("A=b\nC=d\nX='", 3)]
    public void Parse_WhenALineIsBad_NamesItAndReadsTheOthers(string text, int expected)
    {
        List<int> bad = [];

        Dictionary<string, string> values = DotEnv.Parse(text, (line, rule) =>
        {
            bad.Add(line);
            Assert.DoesNotContain("never closed\n", rule, StringComparison.Ordinal);
        });

        Assert.Equal([expected], bad);
        Assert.Equal(("b", "d"), (values["A"], values["C"]));
    }

    [Fact]
    public void Parse_WhenAnyTextStandsInSingleQuotes_ComesOutAsItIs()
    {
        Prop.ForAll(ArbMap.Default.ArbFor<string?>(), text =>
        {
            // Ends of lines come out as \n; a text such as \r\r\n would still have one that is not after a single pass.
            string value = (text ?? "").Replace("'", "", StringComparison.Ordinal);
            while (value.Contains("\r\n", StringComparison.Ordinal))
            {
                value = value.Replace("\r\n", "\n", StringComparison.Ordinal);
            }

            Assert.Equal(value, DotEnv.Parse($"A='{value}'\nB=2", (line, rule) => Assert.Fail(rule))["A"]);
        }).QuickCheckThrowOnFailure();
    }
}
