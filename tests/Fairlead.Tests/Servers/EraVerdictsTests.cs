using Fairlead.Configuration;
using Fairlead.Servers;
using Fairlead.State;
using Fairlead.TestKit;
using Fairlead.Upstreams;
using Microsoft.Extensions.Logging.Abstractions;

namespace Fairlead.Tests.Servers;

public sealed class EraVerdictsTests : IDisposable
{
    private readonly FakeTimeProvider _clock = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("fairlead-verdicts-").FullName;

    private string FilePath => Path.Combine(_folder, "verdicts.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private EraVerdicts Open() => EraVerdicts.Open(new StateFiles(_folder, _clock, NullLogger.Instance), _clock);

    private static ServerConfig Config(string command = "server", params string[] arguments) => new() { Name = "s", Command = command, Arguments = [.. arguments] };

    [Fact]
    public async Task Find_WhenNotedInAnEarlierProcess_TheEraIsKnown()
    {
        await using (var first = Open())
        {
            first.NoteEra(Config(), EraHint.Modern);
        }

        await using var second = Open();

        Assert.Equal(EraHint.Modern, second.Find(Config())!.Era);
        Assert.Null(second.Find(Config("server", "--other")));
    }

    [Theory]
    [InlineData("server", "", 7)]
    [InlineData("npx", "-y @scope/package@1.2.3", 7)]
    [InlineData("npx", "-y @scope/package", 1)]
    [InlineData("npx", "package@latest", 1)]
    [InlineData("/usr/bin/uvx", "package==2.0", 7)]
    [InlineData("uvx", "package", 1)]
    public async Task Find_WhenTimePasses_AVerdictHoldsAsLongAsItsProgramStaysTheSame(string command, string arguments, int days)
    {
        var config = Config(command, arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        await using var verdicts = Open();
        verdicts.NoteEra(config, EraHint.Legacy);

        _clock.Advance(TimeSpan.FromDays(days) - TimeSpan.FromSeconds(1));
        Assert.NotNull(verdicts.Find(config));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(verdicts.Find(config));
    }

    [Fact]
    public async Task Key_WhenOnlyValuesOfVariablesDiffer_IsTheSame()
    {
        var one = Config();
        one.Environment["TOKEN"] = "a";
        var other = Config();
        other.Environment["TOKEN"] = "b";
        await using var verdicts = Open();
        verdicts.NoteEra(one, EraHint.Legacy);

        Assert.NotNull(verdicts.Find(other));
        other.Environment["MORE"] = "c";
        Assert.Null(verdicts.Find(other));
    }

    [Fact]
    public async Task Drop_WhenAVerdictProvedWrong_ItIsGoneForGood()
    {
        await using (var first = Open())
        {
            first.NoteEra(Config(), EraHint.Legacy);
            first.Drop(Config());
        }

        await using var second = Open();
        Assert.Null(second.Find(Config()));
    }

    [Fact]
    public async Task NoteEra_WhenTheServerIsKnownToAsk_TheMarkIsKept()
    {
        await using var verdicts = Open();
        verdicts.NoteAsks(Config(), EraHint.Legacy);
        verdicts.NoteEra(Config(), EraHint.Legacy);

        Assert.True(verdicts.Find(Config())!.Asks);
    }

    [Fact]
    public async Task Open_WhenTheFileIsBroken_ItIsMovedAsideAndNothingElseHappens()
    {
        await File.WriteAllTextAsync(FilePath, "{\"formatVersion\":1,\"verdicts\":{");

        await using var verdicts = Open();

        Assert.Null(verdicts.Find(Config()));
        Assert.False(File.Exists(FilePath));
        Assert.Single(Directory.GetFiles(_folder, "verdicts.json.corrupt-*"));
    }

    [Fact]
    public async Task Open_WhenALaterVersionWroteTheFile_ItIsNeitherReadNorOverwritten()
    {
        const string Later = "{\"formatVersion\":99,\"surprise\":true}";
        await File.WriteAllTextAsync(FilePath, Later);

        await using (var verdicts = Open())
        {
            verdicts.NoteEra(Config(), EraHint.Modern);
            Assert.NotNull(verdicts.Find(Config()));
        }

        Assert.Equal(Later, await File.ReadAllTextAsync(FilePath));
    }

    [Fact]
    public async Task Note_WhenManyAreNotedAtOnce_TheFileHoldsAll()
    {
        await using (var verdicts = Open())
        {
            Parallel.For(0, 200, i => verdicts.NoteEra(Config("server", $"{i}"), EraHint.Legacy));
        }

        await using var again = Open();
        Assert.All(Enumerable.Range(0, 200), i => Assert.NotNull(again.Find(Config("server", $"{i}"))));
    }
}
