using Fairlead.Configuration;

namespace Fairlead.Tests.Configuration;

public sealed class VariableExpanderTests
{
    [Theory]
    [InlineData("plain $NAME {NAME}", "plain $NAME {NAME}")]
    [InlineData("${NAME}", "value")]
    [InlineData("a${env:NAME}b${NAME}c", "avaluebvaluec")]
    [InlineData("${NAME:-other}", "value")]
    [InlineData("${UNSET:-other}", "other")]
    [InlineData("${UNSET:-}", "")]
    [InlineData("${EMPTY:-other}", "other")]
    [InlineData("${EMPTY}", "")]
    [InlineData("$${NAME}", "${NAME}")]
    [InlineData("$$${NAME}", "$${NAME}")]
    [InlineData("${NAME", "${NAME")]
    [InlineData("${REFERS}", "${NAME}")]
    [InlineData("${workspaceFolder}/x", "/space/x")]
    [InlineData("${workspaceFolderBasename}", "space")]
    [InlineData("${userHome}", "/home/tester")]
    [InlineData("${input:my-id}", "answer")]
    public void Expand_WhenEverythingHasAValue_PutsItIn(string text, string expected)
    {
        Expansion expansion = Expander().Expand(text);

        Assert.Equal(expected, expansion.Text);
        Assert.Empty(expansion.Missing);
        Assert.Empty(expansion.Unknown);
    }

    [Theory]
    [InlineData("${UNSET}", "UNSET")]
    [InlineData("${env:UNSET}", "UNSET")]
    [InlineData("${EMPTY_TOKEN}", "EMPTY_TOKEN")]
    [InlineData("${input:other}", "FAIRLEAD_INPUT_OTHER")]
    public void Expand_WhenAValueIsMissing_NamesTheVariableToSet(string text, string expected)
    {
        Expansion expansion = Expander().Expand(text);

        Assert.Equal([expected], expansion.Missing);
        Assert.Equal(text, expansion.Text);
    }

    [Theory]
    [InlineData("${}")]
    [InlineData("${command:pick}")]
    [InlineData("${config:a.b}")]
    [InlineData("${a b}")]
    [InlineData("${9}")]
    public void Expand_WhenTheFormIsNotKnown_SaysSo(string text)
    {
        Assert.Equal([text], Expander().Expand(text).Unknown);
    }

    [Fact]
    public void Expand_WhenAnInputIsAskedFor_AsksOnceWithItsDescription()
    {
        List<InputRequest> asked = [];
        var inputs = new Dictionary<string, InputRequest> { ["x"] = new("x") { Variable = "FAIRLEAD_INPUT_X", Description = "The X", Default = "d" } };
        VariableExpander expander = new(Loading.Variables(), "/space", "/home/tester", inputs, request =>
        {
            asked.Add(request);
            return request.Id == "x" ? "typed" : null;
        });

        Assert.Equal("typed typed", expander.Expand("${input:x} ${input:x}").Text);
        Assert.Equal(["FAIRLEAD_INPUT_Y"], expander.Expand("${input:y}").Missing);
        Assert.Equal([("The X", "d"), ("", null)], asked.Select(request => (request.Description, request.Default)));
        Assert.Contains("typed", expander.Secrets);
    }

    [Fact]
    public void Expand_WhenAVariableIsOneThatEveryProcessHas_IsNoSecret()
    {
        VariableExpander expander = new(Loading.Variables(("HOME", "/home/tester"), ("REGION", "eu-north")), "/space", "/home/tester", new Dictionary<string, InputRequest>(), null);

        Assert.False(expander.Expand("${HOME}/x").FromVariable);
        Assert.True(expander.Expand("${REGION}").FromVariable);
        Assert.Equal(["eu-north"], expander.Secrets);
    }

    private static VariableExpander Expander() => new(
        Loading.Variables(("NAME", "value"), ("EMPTY", ""), ("EMPTY_TOKEN", ""), ("REFERS", "${NAME}"), ("FAIRLEAD_INPUT_MY_ID", "answer")),
        "/space", "/home/tester", new Dictionary<string, InputRequest>(), null);
}
