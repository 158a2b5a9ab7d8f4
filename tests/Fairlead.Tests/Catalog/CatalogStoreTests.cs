using System.Text;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.State;
using Fairlead.TestKit;
using Fairlead.Tests.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using static Fairlead.Tests.Catalog.CatalogWorld;

namespace Fairlead.Tests.Catalog;

public sealed class CatalogStoreTests : IDisposable
{
    private readonly TempFolder _state = new();
    private readonly CatalogStore _store;

    public CatalogStoreTests() => _store = new CatalogStore(new StateFiles(_state.Path, new FakeTimeProvider(), NullLogger.Instance));

    private string FilePath => Path.Combine(_state.Path, "catalog", "git.json");

    public void Dispose()
    {
        _store.Dispose();
        _state.Dispose();
    }

    [Fact]
    public async Task Load_AfterSave_GivesTheSameBytes()
    {
        var catalog = new ServerCatalog(
            [Entry("""{ "x":[12345678901234567890, 1.0],"name":"caf\u00e9","inputSchema":{"properties":{"a":{"type":"string","x-mcp-header":"A"}}},"_meta":{"ui":{"resourceUri":"ui://x"}}}"""), Entry("{\n\"name\":\"b\"}")],
            [Entry("""{"name":"p"}""", ListKind.Prompts)],
            [Entry("""{"uri":"file:///x","name":"n"}""", ListKind.Resources)],
            [Entry("""{"uriTemplate":"a:{x}","name":"n"}""", ListKind.ResourceTemplates)],
            Identity("""{"tools":{ }}""", modern: true, instructions: "Say \"please\"\n"));
        await _store.SaveAsync(Git(), catalog, CancellationToken.None);

        var loaded = _store.Load(Git());

        Assert.True(CatalogComparison.AreEqual(catalog, loaded));
        Assert.Equal(catalog.Tools[0].NameToken, loaded.Tools[0].NameToken);
        Assert.Equal(catalog.Tools[0].UiResource, loaded.Tools[0].UiResource);
        Assert.Equal("A", Assert.Single(loaded.Tools[0].Headers).Name);
        Assert.Equal([FilePath], Directory.GetFiles(Path.GetDirectoryName(FilePath)!));
    }

    [Fact]
    public async Task Load_WhenTheServerSaidLittle_GivesAsLittle()
    {
        var catalog = ServerCatalog.Empty with { Identity = Identity("{}") with { ServerInfo = [] } };
        await _store.SaveAsync(Git(), catalog, CancellationToken.None);

        Assert.True(CatalogComparison.AreEqual(catalog, _store.Load(Git())));
    }

    [Fact]
    public async Task Load_WhenNothingWasSaved_IsUnknown()
    {
        await _store.SaveAsync(Git(), ServerCatalog.Empty, CancellationToken.None);

        Assert.True((_store.Load(Git())).IsUnknown);
        Assert.False(File.Exists(FilePath));
    }

    [Fact]
    public async Task Load_WhenTheLaunchHasChanged_DoesNotShowTheOldTools()
    {
        await _store.SaveAsync(Git(), Tools("old"), CancellationToken.None);
        var others = new Action<ServerConfig>[]
        {
            config => config.Command = "other",
            config => config.Arguments = ["-y", "git@2"],
            config => config.Arguments = ["-y git"],
            config => config.Environment["NEW"] = "1",
            config => config.Url = new Uri("https://example.com/mcp"),
        };

        foreach (var change in others)
        {
            var config = Git();
            change(config);
            Assert.True((_store.Load(config)).IsUnknown);
        }

        var sameLaunch = Git();
        sameLaunch.Environment["TOKEN"] = "another secret";
        sameLaunch.TimeoutMs = 1;
        Assert.False((_store.Load(sameLaunch)).IsUnknown);
    }

    [Theory]
    [InlineData("")]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"formatVersion":"x"}""")]
    [InlineData("""{"formatVersion":1,"digest":"DIGEST"}""")]
    [InlineData("""{"formatVersion":1,"digest":"DIGEST","version":"2025-11-25","tools":[{"name":"a"}""")]
    public async Task Load_WhenTheFileCannotBeUnderstood_MovesItAside(string text)
    {
        var config = Git();
        _state.Write("catalog/git.json", text.Replace("DIGEST", CatalogStore.DigestOf(config), StringComparison.Ordinal));

        Assert.True((_store.Load(config)).IsUnknown);

        Assert.Equal([FilePath + ".corrupt-20260101T000000Z"], Directory.GetFiles(Path.GetDirectoryName(FilePath)!));
    }

    [Fact]
    public async Task Load_WhenANewerFairleadWroteTheFile_LeavesItAlone()
    {
        const string Newer = """{"formatVersion":2,"future":true}""";
        _state.Write("catalog/git.json", Newer);

        Assert.True((_store.Load(Git())).IsUnknown);
        await _store.SaveAsync(Git(), Tools("a"), CancellationToken.None);

        Assert.Equal(Newer, await File.ReadAllTextAsync(FilePath));
    }

    [Fact]
    public async Task Save_WhenTheFolderCannotBeMade_DoesNotThrow()
    {
        _state.Write("catalog", "a file in the way");

        await _store.SaveAsync(Git(), Tools("a"), CancellationToken.None);

        Assert.True((_store.Load(Git())).IsUnknown);
    }

    [Fact]
    public async Task Save_WhenTheNameIsNoSlug_WritesNowhere()
    {
        await _store.SaveAsync(new ServerConfig { Name = "../evil" }, Tools("a"), CancellationToken.None);

        Assert.Empty(Directory.GetFileSystemEntries(_state.Path));
    }

    [Fact]
    public async Task Save_OfManyAtOnce_LeavesOneWholeFile()
    {
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => _store.SaveAsync(Git(), Tools($"t{i}"), CancellationToken.None)));

        Assert.Single((_store.Load(Git())).Tools);
        Assert.Equal([FilePath], Directory.GetFiles(Path.GetDirectoryName(FilePath)!));
    }

    [Fact]
    public async Task Forget_AfterSave_NothingIsKnown()
    {
        await _store.SaveAsync(Git(), Tools("a"), CancellationToken.None);

        _store.Forget("git");
        _store.Forget("never-was");

        Assert.True((_store.Load(Git())).IsUnknown);
    }

    private static ServerConfig Git() => new() { Name = "git", Command = "npx", Arguments = ["-y", "git"], Environment = { ["TOKEN"] = "secret" } };
}
