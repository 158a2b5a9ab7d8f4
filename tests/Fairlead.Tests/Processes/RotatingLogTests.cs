using Fairlead.Processes;
using Fairlead.TestKit;

namespace Fairlead.Tests.Processes;

public sealed class RotatingLogTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fairlead-log-");
    private readonly List<Exception> _failures = [];

    private string LogFile => Path.Combine(_folder.FullName, "logs", "server.log");

    public void Dispose() => _folder.Delete(recursive: true);

    private RotatingLog Open(long fileBytesMax = RotatingLog.FileBytesMax) => new(LogFile, new FakeTimeProvider(), _failures.Add, fileBytesMax);

    [Fact]
    public async Task Append_Lines_WritesTimeSourceAndTextForTheOwnerAlone()
    {
        await using (var log = Open())
        {
            log.Append(42, "hello");
            log.Append(43, "world");
        }

        Assert.Equal(["2026-01-01T00:00:00.000Z 42 hello", "2026-01-01T00:00:00.000Z 43 world"], await File.ReadAllLinesAsync(LogFile));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(LogFile));
        }
    }

    [Fact]
    public async Task Append_WhenTheFileExists_GoesOnBehindIt()
    {
        await using (var log = Open())
        {
            log.Append(1, "first run");
        }

        await using (var log = Open())
        {
            log.Append(2, "second run");
        }

        Assert.Equal(2, (await File.ReadAllLinesAsync(LogFile)).Length);
    }

    [Fact]
    public async Task Append_PastTheSize_KeepsThreeFilesNewestFirst()
    {
        for (var run = 1; run <= 5; run++)
        {
            // Each run writes one line that fills the file, so that each ends with a rotation.
            await using var log = Open(fileBytesMax: 10);
            log.Append(run, "full");
        }

        await using (var log = Open())
        {
            log.Append(6, "newest");
        }

        Assert.Equal(["server.log", "server.log.1", "server.log.2"], Directory.GetFiles(Path.GetDirectoryName(LogFile)!).Select(Path.GetFileName).Order());
        Assert.EndsWith(" 6 newest\n", await File.ReadAllTextAsync(LogFile), StringComparison.Ordinal);
        Assert.EndsWith(" 5 full\n", await File.ReadAllTextAsync(LogFile + ".1"), StringComparison.Ordinal);
        Assert.EndsWith(" 4 full\n", await File.ReadAllTextAsync(LogFile + ".2"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Append_WhenTheFileCannotBeWritten_ReportsOnceAndNeverThrows()
    {
        // A directory stands where the file should be.
        Directory.CreateDirectory(LogFile);
        await using (var log = Open())
        {
            log.Append(1, "lost");
        }

        var failure = Assert.Single(_failures);
        Assert.True(failure is IOException or UnauthorizedAccessException, failure.ToString());
    }

    [Fact]
    public async Task Append_FasterThanTheDisk_DropsAndSaysHowMany()
    {
        const int Lines = 200_000;
        await using (var log = Open())
        {
            for (var i = 0; i < Lines; i++)
            {
                log.Append(1, "x");
            }
        }

        var written = await File.ReadAllLinesAsync(LogFile);
        var dropped = written.Where(line => line.StartsWith('[')).Sum(line => int.Parse(line[1..line.IndexOf(' ', StringComparison.Ordinal)], null));
        Assert.Equal(Lines, written.Count(line => line.EndsWith(" 1 x", StringComparison.Ordinal)) + dropped);
    }
}
