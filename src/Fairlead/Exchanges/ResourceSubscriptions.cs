using System.Collections.Concurrent;
using System.Text;
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
                var refusal = connection.Identity.IsModern ? Listen(connection) : await SubscribeAsync(connection, uri).ConfigureAwait(false);
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
                    Listen(connection);
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
            return true;
        }

        private async Task<string?> SubscribeAsync(UpstreamConnection connection, string uri)
        {
            var answer = await ControlRequest.SendAsync(connection, McpMethod.ResourcesSubscribe, Member(uri), modern: false, s_answerTimeout, stop).ConfigureAwait(false);
            return answer.IsResult ? null : answer.Describe();
        }

        /// <summary>Opens a listen with the URIs of the moment, then closes the one before it (2026-07-28 has no update call).</summary>
        private string? Listen(UpstreamConnection connection)
        {
            var before = _listen;
            _listen = null;
            if (_counts.Count > 0)
            {
                var call = UpstreamCall.Create();
                if (!connection.TryOpen(call))
                {
                    return "the connection is full";
                }

                var members = Encoding.UTF8.GetBytes("\"notifications\":{\"resourceSubscriptions\":[" + string.Join(',', _counts.Keys) + "]}");
                connection.Send(call, ControlRequest.Compose(call.UpstreamId, McpMethod.SubscriptionsListen, members, modern: true));
                _listen = call;
                _listening = ReadAsync(call);
            }

            before?.Connection!.Cancel(before);
            return null;
        }

        private async Task ReadAsync(UpstreamCall call)
        {
            while (true)
            {
                await call.WaitAsync().ConfigureAwait(false);
                while (call.TryReadMessage(out var message))
                {
                    if (message!.Envelope is { KnownMethod: McpMethod.NotificationsResourcesUpdated, Uri.Exists: true })
                    {
                        fleet.AnnounceResource(cell, message.Envelope.Uri.Of(message.Bytes).ToArray());
                    }
                }

                if (call.IsComplete)
                {
                    call.Release();
                    return;
                }
            }
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
                    Listen(connection);
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
