using System.Text;
using System.Text.Json;
using Fairlead.Diagnostics;
using Fairlead.State;
using Fairlead.TestKit;
using Fairlead.Tests.Configuration;
using Fairlead.Tests.Processes;

namespace Fairlead.Tests.State;

public sealed class StateFileTests : IDisposable
{
    private const string Loss = "Something is asked again.";

    private readonly TempFolder _folder = new();
    private readonly EventRecorder _log = new();
    private readonly StateFiles _files;

    public StateFileTests() => _files = new StateFiles(_folder.Path, new FakeTimeProvider(), _log);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_AfterWrite_GivesTheSameBytesAndTellsNothing()
    {
        var file = _files.File(Path.Combine("sub", "a.json"), 1, Loss);
        Assert.Equal(StateOutcome.Absent, file.Read(static _ => throw new InvalidOperationException("there is nothing to read")));
        Assert.True(file.Write("{\"formatVersion\":1,\"x\":1}"u8));
        Assert.Equal("{\"formatVersion\":1,\"x\":1}", Text(file));
        Assert.Empty(_log.Events);
        Assert.Equal(["a.json"], Directory.GetFileSystemEntries(Path.Combine(_folder.Path, "sub")).Select(Path.GetFileName));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file.Path));
        }
    }

    [Fact]
    public void Read_WhenANewerFairleadWroteIt_LeavesItAloneAndSaysWhatToDo()
    {
        const string Newer = """{"comment":{"formatVersion":1},"formatVersion":3}""";
        var file = _files.File("a.json", 2, Loss, static old => old);
        _folder.Write("a.json", Newer);
        Assert.Equal(StateOutcome.Newer, file.Read(static _ => throw new InvalidOperationException("it must not be read")));
        Assert.False(file.Write("{\"formatVersion\":2}"u8));
        Assert.False(file.Append("x"u8));
        file.Delete();
        Assert.Equal(Newer, File.ReadAllText(file.Path));
        var (id, _, text) = Assert.Single(_log.Events);
        Assert.Equal(EventIds.StateNewer, id);
        Assert.Contains(Loss, text, StringComparison.Ordinal);
        Assert.Contains("Update Fairlead", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_WhenOlder_MigratesThroughEveryFormAndKeepsABackup()
    {
        var file = _files.File("a.json", 3, Loss, Replace("\"formatVersion\":1,\"name\"", "\"formatVersion\":2,\"title\""), Replace("\"formatVersion\":2", "\"formatVersion\":3"));
        _folder.Write("a.json", """{"formatVersion":1,"name":"x"}""");
        Assert.Equal("""{"formatVersion":3,"title":"x"}""", Text(file));
        Assert.Equal("""{"formatVersion":3,"title":"x"}""", File.ReadAllText(file.Path));
        Assert.Equal("""{"formatVersion":1,"name":"x"}""", File.ReadAllText(file.Path + ".bak"));
        Assert.Equal(EventIds.StateMigrated, Assert.Single(_log.Events).Id);
        Assert.Equal("""{"formatVersion":3,"title":"x"}""", Text(file));
        Assert.Single(_log.Events);
    }

    [Theory]
    [InlineData("")]
    [InlineData("junk")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"formatVersion":"1"}""")]
    [InlineData("""{"formatVersion":0}""")]
    [InlineData("""{"x":{"formatVersion":1}}""")]
    [InlineData("""{"x":[1,2,""")]
    public void Read_WhenItCannotBeUnderstood_MovesItAsideAndSaysWhatItMeans(string text)
    {
        var file = _files.File("a.json", 1, Loss);
        _folder.Write("a.json", text);
        Assert.Equal(StateOutcome.Unusable, file.Read(static _ => { }));
        Assert.Equal(text, File.ReadAllText(file.Path + ".corrupt-20260101T000000Z"));
        Assert.False(File.Exists(file.Path));
        var told = Assert.Single(_log.Events);
        Assert.Equal(EventIds.StateCorrupt, told.Id);
        Assert.Contains(Loss, told.Text, StringComparison.Ordinal);
        Assert.True(file.Write("{\"formatVersion\":1}"u8));
    }

    [Fact]
    public void Read_WhenItsReaderDoesNotUnderstandIt_MovesItAside()
    {
        var file = _files.File("a.json", 1, Loss);
        _folder.Write("a.json", """{"formatVersion":1}""");
        Assert.Equal(StateOutcome.Unusable, file.Read(static bytes =>
        {
            using var document = JsonDocument.Parse(bytes);
            document.RootElement.GetProperty("entries");
        }));
        Assert.False(File.Exists(file.Path));
    }

    [Fact]
    public void Write_WhenTheDiskIsFull_KeepsWhatIsThereAndIsToldOnceForAllFiles()
    {
        if (!File.Exists("/dev/full"))
        {
            Assert.False(OperatingSystem.IsLinux(), "Linux has /dev/full, a device on which every write fails for lack of space.");
            return;
        }

        var files = new[] { _files.File("a.json", 1, Loss), _files.File("b.json", 1, Loss) };
        Assert.True(files[0].Write("{\"formatVersion\":1,\"old\":1}"u8));
        for (var round = 0; round < 3; round++)
        {
            foreach (var file in files)
            {
                File.CreateSymbolicLink(file.Path + ".new", "/dev/full");
                Assert.False(file.Write("{\"formatVersion\":1,\"new\":1}"u8));
            }
        }

        Assert.Equal("{\"formatVersion\":1,\"old\":1}", Text(files[0]));
        var told = Assert.Single(_log.Events);
        Assert.Equal(EventIds.StateDiskFull, told.Id);
        Assert.Contains("Free some space", told.Text, StringComparison.Ordinal);

        Assert.True(files[1].Write("{\"formatVersion\":1}"u8));
        Assert.Equal([EventIds.StateDiskFull, EventIds.StateWritableAgain], _log.Events.Select(static one => one.Id));
        Assert.Equal(2, Directory.GetFiles(_folder.Path).Length);
    }

    [Fact]
    public void Append_WhenTheDiskIsFull_IsTold()
    {
        if (!File.Exists("/dev/full"))
        {
            Assert.False(OperatingSystem.IsLinux(), "Linux has /dev/full, a device on which every write fails for lack of space.");
            return;
        }

        var file = _files.File("a.jsonl", 1, Loss);
        File.CreateSymbolicLink(file.Path, "/dev/full");
        Assert.False(file.Append("x\n"u8));
        Assert.Equal(EventIds.StateDiskFull, Assert.Single(_log.Events).Id);
    }

    [Fact]
    public void Write_WhenTheFolderIsAFile_SaysThatNothingIsKept()
    {
        _folder.Write("sub", "in the way");
        Assert.False(_files.File(Path.Combine("sub", "a.json"), 1, Loss).Write("{\"formatVersion\":1}"u8));
        Assert.Equal(EventIds.StateUnwritable, Assert.Single(_log.Events).Id);
    }

    private static Func<byte[], byte[]> Replace(string old, string text) =>
        bytes => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(bytes).Replace(old, text, StringComparison.Ordinal));

    private static string Text(StateFile file)
    {
        var text = "";
        Assert.Equal(StateOutcome.Good, file.Read(bytes => text = Encoding.UTF8.GetString(bytes)));
        return text;
    }
}
