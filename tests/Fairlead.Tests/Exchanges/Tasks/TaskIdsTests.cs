using System.Text;
using Fairlead.Exchanges.Tasks;
using Fairlead.State;
using Fairlead.TestKit;
using Fairlead.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace Fairlead.Tests.Exchanges.Tasks;

/// <summary>Ids of tasks: signed, the same for the same task, nobody else's (protocol.md 8).</summary>
public sealed class TaskIdsTests : IDisposable
{
    private static readonly byte[] s_me = [1, 2, 3];
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fairlead-taskids-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("\"t-1\"", "\"t-1\"")]
    [InlineData("\"\"", "\"\"")]
    [InlineData("\"\\u00e9\\\"\\/\\n\"", "\"é\\\"/\\n\"")]
    public void Id_OfATask_LeadsBackToItsServerAndOwnId(string own, string back)
    {
        var ids = new TaskIds(null);
        var id = ids.ToClient(s_me, "server", Encoding.UTF8.GetBytes(own));

        Assert.True(ids.TryToServer(s_me, id, out var server, out var token));
        Assert.Equal(("server", back), (server, Encoding.UTF8.GetString(token)));
        Assert.Equal(id, ids.ToClient(s_me, "server", Encoding.UTF8.GetBytes(back)));
        Assert.All(id, static c => Assert.True(c is (byte)'"' or (byte)'-' or (byte)'_' || char.IsAsciiLetterOrDigit((char)c)));
    }

    [Fact]
    public void Id_OfAnotherServerPrincipalKeyOrKind_IsAnother()
    {
        var ids = new TaskIds(null);
        var id = ids.ToClient(s_me, "server", "\"t\""u8);

        Assert.NotEqual(id, ids.ToClient(s_me, "serve", "\"rt\""u8));
        Assert.False(ids.TryToServer([1, 2], id, out _, out _));
        Assert.False(new TaskIds(null).TryToServer(s_me, id, out _, out _));
        Assert.False(ids.TryReadCursor(s_me, id, out _, out _));
        Assert.False(ids.TryToServer(s_me, ids.ToCursor(s_me, "server", "\"t\""u8), out _, out _));
    }

    [Fact]
    public void Id_WhenAnythingInItChanges_IsUnknown()
    {
        var ids = new TaskIds(null);
        var id = Encoding.UTF8.GetString(ids.ToClient(s_me, "server", "\"t-12\""u8));
        var texts = Enumerable.Range(1, id.Length - 2).SelectMany(at => "AQg_é\\ ".Select(c => id[..at] + c + id[(at + 1)..])).Where(text => text != id)
            .Concat([id[..^1] + "=\"", id[..^1] + "A\"", id[..^2] + "\"", "\"\"", "7", "null", "\"" + new string('A', 100_000) + "\""]);

        Assert.All(texts, text => Assert.False(ids.TryToServer(s_me, Encoding.UTF8.GetBytes(text), out _, out _), text));
    }

    [Fact]
    public void Id_OfAnotherProcessOnTheSameStateFolder_IsTheSame()
    {
        var id = new TaskIds(Files()).ToClient(s_me, "server", "\"t\""u8);

        Assert.Equal(id, new TaskIds(Files()).ToClient(s_me, "server", "\"t\""u8));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyPath));
        }
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"formatVersion":1,"secret":"AAAA"}""")]
    public void Key_ThatCannotBeRead_IsMovedAsideAndMadeAnew(string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(KeyPath)!);
        File.WriteAllText(KeyPath, text);

        var id = new TaskIds(Files()).ToClient(s_me, "server", "\"t\""u8);

        Assert.Equal(id, new TaskIds(Files()).ToClient(s_me, "server", "\"t\""u8));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(KeyPath)!, "tasks.json.corrupt-*"));
    }

    [Fact]
    public void Cursor_OfAServer_LeadsBackToItsOwn()
    {
        var ids = new TaskIds(null);

        Assert.True(ids.TryReadCursor(s_me, ids.ToCursor(s_me, "server", "\"\\u00e9\""u8), out var server, out var own));
        Assert.Equal(("server", "\"\\u00e9\""), (server, Encoding.UTF8.GetString(own)));
        Assert.True(ids.TryReadCursor(s_me, ids.ToCursor(s_me, "server", default), out _, out own));
        Assert.Empty(own);
    }

    private string KeyPath => Path.Combine(_folder.FullName, "keys", "tasks.json");

    private StateFiles Files() => new(_folder.FullName, new FakeTimeProvider(), NullLogger.Instance);
}
