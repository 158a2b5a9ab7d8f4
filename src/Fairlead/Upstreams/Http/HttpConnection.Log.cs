using Fairlead.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Fairlead.Upstreams.Http;

/// <content>What is logged. Headers and bodies never are.</content>
internal sealed partial class HttpConnection
{
    internal void LogSessionEnded() => LogSessionEnded(_logger, Server);

    internal void LogGoodbyeFailed(string reason) => LogGoodbyeFailed(_logger, Server, reason);

    internal void LogNoStream(int status) => LogNoStream(_logger, Server, status);

    internal void LogStreamSlow(TimeSpan wait) => LogStreamSlow(_logger, Server, wait);

    internal void LogStreamCut(string reason) => LogStreamCut(_logger, Server, reason);

    internal void LogTooLong() => LogTooLong(_logger, Server, Limits.UpstreamMessageBytesMax);

    [LoggerMessage(EventIds.UpstreamSessionEnded, LogLevel.Information, "Server {Server} no longer knows its session; another is opened.")]
    private static partial void LogSessionEnded(ILogger logger, string server);

    [LoggerMessage(EventIds.UpstreamGoodbyeFailed, LogLevel.Debug, "Server {Server} could not be told that its session has ended: {Reason}")]
    private static partial void LogGoodbyeFailed(ILogger logger, string server, string reason);

    [LoggerMessage(EventIds.UpstreamNoStream, LogLevel.Debug, "Server {Server} has no stream of its own (HTTP {Status}).")]
    private static partial void LogNoStream(ILogger logger, string server, int status);

    [LoggerMessage(EventIds.UpstreamStreamSlow, LogLevel.Debug, "Server {Server} did not answer the request for its own stream within {Wait}; calls go out without waiting longer.")]
    private static partial void LogStreamSlow(ILogger logger, string server, TimeSpan wait);

    [LoggerMessage(EventIds.UpstreamStreamCut, LogLevel.Debug, "The stream of server {Server} was cut: {Reason}")]
    private static partial void LogStreamCut(ILogger logger, string server, string reason);

    [LoggerMessage(EventIds.UpstreamEventTooLong, LogLevel.Warning, "Server {Server} sent an event over upstreamMessageBytesMax ({Max}); it was discarded.")]
    private static partial void LogTooLong(ILogger logger, string server, int max);

    [LoggerMessage(EventIds.UpstreamPostFailed, LogLevel.Debug, "A notification or answer to server {Server} was not taken: {Reason}")]
    private static partial void LogPostFailed(ILogger logger, string server, string reason);
}
