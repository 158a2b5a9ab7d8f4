using System.Collections.Concurrent;
using System.Diagnostics;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>One trace whose spans are kept: other tests of this process must not find themselves traced.</summary>
internal sealed class SampledTrace : IDisposable
{
    private readonly ActivityListener _listener;

    public SampledTrace()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == "Fairlead",
            Sample = (ref ActivityCreationOptions<ActivityContext> options) => options.Parent.TraceId == Id ? ActivitySamplingResult.AllDataAndRecorded : ActivitySamplingResult.None,
            ActivityStopped = span =>
            {
                if (span.TraceId == Id)
                {
                    Ended.Enqueue(span);
                }
            },
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public ActivityTraceId Id { get; } = ActivityTraceId.CreateRandom();

    /// <summary>The span of the client.</summary>
    public ActivitySpanId Client { get; } = ActivitySpanId.CreateRandom();

    /// <summary>What has ended, in its order.</summary>
    public ConcurrentQueue<Activity> Ended { get; } = new();

    /// <summary>The client's <c>traceparent</c>.</summary>
    public string Parent => $"00-{Id}-{Client}-01";

    public void Dispose() => _listener.Dispose();
}
