using System.Runtime.InteropServices;
using Fairlead.Processes;
using Fairlead.TestServers.ReaperHost;

// A process that can be killed in place of Fairlead: it supervises children and says what it sees, one word and one value per line on stdout.
//   reaper-host COUNT COMMAND [ARGUMENT...] [-- COUNT COMMAND [ARGUMENT...]]...
// It says: instance, threads (before the first child), child (each id), reaper, threads-with-children, ready; later reaper again whenever there is another
// one, and stopped after the ordered stop that SIGINT and SIGTERM bring about.
var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.TrySetResult();
}

using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

ProcessSupervisor? told = null;
await using var supervisor = new ProcessSupervisor(new EventWriter(() => Console.WriteLine($"reaper {told?.ReaperId}")), TimeProvider.System);
told = supervisor;
Console.WriteLine($"instance {supervisor.Instance}");

// Children that are .NET programs must find the runtime wherever it stands: it is <root>/shared/Microsoft.NETCore.App/<version>.
var runtime = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "../../.."));
var environment = new Dictionary<string, string> { ["DOTNET_ROOT"] = runtime };
Console.WriteLine($"threads {Threads()}");
var reads = new List<Task<int>>();
foreach (var group in Groups(args))
{
    for (var i = int.Parse(group[0], System.Globalization.CultureInfo.InvariantCulture); i > 0; i--)
    {
        var child = supervisor.Start(new ChildProcessOptions { Server = "s", Command = group[1], Arguments = group[2..], Environment = environment });
        reads.Add(child.StandardOutput.ReadAsync(new byte[16]).AsTask());
        Console.WriteLine($"child {child.Id}");
    }
}

await supervisor.WhenWatchedAsync(); // A kill in the moment before would spare a child that carries no marker.
Console.WriteLine($"reaper {supervisor.ReaperId}");
Console.WriteLine($"threads-with-children {Threads()}");
Console.WriteLine("ready");
await stop.Task;
await supervisor.DisposeAsync();
Console.WriteLine("stopped");
return 0;

static int Threads() => Directory.GetDirectories("/proc/self/task").Length;

static IEnumerable<string[]> Groups(string[] words)
{
    for (var start = 0; start < words.Length;)
    {
        var end = Array.IndexOf(words, "--", start);
        end = end < 0 ? words.Length : end;
        yield return words[start..end];
        start = end + 1;
    }
}
