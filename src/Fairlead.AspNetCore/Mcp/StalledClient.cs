using System.Buffers;
using System.IO.Pipelines;
using Fairlead.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Logging;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>Writes to clients that must keep reading: one that does not take what it is sent, stalledClientBytes at a time, within stalledClient loses its connection (decision 17).</summary>
/// <remarks>One writer per response at a time. Answers up to <see cref="FreeBytes"/> fit into the web server's own buffer, hold up nobody and need none of this.</remarks>
internal static partial class StalledClient
{
    /// <summary>Most bytes of an answer that may be left to the web server: its output buffer (64 KiB by default).</summary>
    public const int FreeBytes = 64 * 1024;

    /// <summary>Takes the place of the web server's own bound for this response: it allows an hour for a mebibyte, and to a short event five seconds.</summary>
    public static void Watch(HttpContext context)
    {
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }
    }

    /// <summary>Writes and sends bytes of any length, with what was written before them.</summary>
    /// <param name="context">The request.</param>
    /// <param name="front">Whose bounds count.</param>
    /// <param name="bytes">At least one.</param>
    /// <param name="last">A byte that ends them and goes out with the last of them; null = none.</param>
    /// <returns>False when the client is gone or was cut; the rest was not written.</returns>
    public static async ValueTask<bool> WriteAsync(HttpContext context, McpFront front, ReadOnlyMemory<byte> bytes, byte? last = null)
    {
        Watch(context);
        while (!bytes.IsEmpty)
        {
            var length = Math.Min(bytes.Length, front.Options.Limits.StalledClientBytes);
            var piece = bytes[..length];
            bytes = bytes[length..];
            ValueTask<FlushResult> write;
            if (bytes.IsEmpty && last is { } end)
            {
                context.Response.BodyWriter.Write(piece.Span);
                context.Response.BodyWriter.Write([end]);
                write = context.Response.BodyWriter.FlushAsync(context.RequestAborted);
            }
            else
            {
                write = context.Response.BodyWriter.WriteAsync(piece, context.RequestAborted);
            }

            if (!await EndAsync(context, front, write).ConfigureAwait(false))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Writes and sends one piece of a response that is watched already, in one chunk where it is chunked.</summary>
    /// <returns>False when the client is gone or was cut.</returns>
    public static ValueTask<bool> SendAsync(HttpContext context, McpFront front, ReadOnlyMemory<byte> piece) =>
        EndAsync(context, front, context.Response.BodyWriter.WriteAsync(piece, context.RequestAborted));

    /// <summary>Sends what was written.</summary>
    /// <returns>False when the client is gone or was cut.</returns>
    public static ValueTask<bool> FlushAsync(HttpContext context, McpFront front) => EndAsync(context, front, context.Response.BodyWriter.FlushAsync(context.RequestAborted));

    private static ValueTask<bool> EndAsync(HttpContext context, McpFront front, ValueTask<FlushResult> flush)
    {
        return flush.IsCompletedSuccessfully
            ? new ValueTask<bool>(!flush.Result.IsCompleted && !context.RequestAborted.IsCancellationRequested)
            : FlushSlowlyAsync(context, front, flush.AsTask());
    }

    private static async ValueTask<bool> FlushSlowlyAsync(HttpContext context, McpFront front, Task<FlushResult> flush)
    {
        var patience = front.Options.Limits.StalledClient;
        try
        {
            var result = await flush.WaitAsync(patience, front.TimeProvider).ConfigureAwait(false);
            return !result.IsCompleted && !context.RequestAborted.IsCancellationRequested;
        }
        catch (TimeoutException)
        {
            LogCut(front.Logger, context.Request.Path, patience);
            context.Abort();
            return false;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    [LoggerMessage(EventIds.ClientStalled, LogLevel.Information, "A client at {Path} did not read for {Patience}; its connection was cut.")]
    private static partial void LogCut(ILogger logger, string path, TimeSpan patience);
}
