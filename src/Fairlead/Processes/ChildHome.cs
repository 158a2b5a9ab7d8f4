using Microsoft.Extensions.Logging;

namespace Fairlead.Processes;

/// <summary>What the supervisor lends to one child.</summary>
/// <param name="Server">Name of the server, for messages.</param>
/// <param name="Platform">The system.</param>
/// <param name="Time">Clock of graces and polls.</param>
/// <param name="Logger">Where the child's events go.</param>
/// <param name="SweepAsync">Ends whatever carries this child's marker; called once, after its group is gone. Never throws.</param>
/// <param name="Gone">Told once, when nothing is left of the child.</param>
internal sealed record ChildHome(
    string Server, ProcessPlatform Platform, TimeProvider Time, ILogger Logger, Func<Task> SweepAsync, Action<ChildProcess> Gone);
