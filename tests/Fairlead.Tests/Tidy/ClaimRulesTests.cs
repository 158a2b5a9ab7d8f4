using System.Text.Json;

namespace Fairlead.Tests.Tidy;

public sealed class ClaimRulesTests
{
    private const string Script = "case \"$mode\" in\n    road | bytes)\n        ;;\nesac\n";
    private const string Block = "<!-- bench road: written by bench/run.sh record -->\n| 1 | 0.50 |\n<!-- end of bench road -->\n";
    private const string Result = """{"table":["| 1 | 0.50 |"],"figures":{"rows":[{"ratio":0.4961}]}}""";

    [Fact]
    public void Repository_WhenClaimsAreRead_EachFigureIsWhatItsResultSays() => Findings.AssertNone(ClaimRules.Check(Repository.Files));

    [Fact]
    public void Check_WhenAllAgree_IsSilent() => Assert.Empty(Check(Block + "The ratio is 0.50.", [Claim("bench road")], [Value("The ratio is 0.50.", "0.50")]));

    [Fact]
    public void Check_WhenTheBlockIsNotTheResult_SaysSo() =>
        Assert.Contains("is not what bench/results/road.json says", Assert.Single(Check(Block.Replace("0.50", "0.51", StringComparison.Ordinal), [Claim("bench road")], [])), StringComparison.Ordinal);

    [Fact]
    public void Check_WhenANumberIsNotTheResults_SaysSo() =>
        Assert.Contains("'0.51' is not what", Assert.Single(Check("The ratio is 0.51.", [], [Value("The ratio is 0.51.", "0.51")])), StringComparison.Ordinal);

    [Theory]
    [InlineData("It takes 12 ms.", "'12 ms'")]
    [InlineData("| calls | 1 200 |", "'1 200'")]
    [InlineData("The ratio is 0.51.", "'0.51'")]
    [InlineData("It costs 15 % of a core.", "'15 %'")]
    public void Check_WhenAFigureHasNoClaim_SaysSo(string line, string figure) => Assert.Contains($"the figure {figure} is in no claim", Assert.Single(Check(line, [], [])), StringComparison.Ordinal);

    [Theory]
    [InlineData("```\nsleep 12 s\n```")]
    [InlineData("MCP 2026-07-28, `limits 5 s`, eight servers.")]
    public void Check_WhenItIsNoFigure_IsSilent(string text) => Assert.Empty(Check(text, [], []));

    [Fact]
    public void Check_WhenARecordedBlockWasChanged_SaysSo()
    {
        object claim = new { file = ClaimRules.Page, block = "bench road", command = "bench/run.sh road", recorded = "2026-11-20", digest = ClaimRules.DigestOf("| 1 | 0.40 |\n") };
        Assert.Contains("was changed without a run", Assert.Single(Check(Block, [claim], [])), StringComparison.Ordinal);
    }

    [Fact]
    public void Check_WhenThereIsNeitherResultNorDay_SaysSo() =>
        Assert.Contains("neither a result nor the day", Assert.Single(Check("12 ms", [], [new { file = ClaimRules.Page, text = "12 ms", command = "bench/run.sh road" }])), StringComparison.Ordinal);

    [Theory]
    [InlineData("bench/run.sh fly")]
    [InlineData("./test --filter Nowhere")]
    [InlineData("guess")]
    public void Check_WhenTheCommandIsNotThere_SaysSo(string command) =>
        Assert.Contains($"there is no command '{command}'", Assert.Single(Check("12 ms", [], [new { file = ClaimRules.Page, text = "12 ms", command, recorded = "2026-11-20" }])), StringComparison.Ordinal);

    [Fact]
    public void Check_WhenABlockHasNoClaim_SaysSo() => Assert.Contains("the block 'bench road' is in no claim", Assert.Single(Check(Block, [], [])), StringComparison.Ordinal);

    private static object Claim(string block) => new { file = ClaimRules.Page, block, command = "bench/run.sh road", result = "bench/results/road.json" };

    private static object Value(string text, string written) => new
    {
        file = ClaimRules.Page, text, command = "bench/run.sh road", result = "bench/results/road.json",
        values = new Dictionary<string, string> { [written] = "figures.rows[0].ratio" },
    };

    private static List<string> Check(string page, object[] blocks, object[] texts) =>
    [
        .. ClaimRules.Check(
        [
            new SourceFile(ClaimRules.Page, page), new SourceFile("bench/run.sh", Script), new SourceFile("bench/results/road.json", Result),
            new SourceFile(ClaimRules.Path, JsonSerializer.Serialize(new { blocks, texts, tests = Array.Empty<object>() })),
        ]),
    ];
}
