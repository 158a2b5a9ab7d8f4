using System.Text;
using Fairlead.Configuration;
using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <content>What comes from the server: answers, notifications and requests, each to whom it concerns.</content>
internal abstract partial class UpstreamConnection
{
    /// <summary>Hands one message from the server to whom it concerns. Never waits for a consumer.</summary>
    /// <param name="message">The whole JSON text; copied when kept.</param>
    /// <param name="envelope">Its scan.</param>
    /// <param name="streamOf">The call whose own stream carried the message; null on multiplexed connections.</param>
    protected void Receive(ReadOnlySpan<byte> message, in Envelope envelope, UpstreamCall? streamOf)
    {
        if (Faults is { IsCutOff: true } faults)
        {
            faults.NoteLost(this, message, envelope);
            return;
        }

        switch (envelope.Kind)
        {
            case MessageKind.Result or MessageKind.Error:
                ReceiveAnswer(message, envelope);
                break;
            case MessageKind.Request:
                QuestionRouter.Receive(this, message, envelope, streamOf);
                break;
            case MessageKind.Notification:
                ReceiveNotification(message, envelope, streamOf);
                break;
            default:
                break;
        }
    }

    /// <summary>Fails the call that an unusable answer names, so that its client does not wait for the deadline.</summary>
    protected void RefuseAnswer(ReadOnlySpan<byte> idToken, ForwardError error, string detail)
    {
        if (Faults is not { IsCutOff: true } && RequestIds.TryParse(idToken, out var id) && Pending.TryTake(id, error, out var call))
        {
            call.Fail(error, detail);
        }
    }

    private void ReceiveAnswer(ReadOnlySpan<byte> message, in Envelope envelope)
    {
        NoteLife();
        if (RequestIds.TryParse(envelope.Id.Of(message), out var id) && Pending.TryTake(id, ForwardError.None, out var call))
        {
            _abandoned.ForgetBefore(call.OpenedAt);

            call.Complete(message, envelope);
            return;
        }

        _abandoned.NoteLateAnswer();
        if (_abandoned.TakeTaskMaker(id))
        {
            ServerTasks.CancelCreated(message, envelope);
        }
    }

    private void ReceiveNotification(ReadOnlySpan<byte> message, in Envelope envelope, UpstreamCall? streamOf)
    {
        if (envelope.KnownMethod == McpMethod.NotificationsProgress)
        {
            ReceiveProgress(message, envelope);
            return;
        }

        if (envelope.KnownMethod == McpMethod.NotificationsCancelled && envelope.RequestId.Exists)
        {
            // A modern server ends a listen by it on stdio, where the id is ours (2026-07-28, basic/utilities/cancellation).
            if (_identity is { IsModern: true })
            {
                RefuseAnswer(envelope.RequestId.Of(message), ForwardError.AnswerInvalid, "it cancelled the request itself");
            }
            else
            {
                Questions.Withdraw(envelope.RequestId.Of(message));
            }

            return;
        }

        var copy = new CallMessage(message.ToArray(), envelope);

        // 2026-07-28: what belongs to a listen carries its id and goes to that call.
        if (envelope.SubscriptionId.Exists && RequestIds.TryParse(envelope.SubscriptionId.Of(message), out var subscription))
        {
            TryDeliver(subscription, copy, owner: null);
            return;
        }

        if (envelope.KnownMethod == McpMethod.NotificationsMessage)
        {
            if (streamOf is not null ? TryDeliver(streamOf.UpstreamId, copy, streamOf.Owner) : QuestionRouter.TryAskOnlyOwner(this, copy, out _))
            {
                return;
            }
        }

        NotificationReceived?.Invoke(this, copy);
    }

    private void ReceiveProgress(ReadOnlySpan<byte> message, in Envelope envelope)
    {
        if (!RequestIds.TryParse(envelope.ProgressToken.Of(message), out var id))
        {
            return;
        }

        if (!Pending.TryBeginDelivery(id, out var call))
        {
            ServerTasks.ReceiveProgress(id, message, envelope);
            return;
        }

        NoteLife();

        // Progress moves the idle deadline, never the hard one (decision 17).
        call.MoveIdleDeadline(_sweep.Now);
        if (call.WantsProgress)
        {
            call.Deliver(new CallMessage(message.ToArray(), envelope));
        }

        EndDelivery(call);
    }
}
