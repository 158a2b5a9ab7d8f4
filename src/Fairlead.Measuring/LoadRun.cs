using System.Threading.Channels;
using HdrHistogram;

namespace Fairlead.Measuring;

/// <summary>Runs a plan on callers that are open already.</summary>
internal static class LoadRun
{
    // Callers share this many recorders: a histogram is large, and few callers end a call in the same moment.
    private const int RecordersMax = 16;

    /// <summary>
    /// Opens so many connections to the targets, connection i to target i modulo their number.
    /// </summary>
    /// <exception cref="LoadFailedException">One could not be opened; those that were are closed.</exception>
    public static async Task<IReadOnlyList<HttpCaller>> OpenAsync(IReadOnlyList<LoadTarget> targets, int connections, CancellationToken cancellationToken)
    {
        var callers = new List<HttpCaller>(connections);
        try
        {
            for (var i = 0; i < connections; i++)
            {
                callers.Add(await HttpCaller.OpenAsync(targets[i % targets.Count], cancellationToken).ConfigureAwait(false));
            }

            return callers;
        }
        catch
        {
            callers.ForEach(static caller => caller.Dispose());
            throw;
        }
    }

    /// <summary>Ends sessions and connections.</summary>
    public static Task CloseAsync(IReadOnlyList<HttpCaller> callers) => Task.WhenAll(callers.Select(static caller => caller.CloseAsync()));

    /// <summary>Calls as the plan says. Waits for the answers of what it began, for <see cref="LoadPlan.GraceMax"/>; past it the callers are disposed.</summary>
    /// <param name="plan">How hard and how long.</param>
    /// <param name="callers">At least one; they can be used again afterwards unless the grace ran out.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the run early; what was seen until then is the result.</param>
    public static async Task<LoadResult> RunAsync(LoadPlan plan, IReadOnlyList<ILoadCaller> callers, TimeProvider time, CancellationToken cancellationToken)
    {
        var recorders = Enumerable.Range(0, Math.Min(callers.Count, RecordersMax)).Select(_ => new CallRecorder(time.TimestampFrequency)).ToArray();
        var cpu = Environment.CpuUsage.TotalTime;
        var start = time.GetTimestamp();
        using var over = new CancellationTokenSource(plan.Duration + LoadPlan.GraceMax, time);
        using var abandon = over.Token.Register(() =>
        {
            foreach (var caller in callers)
            {
                caller.Dispose();
            }
        });

        var lateP99Us = 0.0;
        if (plan.Rate is { } rate)
        {
            lateP99Us = await OpenLoopAsync(new ArrivalSchedule(start, rate, time.TimestampFrequency, plan.Duration), callers, recorders, time, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            var loop = new ClosedLoop(start + (long)(plan.Duration.TotalSeconds * time.TimestampFrequency), plan.CallsMax ?? long.MaxValue, time);
            await Task.WhenAll(callers.Select((caller, i) => Task.Run(() => loop.RunAsync(caller, recorders[i % recorders.Length], cancellationToken), CancellationToken.None))).ConfigureAwait(false);
        }

        var seconds = time.GetElapsedTime(start).TotalSeconds;
        var used = (Environment.CpuUsage.TotalTime - cpu).TotalSeconds;
        foreach (var recorder in recorders.Skip(1))
        {
            recorders[0].Add(recorder);
        }

        return recorders[0].ToResult(plan.Rate is null ? seconds : Math.Max(seconds, plan.Duration.TotalSeconds), plan.Rate) with { LateP99Us = lateP99Us, GeneratorCpuSeconds = used };
    }

    /// <returns>99th percentile of how late the pacing was, microseconds.</returns>
    private static async Task<double> OpenLoopAsync(ArrivalSchedule schedule, IReadOnlyList<ILoadCaller> callers, CallRecorder[] recorders, TimeProvider time, CancellationToken cancellationToken)
    {
        // Unbounded: what can pile up is bounded by the schedule, and a bound would hold back the pacing, which is the very omission that it prevents.
        // Synchronous: the pacing thread itself sends the request of a caller that waits.
        var due = Channel.CreateUnbounded<long>(new UnboundedChannelOptions { SingleWriter = true, AllowSynchronousContinuations = true });
        var late = new LongHistogram(TimeSpan.FromHours(1).Ticks * 100, 3);
        var callersEnd = Task.WhenAll(callers.Select((caller, i) => Task.Run(() => CallWhenDueAsync(caller, recorders[i % recorders.Length], due.Reader, schedule.End, time, cancellationToken), CancellationToken.None)));
        await Pacing.RunAsync(schedule, due.Writer, time, ns => late.RecordValue(Math.Max(1, ns)), cancellationToken).ConfigureAwait(false);
        await callersEnd.ConfigureAwait(false);

        // All callers were lost, or the run was ended: what is left was never sent.
        while (due.Reader.TryRead(out var intended))
        {
            recorders[0].RecordNotStarted(intended, Math.Max(time.GetTimestamp(), intended));
        }

        return late.TotalCount == 0 ? 0 : late.GetValueAtPercentile(99) / 1e3;
    }

    /// <summary>The last call is due just before the end: a thread that woke a little late has not missed it.</summary>
    private static long Slack(TimeProvider time) => time.TimestampFrequency / 4;

    private static async Task CallWhenDueAsync(ILoadCaller caller, CallRecorder recorder, ChannelReader<long> due, long end, TimeProvider time, CancellationToken cancellationToken)
    {
        while (await due.WaitToReadAsync(CancellationToken.None).ConfigureAwait(false))
        {
            while (due.TryRead(out var intended))
            {
                var sent = time.GetTimestamp();
                if (sent >= end + Slack(time) || cancellationToken.IsCancellationRequested)
                {
                    recorder.RecordNotStarted(intended, Math.Max(sent, intended));
                    continue;
                }

                var outcome = await caller.CallAsync().ConfigureAwait(false);
                recorder.Record(intended, sent, time.GetTimestamp(), outcome);
                if (outcome.IsLost)
                {
                    return;
                }
            }
        }
    }

    /// <summary>Callers that call again when they have their answer, until the time or the number of calls is over.</summary>
    private sealed class ClosedLoop(long end, long callsMax, TimeProvider time)
    {
        private long _begun;

        public async Task RunAsync(ILoadCaller caller, CallRecorder recorder, CancellationToken cancellationToken)
        {
            // The end of a call is the start of the next: one reading of the clock for both.
            for (var sent = time.GetTimestamp(); sent < end && !cancellationToken.IsCancellationRequested;)
            {
                if (callsMax != long.MaxValue && Interlocked.Increment(ref _begun) > callsMax)
                {
                    return;
                }

                var outcome = await caller.CallAsync().ConfigureAwait(false);
                var done = time.GetTimestamp();
                recorder.Record(sent, sent, done, outcome);
                if (outcome.IsLost)
                {
                    return;
                }

                sent = done;
            }
        }
    }
}
