using System.Diagnostics;
using Fairlead.Processes;
using Fairlead.TestKit;

namespace Fairlead.Tests.Processes;

public sealed class StepBackTests
{
    [Fact]
    public async Task StepBack_WhileTheChildIsInOurSession_LooksAgainAfterAMillisecondAndThenLessOften()
    {
        if (!OperatingSystem.IsLinux())
        {
            return; // Sessions and their niceness are Linux's.
        }

        var clock = new FakeTimeProvider();
        using var child = Process.Start("sleep", "1000");
        try
        {
            var steppingBack = ProcessPlatform.Current.StepBackAsync(child.Id, 19, clock, CancellationToken.None);
            var pauses = new List<double>();
            for (var look = 0; look < 9; look++)
            {
                var pause = await clock.WhenTimerDueBetweenAsync(TimeSpan.Zero, TimeSpan.FromSeconds(1));
                pauses.Add(pause.TotalMilliseconds);
                if (look < 8)
                {
                    clock.Advance(pause);
                }
            }

            Assert.Equal([1, 2, 4, 8, 16, 32, 64, 100, 100], pauses);

            child.Kill();
            await Guard.WithinAsync(child.WaitForExitAsync(), "the child's end");
            clock.Advance(TimeSpan.FromMilliseconds(100));
            await Guard.WithinAsync(steppingBack, "the end of the attempts");
        }
        finally
        {
            child.Kill();
        }
    }
}
