using System.Runtime.ExceptionServices;
using Fairlead.Configuration;

namespace Fairlead.Tests.Configuration;

public sealed class TextFileTests
{
    [Fact]
    public void Read_WhenThereIsNoFile_ThrowsNothingOnTheWay()
    {
        using var folder = new TempFolder();
        var (thread, thrown) = (Environment.CurrentManagedThreadId, new List<Exception>());
        AppDomain.CurrentDomain.FirstChanceException += Note;
        try
        {
            Assert.Null(TextFile.Read(Path.Combine(folder.Path, ".env"), 100, out var failure));
            Assert.Null(failure);
            Assert.Null(TextFile.Read(Path.Combine(folder.Path, "no-folder", ".env"), 100, out failure));
            Assert.Null(failure);
        }
        finally
        {
            AppDomain.CurrentDomain.FirstChanceException -= Note;
        }

        Assert.Empty(thrown);

        void Note(object? sender, FirstChanceExceptionEventArgs e)
        {
            if (Environment.CurrentManagedThreadId == thread)
            {
                thrown.Add(e.Exception);
            }
        }
    }

    [Fact]
    public void Read_WhenItIsAFolder_SaysSo()
    {
        using var folder = new TempFolder();
        Assert.Null(TextFile.Read(folder.Path, 100, out var failure));
        Assert.Contains("is a folder", failure, StringComparison.Ordinal);
    }
}
