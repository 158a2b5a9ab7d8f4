using Fairlead.Diagnostics;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.Extensions.Logging;

namespace Fairlead.Servers;

/// <summary>Fairlead's own <c>subscriptions/listen</c> on a modern server, for the changes of its lists (MCP 2026-07-28, server/utilities/subscriptions).</summary>
/// <remarks>Servers that refuse it, or grant nothing, are fine: their lists are then read again from time to time (protocol.md 3: treat as "poll with ttl").</remarks>
internal static partial class ModernListen
{
    private static readonly TimeSpan s_reopenDelay = TimeSpan.FromSeconds(5);

    /// <summary>Listens until cancelled, refused, or the connection is lost; an open listen that ends is opened again after a while.</summary>
    /// <param name="connection">A modern connection.</param>
    /// <param name="notified">Told of each notification, on this loop.</param>
    /// <param name="otherwise">Runs from when the server turns out not to tell of changes, until cancelled.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where a refusal is told.</param>
    /// <param name="cancellationToken">Ends the listen; the server is told.</param>
    public static async Task RunAsync(
        UpstreamConnection connection, Action<UpstreamConnection, CallMessage> notified, Func<CancellationToken, Task> otherwise, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        var filter = FilterOf(connection.Identity.Capabilities);
        try
        {
            while (filter.Length != 0 && await ListenOnceAsync(connection, filter, notified, logger, cancellationToken).ConfigureAwait(false))
            {
                // Lists may have changed while nobody listened, but a server that ends listens all the time must not be asked all the time.
                await Task.Delay(s_reopenDelay, time, cancellationToken).ConfigureAwait(false);
            }

            if (!connection.Lost.IsCompleted)
            {
                await otherwise(cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The instance is being retired.
        }
    }

    /// <summary>The members of <c>params</c> for the kinds of lists whose changes the server declares; empty when it declares none.</summary>
    internal static byte[] FilterOf(ReadOnlySpan<byte> capabilities)
    {
        var kinds = new List<byte>();
        Add(capabilities, "tools"u8, "toolsListChanged"u8, kinds);
        Add(capabilities, "prompts"u8, "promptsListChanged"u8, kinds);
        Add(capabilities, "resources"u8, "resourcesListChanged"u8, kinds);
        return kinds.Count == 0 ? [] : [.. "\"notifications\":{"u8, .. kinds, (byte)'}'];
    }

    private static void Add(ReadOnlySpan<byte> capabilities, ReadOnlySpan<byte> capability, ReadOnlySpan<byte> kind, List<byte> kinds)
    {
        if (JsonMembers.TryFind(capabilities, new ByteRange(0, capabilities.Length), capability, out var value)
            && JsonMembers.TryFind(capabilities, value, "listChanged"u8, out var changes) && changes.Of(capabilities).SequenceEqual("true"u8))
        {
            kinds.AddRange(kinds.Count == 0 ? "\""u8 : ",\""u8);
            kinds.AddRange(kind);
            kinds.AddRange("\":true"u8);
        }
    }

    /// <summary>Whether an acknowledgement grants any kind; the C# SDK without sessions acknowledges an empty filter and ends at once.</summary>
    private static bool GrantsAnything(CallMessage acknowledgement)
    {
        if (JsonMembers.TryFind(acknowledgement.Bytes, acknowledgement.Envelope.Params, "notifications"u8, out var granted) && acknowledgement.Bytes[granted.Start] == (byte)'{')
        {
            foreach (var kind in new JsonMembers(acknowledgement.Bytes, granted))
            {
                if (kind.Value.Of(acknowledgement.Bytes).SequenceEqual("true"u8))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <returns>Whether it is worth opening again: something was granted and the connection lives.</returns>
    private static async Task<bool> ListenOnceAsync(
        UpstreamConnection connection, byte[] filter, Action<UpstreamConnection, CallMessage> notified, ILogger logger, CancellationToken cancellationToken)
    {
        var call = UpstreamCall.Create();
        call.CarriesMessages = true;
        call.IsListening = true;
        if (!connection.TryOpen(call))
        {
            return false;
        }

        connection.Send(call, ControlRequest.Compose(call.UpstreamId, McpMethod.SubscriptionsListen, filter, modern: true));
        using var registration = cancellationToken.UnsafeRegister(static state => ((UpstreamCall)state!).Connection!.Cancel((UpstreamCall)state!), call);
        var acknowledged = false;
        var complete = false;
        while (!complete)
        {
            await call.WaitAsync().ConfigureAwait(false);
            complete = call.IsComplete;
            while (call.TryReadMessage(out var message))
            {
                acknowledged |= message!.Envelope.KnownMethod == McpMethod.NotificationsSubscriptionsAcknowledged && GrantsAnything(message);
                notified(connection, message);
            }
        }

        if (!acknowledged && !cancellationToken.IsCancellationRequested)
        {
            var reason = call.Error != ForwardError.None ? call.ErrorDetail ?? ForwardErrors.Tag(call.Error)
                : call.AnswerEnvelope.Kind == MessageKind.Error ? $"error {call.AnswerEnvelope.ErrorCode}" : "it granted nothing";
            LogRefused(logger, connection.Server, reason);
        }

        call.Release();
        return acknowledged && !connection.Lost.IsCompleted && !cancellationToken.IsCancellationRequested;
    }

    [LoggerMessage(EventIds.ServerListenRefused, LogLevel.Debug, "Server {Server} refused to be listened to ({Reason}); its lists are read again from time to time.")]
    private static partial void LogRefused(ILogger logger, string server, string reason);
}
