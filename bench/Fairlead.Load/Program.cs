using Fairlead.Load;

// The measuring program; bench/README.md says what each mode does and bench/run.sh runs them in order.
try
{
    return args switch
    {
        ["bare", .. var rest] => await BareServer.RunAsync(new LoadArguments(rest)).ConfigureAwait(false),
        ["road", .. var rest] => await RoadBench.RunAsync(new LoadArguments(rest)).ConfigureAwait(false),
        ["bytes", .. var rest] => await AllocationBench.RunAsync(new LoadArguments(rest)).ConfigureAwait(false),
        ["parked", .. var rest] => await ParkedBench.RunAsync(new LoadArguments(rest)).ConfigureAwait(false),
        ["asking-peer"] => await AskingPeer.RunStdioAsync().ConfigureAwait(false),
        ["rest", .. var rest] => await RestBench.RunAsync(new LoadArguments(rest)).ConfigureAwait(false),
        _ => LoadArguments.Usage(),
    };
}
catch (BenchFailedException e)
{
    Console.Error.WriteLine($"fairlead-load: {e.Message}");
    return 1;
}
