using Fairlead.Exchanges;
using Fairlead.Sessions;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>Carries one forwarded call of a legacy session to its end: progress, log lines and questions on the way, then the answer.</summary>
/// <param name="session">Whose call.</param>
/// <param name="exchange">Sent already.</param>
/// <param name="reply">Where everything goes.</param>
internal sealed class LegacyCall(LegacySession session, Exchange exchange, LegacyReply reply)
{
    private List<long>? _asked;

    /// <summary>Runs until the call has ended.</summary>
    public async Task AnswerAsync()
    {
        using var registration = reply.IsLostWhenGone
            ? reply.Gone.UnsafeRegister(static state => CallFront.Cancel((Exchange)state!), exchange)
            : default;
        try
        {
            while (true)
            {
                await exchange.WaitAsync().ConfigureAwait(false);
                while (exchange.TryReadMessage(out var message))
                {
                    await PassOnAsync(message!).ConfigureAwait(false);
                }

                if (exchange.IsComplete)
                {
                    break;
                }

                if (exchange.TakeGrace())
                {
                    await reply.StartAsync().ConfigureAwait(false);
                }
            }

            await reply.AnswerAsync(exchange).ConfigureAwait(false);
        }
        finally
        {
            // The server's call is over: whatever the client has not answered will not be waited for.
            foreach (var id in _asked ?? [])
            {
                if (session.TryTakeQuestion(id, out var question))
                {
                    QuestionRouter.Decline(question!.AskedBy, question.UpstreamId, question.Method);
                }
            }

            reply.End();
        }
    }

    private ValueTask PassOnAsync(CallMessage message)
    {
        if (message.AskedBy is null)
        {
            return message.Envelope.KnownMethod != McpMethod.NotificationsMessage || LogLevels.AtLeast(message, session.LogLevel)
                ? reply.SendAsync(NotificationBytes(message))
                : default;
        }

        if (session.CanAnswer(message.Envelope.KnownMethod))
        {
            var (id, question) = session.Ask(message);
            (_asked ??= []).Add(id);
            return reply.SendAsync(question);
        }

        if (message.Envelope.KnownMethod == McpMethod.RootsList)
        {
            QuestionRouter.Decline(message.AskedBy, message.Envelope.Id.Of(message.Bytes), McpMethod.RootsList);
        }
        else
        {
            message.AskedBy.AnswerQuestion(
                message.Envelope.Id.Of(message.Bytes), "error"u8, "{\"code\":-32601,\"message\":\"The client did not declare the capability for this.\"}"u8);
        }

        return default;
    }

    private byte[] NotificationBytes(CallMessage message)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(message.Bytes.Length + 64);
        AnswerSplicer.WriteNotification(exchange, message, buffer);
        return buffer.WrittenSpan.ToArray();
    }
}
