using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>Resource subscriptions of all clients towards the servers: one upstream subscription per URI however many want it, made again after a restart (protocol.md 10.29).</summary>
/// <remarks>Legacy servers get <c>resources/subscribe</c>; modern ones one <c>subscriptions/listen</c> with all URIs. Updates arrive through <see cref="Fleet.ResourceUpdated"/>.</remarks>
internal sealed class ResourceSubscriptions : IAsyncDisposable
{
    private static readonly TimeSpan s_answerTimeout = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<ServerCell, ServerSubscriptions> _servers = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Fleet _fleet;

    /// <summary>Announces updates of modern servers on <paramref name="fleet"/>.</summary>
    public ResourceSubscriptions(Fleet fleet) => _fleet = fleet;

    /// <summary>Adds one client's wish.</summary>
    /// <param name="resource">Which resource.</param>
    /// <param name="cancellationToken">The client went away.</param>
    /// <returns>Null when the server agreed; else why not, in words.</returns>
    public Task<string?> AddAsync(SubscribedResource resource, CancellationToken cancellationToken) =>
        _servers.GetOrAdd(resource.Server, static (key, self) => new ServerSubscriptions(key, self._fleet, self._stop.Token), this)
            .AddAsync(resource.UriToken, cancellationToken);

    /// <summary>Takes one client's wish back; the last one ends the upstream subscription.</summary>
    public Task RemoveAsync(SubscribedResource resource) =>
        _servers.TryGetValue(resource.Server, out var server) ? server.RemoveAsync(resource.UriToken) : Task.CompletedTask;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        foreach (var server in _servers.Values)
        {
            await server.DisposeAsync().ConfigureAwait(false);
        }

        _stop.Dispose();
    }

    /// <summary>The subscriptions at one server. Changes are made one at a time.</summary>
    private sealed class ServerSubscriptions(ServerCell cell, Fleet fleet, CancellationToken stop) : IAsyncDisposable
    {
        private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);
        private readonly SemaphoreSlim _gate = new(1);
        private UpstreamConnection? _appliedTo;
        private UpstreamCall? _listen;
        private Task _listening = Task.CompletedTask;
        private Task _watching = Task.CompletedTask;

        public async Task<string?> AddAsync(string uri, CancellationToken cancellationToken)
        {
            if (cell.Current.State == ServerState.Idle)
            {
                // Asleep, it could tell nothing: who wants to hear of it needs it as a caller does.
                await cell.WaitAsync(cancellationToken).ConfigureAwait(false);
            }

            await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                if (cell.Current.Shared is not { } connection)
                {
                    return $"the server is {cell.Current.State}";
                }

                if (_counts.TryGetValue(uri, out var count) && ReferenceEquals(_appliedTo, connection))
                {
                    _counts[uri] = count + 1;
                    return null;
                }

                _counts[uri] = count + 1;
                cell.SubscribedResources = _counts.Count;
                var refusal = connection.Identity.IsModern ? await ListenAsync(connection, uri).ConfigureAwait(false) : await SubscribeAsync(connection, uri).ConfigureAwait(false);
                if (refusal is not null)
                {
                    Forget(uri);
                    return refusal;
                }

                _appliedTo = connection;
                if (_watching.IsCompleted)
                {
                    _watching = WatchAsync();
                }

                return null;
            }
            finally
            {
                _gate.Release();
            }
        }

        public async Task RemoveAsync(string uri)
        {
            await _gate.WaitAsync(CancellationToken.None).ConfigureAwait(false);
            try
            {
                if (!Forget(uri) || cell.Current.Shared is not { } connection || !ReferenceEquals(connection, _appliedTo))
                {
                    return;
                }

                if (connection.Identity.IsModern)
                {
                    await ListenAsync(connection, wanted: null).ConfigureAwait(false);
                }
                else
                {
                    await ControlRequest.SendAsync(connection, McpMethod.ResourcesUnsubscribe, Member(uri), modern: false, s_answerTimeout, stop).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // Stopping: the server goes away with its subscriptions.
            }
            finally
            {
                _gate.Release();
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _watching.ConfigureAwait(false);
            if (_listen is { } listen)
            {
                listen.Connection!.Cancel(listen);
            }

            await _listening.ConfigureAwait(false);
            _gate.Dispose();
        }

        private static byte[] Member(string uri) => Encoding.UTF8.GetBytes("\"uri\":" + uri);

        private bool Forget(string uri)
        {
            if (!_counts.TryGetValue(uri, out var count))
            {
                return false;
            }

            if (count > 1)
            {
                _counts[uri] = count - 1;
                return false;
            }

            _counts.Remove(uri);
            cell.SubscribedResources = _counts.Count;
            return true;
        }

        private async Task<string?> SubscribeAsync(UpstreamConnection connection, string uri)
        {
            var answer = await ControlRequest.SendAsync(connection, McpMethod.ResourcesSubscribe, Member(uri), modern: false, s_answerTimeout, stop).ConfigureAwait(false);
            return answer.IsResult ? null : answer.Describe();
        }

        /// <summary>Opens a listen with the URIs of the moment, waits until it holds, then closes the one before it (2026-07-28 has no update call).</summary>
        /// <param name="connection">A modern one.</param>
        /// <param name="wanted">The URI that is new, as a raw string token; null when none is.</param>
        /// <returns>Why <paramref name="wanted"/> is not told of: what the acknowledgement leaves out, the server does not honour.</returns>
        private async Task<string?> ListenAsync(UpstreamConnection connection, string? wanted)
        {
            var before = _listen;
            if (_counts.Count == 0)
            {
                _listen = null;
                before?.Connection!.Cancel(before);
                return null;
            }

            var call = UpstreamCall.Create();
            call.HardDeadline = connection.Sweeper.Now + connection.Sweeper.Ticks(s_answerTimeout);
            if (!connection.TryOpen(call))
            {
                return "the connection is full";
            }

            var members = Encoding.UTF8.GetBytes("\"notifications\":{\"resourceSubscriptions\":[" + string.Join(',', _counts.Keys) + "]}");
            connection.Send(call, ControlRequest.Compose(call.UpstreamId, McpMethod.SubscriptionsListen, members, modern: true));
            var opened = new TaskCompletionSource<(bool IsOpen, string? Refusal)>(TaskCreationOptions.RunContinuationsAsynchronously);
            var listening = ReadAsync(call, wanted, opened);

            // Whoever is told that the subscription stands may change the resource at once: the update must not fall between the two listens.
            var (isOpen, refusal) = await opened.Task.ConfigureAwait(false);
            if (isOpen)
            {
                _listen = call;
                _listening = listening;
                before?.Connection!.Cancel(before);
            }

            return refusal;
        }

        private async Task ReadAsync(UpstreamCall call, string? wanted, TaskCompletionSource<(bool IsOpen, string? Refusal)> opened)
        {
            while (true)
            {
                await call.WaitAsync().ConfigureAwait(false);
                while (call.TryReadMessage(out var message))
                {
                    switch (message!.Envelope)
                    {
                        case { KnownMethod: McpMethod.NotificationsSubscriptionsAcknowledged }:
                            Volatile.Write(ref call.HardDeadline, long.MaxValue);
                            opened.TrySetResult((true, wanted is null || Honours(message, wanted) ? null : "it does not tell about this resource"));
                            break;
                        case { KnownMethod: McpMethod.NotificationsResourcesUpdated, Uri.Exists: true }:
                            fleet.AnnounceResource(cell, message.Envelope.Uri.Of(message.Bytes).ToArray());
                            break;
                        default:
                            break;
                    }
                }

                if (call.IsComplete)
                {
                    opened.TrySetResult((false, call.Error != ForwardError.None ? call.ErrorDetail ?? ForwardErrors.Tag(call.Error) : $"it answered listen with error {call.AnswerEnvelope.ErrorCode}"));
                    call.Release();
                    return;
                }
            }
        }

        /// <summary>Whether an acknowledgement names a URI (2026-07-28, server/utilities/subscriptions).</summary>
        private static bool Honours(CallMessage acknowledgement, string uriToken)
        {
            using var document = JsonDocument.Parse(acknowledgement.Bytes.AsMemory(acknowledgement.Envelope.Params.Start, acknowledgement.Envelope.Params.Length));
            var uri = JsonText.ToString(Encoding.UTF8.GetBytes(uriToken));
            return document.RootElement.TryGetProperty("notifications", out var honoured) && honoured.ValueKind == JsonValueKind.Object
                && honoured.TryGetProperty("resourceSubscriptions", out var uris) && uris.ValueKind == JsonValueKind.Array
                && uris.EnumerateArray().Any(honouredUri => honouredUri.ValueKind == JsonValueKind.String && honouredUri.ValueEquals(uri));
        }

        /// <summary>Makes the subscriptions again on each new connection of the server.</summary>
        private async Task WatchAsync()
        {
            try
            {
                while (true)
                {
                    var changed = cell.Changed;
                    if (cell.Current is { IsCallable: true, Shared: { } connection } && !ReferenceEquals(connection, _appliedTo))
                    {
                        await ApplyAllAsync(connection).ConfigureAwait(false);
                    }

                    await changed.WaitAsync(stop).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // The watch ends with the process.
            }
        }

        private async Task ApplyAllAsync(UpstreamConnection connection)
        {
            await _gate.WaitAsync(stop).ConfigureAwait(false);
            try
            {
                _appliedTo = connection;
                if (connection.Identity.IsModern)
                {
                    await ListenAsync(connection, wanted: null).ConfigureAwait(false);
                    return;
                }

                foreach (var uri in _counts.Keys.ToArray())
                {
                    await SubscribeAsync(connection, uri).ConfigureAwait(false);
                }
            }
            finally
            {
                _gate.Release();
            }
        }
    }
}
