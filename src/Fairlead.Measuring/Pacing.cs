using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace Fairlead.Measuring;

/// <summary>When each call of an open loop is meant to begin: at even distances from the start, whatever the answers do.</summary>
/// <param name="Start">Timestamp of the first call.</param>
/// <param name="Rate">Calls per second; more than 0.</param>
/// <param name="Frequency">Timestamps per second.</param>
/// <param name="Duration">Calls are meant for less than that after the start.</param>
internal readonly record struct ArrivalSchedule(long Start, double Rate, long Frequency, TimeSpan Duration)
{
    /// <summary>How many calls there are.</summary>
    public long Count => Math.Max(1, (long)Math.Round(Duration.TotalSeconds * Rate));

    /// <summary>When the schedule is over.</summary>
    public long End => Start + (long)(Duration.TotalSeconds * Frequency);

    /// <summary>The moment of a call, 0 first. Computed from the start each time, so that nothing adds up.</summary>
    public long At(long number) => Start + (long)(number / Rate * Frequency);
}

/// <summary>Begins the calls of a schedule when they are due, from a thread of its own that sleeps in between with the finest timer there is.</summary>
internal static partial class Pacing
{
    // Longest sleep at once, so that a cancelled run ends soon.
    private const long SleepNsMax = 50_000_000;

    /// <summary>Writes the intended moment of each call to <paramref name="due"/> when it has come, and completes it after the last.</summary>
    /// <param name="schedule">The calls.</param>
    /// <param name="due">Must never refuse a write.</param>
    /// <param name="time">The clock that the schedule's timestamps are of.</param>
    /// <param name="lateness">Told for each call how late it was begun because the thread slept too long, in nanoseconds.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public static Task RunAsync(ArrivalSchedule schedule, ChannelWriter<long> due, TimeProvider time, Action<long> lateness, CancellationToken cancellationToken)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            try
            {
                Run(schedule, due, time, lateness, cancellationToken);
                ended.SetResult();
            }
            catch (Exception exception)
            {
                ended.SetException(exception); // The edge of the thread: whoever awaits the run gets it.
            }
            finally
            {
                due.TryComplete();
            }
        })
        { IsBackground = true, Name = "load pacing" };
        thread.Start();
        return ended.Task;
    }

    private static void Run(ArrivalSchedule schedule, ChannelWriter<long> due, TimeProvider time, Action<long> lateness, CancellationToken cancellationToken)
    {
        using var never = new ManualResetEventSlim();
        for (long number = 0, count = schedule.Count; number < count; number++)
        {
            var at = schedule.At(number);
            while (ToNanoseconds(at - time.GetTimestamp(), schedule.Frequency) is > 0 and var left)
            {
                if (cancellationToken.IsCancellationRequested)
                {
                    return;
                }

                Sleep(Math.Min(left, SleepNsMax), never);
            }

            lateness(ToNanoseconds(time.GetTimestamp() - at, schedule.Frequency));
            due.TryWrite(at);
        }
    }

    /// <summary>A distance of timestamps in nanoseconds.</summary>
    public static long ToNanoseconds(long distance, long frequency) => frequency == 1_000_000_000 ? distance : (long)(distance * (1e9 / frequency));

    private static void Sleep(long nanoseconds, ManualResetEventSlim never)
    {
        if (OperatingSystem.IsWindows())
        {
            never.Wait(TimeSpan.FromMilliseconds(1)); // No finer timer there; the lateness in the result tells.
        }
        else
        {
            var length = new Timespec { Seconds = (nint)(nanoseconds / 1_000_000_000), Nanoseconds = (nint)(nanoseconds % 1_000_000_000) };
            _ = NanoSleep(ref length, 0); // Woken early by a signal, it is called again.
        }
    }

    [LibraryImport("libc", EntryPoint = "nanosleep")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int NanoSleep(ref Timespec length, nint remaining);

    private struct Timespec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
