using Fairlead.Load;

// The measuring program; bench/README.md says what each mode does and bench/run.sh runs them in order.
return args switch
{
    ["bare", .. var rest] => await BareServer.RunAsync(new LoadArguments(rest)).ConfigureAwait(false),
    _ => LoadArguments.Usage(),
};
