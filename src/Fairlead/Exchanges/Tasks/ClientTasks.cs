using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Fairlead.Routing;
using Fairlead.Sessions;
using Fairlead.State;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges.Tasks;

/// <summary>The tasks of all clients: their ids, the way from an id to its server, and which session is told how a task of 2025-11-25 fares.</summary>
/// <remarks>
/// Ids need no memory (<see cref="TaskIds"/>). What is remembered is only who wants <c>notifications/tasks/status</c>, which servers may send or not: the session that created
/// the task, or after a restart the first that asks for it; forgotten at the end of the task, of the session or of the process, and beyond 10 000 tasks nobody is added. Any thread.
/// </remarks>
internal sealed class ClientTasks : IDisposable
{
    private const int WatchedMax = 10_000;

    // By connection too: instances of one server may give their tasks the same ids, and none may tell another's owner.
    private readonly ConcurrentDictionary<(ServerCell Server, long Connection, string OwnId), WeakReference<LegacySession>> _watched = new();
    private readonly Fleet _fleet;

    /// <summary>Listens to <paramref name="fleet"/> until disposed.</summary>
    /// <param name="fleet">The servers.</param>
    /// <param name="files">The state folder, for the key of ids; null = ids end with this process.</param>
    public ClientTasks(Fleet fleet, StateFiles? files)
    {
        _fleet = fleet;
        Ids = new TaskIds(files);
        fleet.TaskChanged += StatusChanged;
    }

    /// <summary>Signs and reads ids.</summary>
    public TaskIds Ids { get; }

    /// <summary>Digest of the principal whose tasks they are: everybody's, while there is no authentication.</summary>
    public static ReadOnlySpan<byte> Principal => SessionTickets.LocalPrincipal;

    /// <summary>Finds the server of a <c>tasks/*</c> request and fills the exchange's cell and upstream name.</summary>
    /// <param name="exchange">Its request, envelope and revision are set.</param>
    /// <param name="endpoint">Where the request came in; null = the aggregate.</param>
    public IntakeFault Route(Exchange exchange, NamedEndpoint? endpoint)
    {
        var source = exchange.Request.Span;
        var place = RequestSplicer.NamePlace(source, exchange.RequestEnvelope);
        if (!place.Exists)
        {
            return IntakeFault.NameMissing;
        }

        var form = exchange.ClientVersion.IsModern() ? TaskForm.Extension : TaskForm.Core;
        if (!TryFind(place.Of(source), form, endpoint, out var cell, out var own))
        {
            return IntakeFault.Unknown;
        }

        exchange.Cell = cell;
        exchange.UpstreamName = own;

        // What a task gives may name resources that clients of this endpoint know by wrapped URIs.
        if ((endpoint?.Offered ?? _fleet.Aggregate).ResourceRoutes.Servers.TryGet(cell.NameUtf8, out var route) && route.Wrapped is not null)
        {
            exchange.Route = route;
        }

        return IntakeFault.None;
    }

    /// <summary>Finds the server of a task, and its own id, a raw token.</summary>
    /// <param name="token">The client's id, a raw token.</param>
    /// <param name="form">The form of tasks that the client speaks. A task of the other form is unknown to it.</param>
    /// <param name="endpoint">Where the client asks; null = the aggregate. A task of a server that is not reached there is unknown.</param>
    /// <param name="cell">The server; it need not run now.</param>
    /// <param name="own">Its own id.</param>
    public bool TryFind(ReadOnlySpan<byte> token, TaskForm form, NamedEndpoint? endpoint, [NotNullWhen(true)] out ServerCell? cell, [NotNullWhen(true)] out byte[]? own)
    {
        cell = null;

        // A server that was never connected in this life has no identity yet: the call waits for it, and it will judge itself.
        return Ids.TryToServer(Principal, token, out var server, out own) && _fleet.TryGet(server, out cell) && endpoint?.Serves(cell) != false
            && (cell.Current.Catalog.Identity is not { } identity || identity.Tasks == form);
    }

    /// <summary>The client's id of a task, as a raw token; the server's own when it is no string.</summary>
    public byte[] IdForClient(string server, ReadOnlySpan<byte> ownToken) => JsonText.IsString(ownToken) ? Ids.ToClient(Principal, server, ownToken) : ownToken.ToArray();

    /// <summary>Lets a session be told of a task. Nothing happens for calls of other owners.</summary>
    /// <param name="server">The server.</param>
    /// <param name="connection">The instance whose task it is.</param>
    /// <param name="ownToken">Its own id of the task, a raw token.</param>
    /// <param name="owner">The owner of a call that concerns the task.</param>
    /// <param name="isCreator">Whether it created the task. Any other one is told only while nobody is: after a restart nothing says who the creator was.</param>
    public void Watch(ServerCell server, UpstreamConnection connection, ReadOnlySpan<byte> ownToken, object? owner, bool isCreator)
    {
        if (owner is not LegacySession session || JsonText.ToString(ownToken) is not { } own
            || (!isCreator && _watched.TryGetValue((server, connection.Number, own), out var watcher) && watcher.TryGetTarget(out _)))
        {
            return;
        }

        if (_watched.Count < WatchedMax || HasRoomAfterSweep())
        {
            _watched[(server, connection.Number, own)] = new WeakReference<LegacySession>(session);
        }
    }

    /// <summary>An answer of a client to a question about a task, with the server's own id in it.</summary>
    /// <param name="question">What was asked.</param>
    /// <param name="payload">The raw result or error.</param>
    public ReadOnlySpan<byte> AnswerForServer(OpenQuestion question, ReadOnlySpan<byte> payload)
    {
        if (question is not UpstreamQuestion { AskedBy: { Tasks: TaskForm.Core } askedBy })
        {
            return payload;
        }

        var root = new ByteRange(0, payload.Length);
        return JsonMembers.TryFind(payload, root, "_meta"u8, out var meta) && RelatedTask.TryFindId(payload, meta, out var id)
            && Ids.TryToServer(Principal, id.Of(payload), out var server, out var own) && server == askedBy.Server
            ? TaskEdits.Replaced(payload, id, own) : payload;
    }

    /// <inheritdoc/>
    public void Dispose() => _fleet.TaskChanged -= StatusChanged;

    private void StatusChanged(ServerCell server, UpstreamConnection connection, CallMessage message)
    {
        var bytes = message.Bytes;
        if (!JsonMembers.TryFind(bytes, message.Envelope.Params, "taskId"u8, out var id) || JsonText.ToString(id.Of(bytes)) is not { } own
            || !_watched.TryGetValue((server, connection.Number, own), out var watcher))
        {
            return;
        }

        if (JsonMembers.TryFind(bytes, message.Envelope.Params, "status"u8, out var status) && IsTerminal(status.Of(bytes)))
        {
            _watched.TryRemove((server, connection.Number, own), out _);
        }

        if (watcher.TryGetTarget(out var session))
        {
            var localized = TaskEdits.Localized(this, server.Name, message);
            JsonMembers.TryFind(localized.Bytes, localized.Envelope.Params, "taskId"u8, out id);
            session.Log.Standalone.Append(TaskEdits.Replaced(localized.Bytes, id, IdForClient(server.Name, id.Of(localized.Bytes))));
        }
    }

    private static bool IsTerminal(ReadOnlySpan<byte> status) =>
        JsonText.Equals(status, "completed"u8) || JsonText.Equals(status, "failed"u8) || JsonText.Equals(status, "cancelled"u8);

    private bool HasRoomAfterSweep()
    {
        foreach (var (task, watcher) in _watched)
        {
            if (!watcher.TryGetTarget(out _))
            {
                _watched.TryRemove(task, out _);
            }
        }

        return _watched.Count < WatchedMax;
    }
}
