using Fairlead.Load;
using Fairlead.Load.Compare;
using Fairlead.Load.InProcess;
using Fairlead.Load.Scale;
using Fairlead.Load.Servers;
using Fairlead.Measuring;

// The measuring program; bench/README.md says what each mode does and bench/run.sh runs them in order.
try
{
    return args switch
    {
        ["bare", .. var rest] => await BareServer.RunAsync(new LoadArguments(rest)).ConfigureAwait(false),
        ["road", .. var rest] => await RoadBench.RunAsync(new LoadArguments(rest)).ConfigureAwait(false),
        ["load", .. var rest] => await CompareBench.RunAsync(new LoadArguments(rest)).ConfigureAwait(false),
        ["idle", .. var rest] => await IdleBench.RunAsync(new LoadArguments(rest)).ConfigureAwait(false),
        ["inprocess", .. var rest] => await InProcessBench.RunAsync(new LoadArguments(rest)).ConfigureAwait(false),
        ["inprocess-part", .. var rest] => await InProcessPart.RunAsync(new LoadArguments(rest)).ConfigureAwait(false),
        ["scale", .. var rest] => await ScaleBench.RunAsync(new LoadArguments(rest)).ConfigureAwait(false),
        ["scale-part", .. var rest] => await ManyServers.RunPartAsync(new LoadArguments(rest)).ConfigureAwait(false),
        ["forward", .. var rest] => await ForwardingServer.RunAsync(new LoadArguments(rest)).ConfigureAwait(false),
        ["echo-http", .. var rest] => await HttpEchoServer.RunAsync(new LoadArguments(rest)).ConfigureAwait(false),
        ["large", .. var rest] => await LargeBench.RunAsync(new LoadArguments(rest)).ConfigureAwait(false),
        ["large-http", .. var rest] => await LargeServer.RunAsync(new LoadArguments(rest)).ConfigureAwait(false),
        ["bytes", .. var rest] => await AllocationBench.RunAsync(new LoadArguments(rest)).ConfigureAwait(false),
        ["parked", .. var rest] => await ParkedBench.RunAsync(new LoadArguments(rest)).ConfigureAwait(false),
        ["python", .. var rest] => await PythonBench.RunAsync(new LoadArguments(rest)).ConfigureAwait(false),
        ["asking-peer"] => await AskingPeer.RunStdioAsync().ConfigureAwait(false),
        ["facts", .. var rest] => await RecordRun.PrintFactsAsync(new LoadArguments(rest)).ConfigureAwait(false),
        ["record", .. var rest] => await RecordRun.RunAsync(new LoadArguments(rest)).ConfigureAwait(false),
        ["rest", .. var rest] => await RestBench.RunAsync(new LoadArguments(rest)).ConfigureAwait(false),
        _ => LoadArguments.Usage(),
    };
}
catch (Exception e) when (e is BenchFailedException or LoadFailedException)
{
    Console.Error.WriteLine($"fairlead-load: {e.Message}");
    return 1;
}
