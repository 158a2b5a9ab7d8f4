using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Fairlead.Telemetry;

/// <summary>The metrics of this process and of its manager.</summary>
internal static class ProcessFamilies
{
    private const string DescriptorFolder = "/proc/self/fd";

    private static readonly string s_version = Tracing.Version;

    /// <summary>All families, in the order of the page.</summary>
    public static IReadOnlyList<MetricFamily> Of(McpManager manager)
    {
        var started = StartTime();
        return
        [
            new("fairlead_build_info", MetricKind.Gauge, "version,runtime", "Always 1; the labels say what runs.")
            {
                Read = static () => [new MetricSample(1, ("version", s_version), ("runtime", RuntimeInformation.FrameworkDescription))],
            },
            new("fairlead_commands", MetricKind.Counter, "result", "Commands of the control plane (deploy, list, scale, ...) that have ended: ok or failed.")
            {
                Read = () => [new MetricSample(manager.Commands.Total - manager.Commands.Failed, ("result", "ok")), new MetricSample(manager.Commands.Failed, ("result", "failed"))],
            },
            Gauge("fairlead_mailbox_depth", "Commands that wait in the mailboxes of actors.", () => manager.MailboxDepth),
            Gauge("fairlead_buffered_bytes", "Bytes of large messages that are held; bufferedBytesTotalMax is the bound.", () => manager.Buffers.Held),
            Counter("process_cpu_seconds", "Processor time of this process, without its servers.", static () => Environment.CpuUsage.TotalTime.TotalSeconds),
            Gauge("process_resident_memory_bytes", "Memory of this process that is in RAM.", static () => Environment.WorkingSet),
            Gauge("process_start_time_seconds", "When this process began, seconds since 1970.", () => started),
            new("process_open_fds", MetricKind.Gauge, "", "Open descriptors of this process; not on every system.")
            {
                Read = static () => Directory.Exists(DescriptorFolder) ? [new MetricSample(Directory.EnumerateFileSystemEntries(DescriptorFolder).Count())] : [],
            },
            Gauge("dotnet_gc_heap_bytes", "Bytes that the garbage collector holds.", static () => GC.GetTotalMemory(forceFullCollection: false)),
            Counter("dotnet_gc_allocated_bytes", "Bytes that have been allocated.", static () => GC.GetTotalAllocatedBytes()),
            new("dotnet_gc_collections", MetricKind.Counter, "generation", "Garbage collections.")
            {
                Read = static () => Enumerable.Range(0, GC.MaxGeneration + 1).Select(static generation => new MetricSample(GC.CollectionCount(generation), ("generation", generation.ToString(CultureInfo.InvariantCulture)))),
            },
            Gauge("dotnet_thread_pool_threads", "Threads of the pool.", static () => ThreadPool.ThreadCount),
            Gauge("dotnet_thread_pool_queue_length", "Work that waits for a thread of the pool.", static () => ThreadPool.PendingWorkItemCount),
        ];

        static MetricFamily Gauge(string name, string help, Func<double> read) => new(name, MetricKind.Gauge, "", help) { Read = () => [new MetricSample(read())] };
        static MetricFamily Counter(string name, string help, Func<double> read) => new(name, MetricKind.Counter, "", help) { Read = () => [new MetricSample(read())] };
    }

    private static double StartTime()
    {
        using var process = Process.GetCurrentProcess();
        return new DateTimeOffset(process.StartTime).ToUnixTimeMilliseconds() / 1000.0;
    }
}
