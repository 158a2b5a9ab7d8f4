using System.Text.Json;
using System.Threading.Channels;
using Fairlead.AspNetCore.Mcp;
using Fairlead.Upstreams;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Fairlead.AspNetCore.Admin;

/// <summary>The answer to a tool call whose client takes an event stream: an event for each step of progress, then one with the result or the error.</summary>
/// <remarks>
/// The stream begins with the first step, as at the MCP endpoints (decision 7): a call that ends before it said anything is answered like any other, with its
/// own status. Each event is one JSON object with one member: <c>progress</c>, <c>result</c> or <c>error</c> (a problem, as elsewhere in the API).
/// </remarks>
internal sealed class ToolStream : IProgress<ToolProgress>
{
    // Steps that wait for a slow client; the oldest are dropped beyond.
    private const int StepsMax = 64;

    private readonly Channel<ToolProgress> _steps = Channel.CreateBounded<ToolProgress>(
        new BoundedChannelOptions(StepsMax) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    /// <summary>Whether the client takes an event stream. One that takes anything without naming it does not expect one.</summary>
    public static bool IsWanted(HttpRequest request) =>
        request.GetTypedHeaders().Accept.Any(static type => type.MediaType.Equals("text/event-stream", StringComparison.OrdinalIgnoreCase) && type.Quality is not 0);

    /// <inheritdoc/>
    public void Report(ToolProgress value) => _steps.Writer.TryWrite(value);

    /// <summary>Runs a call and answers with it.</summary>
    /// <param name="context">The request.</param>
    /// <param name="front">For the rules of streams.</param>
    /// <param name="call">Begins the call, which reports to what it is given.</param>
    /// <returns>The result, when nothing has been sent yet: it is for the caller to send. Null when the stream told it.</returns>
    /// <exception cref="McpException">The call failed before anything was sent.</exception>
    public async Task<ToolResult?> RunAsync(HttpContext context, McpFront front, Func<IProgress<ToolProgress>, ValueTask<ToolResult>> call)
    {
        var running = EndingStepsAsync(call);
        SseResponse? stream = null;
        try
        {
            await foreach (var step in _steps.Reader.ReadAllAsync(context.RequestAborted).ConfigureAwait(false))
            {
                stream ??= await SseResponse.StartAsync(context, front).ConfigureAwait(false);
                await stream.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(new { progress = step }, RestApi.Json)).ConfigureAwait(false);
            }
        }
        finally
        {
            // The caller takes the arguments back, which the call reads until its end.
            await ((Task)running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (stream is null)
        {
            return await running.ConfigureAwait(false);
        }

        await stream.WriteAsync(await LastAsync(running).ConfigureAwait(false)).ConfigureAwait(false);
        return null;
    }

    private static async Task<ReadOnlyMemory<byte>> LastAsync(Task<ToolResult> running)
    {
        try
        {
            var result = await running.ConfigureAwait(false);
            var frame = OutboundFrame.Rent(result.Raw.Length + 16);
            try
            {
                frame.Append("{\"result\":"u8);
                frame.AppendBlankingNewlines(result.Raw.Span);
                frame.Append("}"u8);
                return frame.Memory.ToArray();
            }
            finally
            {
                frame.Return();
            }
        }
        catch (McpException exception)
        {
            return JsonSerializer.SerializeToUtf8Bytes(new { error = Problems.Of(exception) }, RestApi.Json);
        }
    }

    private async Task<ToolResult> EndingStepsAsync(Func<IProgress<ToolProgress>, ValueTask<ToolResult>> call)
    {
        try
        {
            return await call(this).ConfigureAwait(false);
        }
        finally
        {
            _steps.Writer.Complete();
        }
    }
}
