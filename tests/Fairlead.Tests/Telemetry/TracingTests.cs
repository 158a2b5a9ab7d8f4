using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Fairlead.Telemetry;

namespace Fairlead.Tests.Telemetry;

/// <summary>How spans begin.</summary>
public sealed class TracingTests
{
    [Fact]
    public void Begin_WhenTheTraceIsKnownButNotSampled_ThrowsNothingInside()
    {
        // As OpenTelemetry does with a trace that it drops: its ids are wanted, its data are not.
        var trace = ActivityTraceId.CreateRandom();
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == Tracing.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> options) => options.Parent.TraceId == trace ? ActivitySamplingResult.PropagationData : ActivitySamplingResult.None,
        };
        ActivitySource.AddActivityListener(listener);

        // Thrown and caught inside, it would cost each call more than all the rest of its telemetry.
        var thread = Environment.CurrentManagedThreadId;
        var thrown = new List<Exception>();
        void Note(object? sender, FirstChanceExceptionEventArgs first)
        {
            if (Environment.CurrentManagedThreadId == thread)
            {
                thrown.Add(first.Exception);
            }
        }

        AppDomain.CurrentDomain.FirstChanceException += Note;
        try
        {
            Assert.Null(Tracing.Begin("a", ActivityKind.Server, new ActivityContext(trace, ActivitySpanId.CreateRandom(), ActivityTraceFlags.None, isRemote: true)));
        }
        finally
        {
            AppDomain.CurrentDomain.FirstChanceException -= Note;
        }

        Assert.Empty(thrown);
    }
}
