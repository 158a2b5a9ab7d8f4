using Fairlead.Diagnostics;
using Fairlead.Wire;
using Microsoft.Extensions.Logging;

namespace Fairlead.Servers;

/// <content>The actor's log messages.</content>
internal sealed partial class ServerActor
{
    [LoggerMessage(EventIds.ServerBackendAway, LogLevel.Warning, "Server {Server} waits for what it stands on: {Reason}.")]
    private static partial void LogBackendAway(ILogger logger, string server, string reason);

    [LoggerMessage(EventIds.ServerStarting, LogLevel.Debug, "Server {Server} starts: {Reason}.")]
    private static partial void LogStarting(ILogger logger, string server, string reason);

    [LoggerMessage(EventIds.ServerScaled, LogLevel.Information, "Server {Server} is scaled from {Before} to {Count} instances: {Reason}.")]
    private static partial void LogScaled(ILogger logger, string server, int before, int count, string reason);

    [LoggerMessage(EventIds.ServerAsleep, LogLevel.Information, "Server {Server} sleeps: nobody called it for {Limit}.")]
    private static partial void LogAsleep(ILogger logger, string server, TimeSpan limit);

    [LoggerMessage(EventIds.ServerLost, LogLevel.Warning, "Server {Server} was lost: {Reason}")]
    private static partial void LogLost(ILogger logger, string server, string reason);

    [LoggerMessage(EventIds.ServerStartFailed, LogLevel.Warning, "Server {Server} is not up: {Reason}. Restart {Attempt} of {Max} in {Delay}.")]
    private static partial void LogStartFailed(ILogger logger, string server, string reason, int attempt, int max, TimeSpan delay);

    [LoggerMessage(EventIds.ServerCrashLoop, LogLevel.Error, "Server {Server} is {State} and is not started again by itself: {Reason}")]
    private static partial void LogGivenUp(ILogger logger, string server, ServerState state, string reason);

    [LoggerMessage(EventIds.ServerStopped, LogLevel.Information, "Server {Server} is stopped: {Reason}.")]
    private static partial void LogStopped(ILogger logger, string server, string reason);

    [LoggerMessage(EventIds.ServerAsks, LogLevel.Information, "Server {Server} asks its clients ({Method}); from their next call on, clients that can answer get instances of their own.")]
    private static partial void LogAsks(ILogger logger, string server, McpMethod method);
}
