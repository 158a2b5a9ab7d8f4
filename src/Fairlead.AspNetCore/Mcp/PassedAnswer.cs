using System.IO.Pipelines;
using Fairlead.Exchanges;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>Writes an answer to its client while it comes from the server (docs/adr/0006).</summary>
internal static class PassedAnswer
{
    /// <summary>Writes the whole answer, as JSON or as the last event of the stream, and closes it. The call ends afterwards.</summary>
    /// <param name="front">What all endpoints share.</param>
    /// <param name="context">The request.</param>
    /// <param name="stream">The response's event stream; null when none has begun.</param>
    /// <param name="exchange">The call.</param>
    /// <param name="answer">Its answer, which has begun.</param>
    /// <returns>Whether the client has it whole. If not, its connection was cut: an answer that broke off must not look like one that ended.</returns>
    public static async ValueTask<bool> WriteAsync(McpFront front, HttpContext context, SseResponse? stream, Exchange exchange, AnswerStream answer)
    {
        var (error, detail) = (ForwardError.ClientCancelled, (string?)null);
        try
        {
            if (stream is null)
            {
                context.Response.StatusCode = StatusCodes.Status200OK;
                context.Response.ContentType = "application/json";
                StalledClient.Watch(context);
            }
            else
            {
                stream.BeginMessage();
            }

            if (await CopyAsync(front, context, exchange, answer.Reader).ConfigureAwait(false) is { } end)
            {
                (error, detail) = end;
            }

            return error == ForwardError.None && (stream is null || await stream.EndMessageAsync().ConfigureAwait(false));
        }
        catch (IOException exception)
        {
            // The server's side says what became of the call: it was cut, cancelled, or has run out of time.
            (error, detail) = (ForwardError.ServerLost, exception.Message);
            return false;
        }
        catch (OperationCanceledException)
        {
            // The client has gone while it was written to.
            return false;
        }
        finally
        {
            if (error == ForwardError.ClientCancelled)
            {
                CallFront.Cancel(exchange);
            }

            // First: the end of the client's connection cancels a call that has not ended by then with its true cause.
            answer.Close(error, detail);
            if (error != ForwardError.None)
            {
                context.Abort();
            }
        }
    }

    /// <summary>Copies until the answer is over.</summary>
    /// <returns>What the answer was; null when the client has gone.</returns>
    private static async ValueTask<(ForwardError Error, string? Detail)?> CopyAsync(McpFront front, HttpContext context, Exchange exchange, PipeReader reader)
    {
        // Written into the response itself, a chunked answer would go out in chunks of 4 KiB: measured, a third slower than in pieces of this size.
        var frame = OutboundFrame.Rent(2 * AnswerStream.PartBytes);
        try
        {
            var passing = PassingAnswers.Begin(exchange);
            while (true)
            {
                var read = await reader.ReadAsync().ConfigureAwait(false);
                for (var rest = read.Buffer; !rest.IsEmpty && passing.Fault == LongAnswerFault.None;)
                {
                    var part = rest.First[..Math.Min(rest.First.Length, AnswerStream.PartBytes)];
                    rest = rest.Slice(part.Length);
                    passing.Take(part.Span, frame);
                    if ((frame.Memory.Length >= AnswerStream.PartBytes || rest.IsEmpty) && !await SendAsync(front, context, frame).ConfigureAwait(false))
                    {
                        return null;
                    }
                }

                reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted || passing.Fault != LongAnswerFault.None)
                {
                    passing.End();
                    return PassingAnswers.ErrorOf(passing.Fault);
                }
            }
        }
        finally
        {
            frame.Return();
        }
    }

    private static async ValueTask<bool> SendAsync(McpFront front, HttpContext context, OutboundFrame frame)
    {
        var isThere = await StalledClient.SendAsync(context, front, frame.Memory).ConfigureAwait(false);
        frame.Clear();
        return isThere;
    }
}
