using Fairlead.Measuring;

namespace Fairlead.Load.Compare;

/// <summary>Calls in this process. What it calls does not fail here; if it does, the run ends with its exception.</summary>
internal sealed class ToolCaller<T>(Func<ValueTask<T>> call) : ILoadCaller
{
    public async ValueTask<CallOutcome> CallAsync()
    {
        await call().ConfigureAwait(false);
        return default;
    }

    public void Dispose()
    {
        // Nothing is held open between calls.
    }
}
