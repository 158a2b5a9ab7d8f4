using System.Diagnostics;
using System.Text.Json;
using Fairlead.Cli.Running;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>What other commands make of the state folder of an instance that did not end well.</summary>
public sealed class InstanceFileTests
{
    [Fact]
    public void Find_WhenTheProcessLives_GivesIt()
    {
        using var folder = new TempFolder();
        Write(folder, Environment.ProcessId);
        Assert.Equal("http://127.0.0.1:1", InstanceFile.Find(folder.FullName, out var remark)?.Url);
        Assert.Null(remark);
    }

    [Fact]
    public void Find_WhenTheProcessHasEnded_SaysSo()
    {
        using var folder = new TempFolder();
        using var ended = Process.Start("true");
        ended.WaitForExit();
        Write(folder, ended.Id);
        Assert.Null(InstanceFile.Find(folder.FullName, out var remark));
        Assert.Contains("has ended", remark, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_WhenTheNumberBelongsToAYoungerProcess_IsNotMisled()
    {
        using var folder = new TempFolder();
        Write(folder, Environment.ProcessId);
        File.SetLastWriteTimeUtc(folder.At(InstanceFile.Name), new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.Null(InstanceFile.Find(folder.FullName, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{\"pid\":0}")]
    [InlineData("[]")]
    [InlineData("{\"pid\":1,\"url\":\"here\"}")]
    public void Find_WhenTheFileIsUnreadable_MovesItAside(string text)
    {
        using var folder = new TempFolder();
        folder.Write(InstanceFile.Name, text);
        Assert.Null(InstanceFile.Find(folder.FullName, out var remark));
        Assert.Contains(".corrupt-", remark, StringComparison.Ordinal);
        Assert.Equal(text, File.ReadAllText(Directory.GetFiles(folder.FullName, "instance.json.corrupt-*").Single()));
        Assert.False(File.Exists(folder.At(InstanceFile.Name)));
    }

    [Fact]
    public void Find_WhenWrittenByANewerVersion_LeavesItAlone()
    {
        using var folder = new TempFolder();
        folder.Write(InstanceFile.Name, """{"formatVersion":99,"pid":1,"url":"http://x","version":"9.0"}""");
        Assert.Null(InstanceFile.Find(folder.FullName, out var remark));
        Assert.Contains("9.0", remark, StringComparison.Ordinal);
        Assert.True(File.Exists(folder.At(InstanceFile.Name)));
    }

    [Fact]
    public void Lock_WhenHeld_IsNotGivenAgainAndItsFilesAreTheOwnersAlone()
    {
        using var folder = new TempFolder();
        var path = folder.At("state");
        using (var held = StateFolder.TryLock(path))
        {
            Assert.NotNull(held);
            Assert.Null(StateFolder.TryLock(path));
            var token = held.AdminToken(Assert.Fail);
            Assert.Equal(64, token.Length);
            Assert.Equal(token, held.AdminToken(Assert.Fail));
            held.Announce(new InstanceFile(Environment.ProcessId, "http://127.0.0.1:1", "1"));
            if (!OperatingSystem.IsWindows())
            {
                foreach (var file in Directory.GetFiles(path))
                {
                    Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
                }
            }
        }

        Assert.False(File.Exists(Path.Combine(path, InstanceFile.Name)));
        using var again = StateFolder.TryLock(path);
        Assert.NotNull(again);
    }

    [Fact]
    public void AdminToken_WhenTheFileHoldsNone_IsMadeAnewAndTheOldOneKept()
    {
        using var folder = new TempFolder();
        folder.Write("admin.token", "short");
        using var held = StateFolder.TryLock(folder.FullName);
        string? told = null;
        Assert.Equal(64, held!.AdminToken(remark => told = remark).Length);
        Assert.Contains(".corrupt-", told, StringComparison.Ordinal);
    }

    private static void Write(TempFolder folder, int pid) =>
        folder.Write(InstanceFile.Name, JsonSerializer.Serialize(new InstanceFile(pid, "http://127.0.0.1:1", "1"), JsonSerializerOptions.Web));
}
