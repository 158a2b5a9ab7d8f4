using System.Buffers;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges.Tasks;

/// <summary><c>tasks/list</c> of 2025-11-25 over the servers of an endpoint: asked one after the other in the order of the configuration, each page by page.</summary>
/// <remarks>A server that is away, fails, or cannot list is left out: one of them must not take the tasks of the others with it (protocol.md 6.1).</remarks>
/// <param name="tasks">Signs ids and cursors.</param>
/// <param name="fleet">The servers.</param>
internal sealed class TaskListing(ClientTasks tasks, Fleet fleet)
{
    // A page of the client ends with the server's page that fills it.
    private const int TasksPerPage = 200;

    // Bounds the requests for one page of the client, should a server have pages without end and nothing in them.
    private const int RequestsMax = 100;

    private static readonly TimeSpan s_answerTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Reads one page.</summary>
    /// <param name="endpoint">Where the request came in; null = the aggregate.</param>
    /// <param name="caller">Whose tasks: its own instances are asked where it has them.</param>
    /// <param name="cursorToken">The client's raw cursor; empty or <c>null</c> = from the beginning.</param>
    /// <param name="cancellationToken">The client is gone.</param>
    /// <returns>The raw result, or null when the cursor is not one of ours.</returns>
    public async Task<byte[]?> ReadAsync(NamedEndpoint? endpoint, Caller caller, ReadOnlyMemory<byte> cursorToken, CancellationToken cancellationToken)
    {
        ServerCell[] servers = [.. fleet.Current.InOrder.Where(cell => endpoint?.Serves(cell) != false)];
        var at = 0;
        byte[] ownCursor = [];
        if (!cursorToken.IsEmpty && !cursorToken.Span.SequenceEqual("null"u8))
        {
            if (!tasks.Ids.TryReadCursor(ClientTasks.Principal, cursorToken.Span, out var server, out ownCursor))
            {
                return null;
            }

            // A server that has left the fleet meanwhile: its tasks are gone with it, and so is the place to go on.
            at = Array.FindIndex(servers, cell => cell.Name == server);
            if (at < 0)
            {
                return null;
            }
        }

        var body = new ArrayBufferWriter<byte>(256);
        body.Write("{\"tasks\":["u8);
        var count = 0;
        for (var requests = 0; at < servers.Length && count < TasksPerPage && requests < RequestsMax; requests++)
        {
            (var read, ownCursor) = await ReadPageAsync(servers[at], caller, ownCursor, body, count, cancellationToken).ConfigureAwait(false);
            count += read;
            at += ownCursor.Length == 0 ? 1 : 0;
        }

        body.Write("]"u8);
        if (at < servers.Length)
        {
            body.Write(",\"nextCursor\":"u8);
            body.Write(tasks.Ids.ToCursor(ClientTasks.Principal, servers[at].Name, ownCursor));
        }

        body.Write("}"u8);
        return body.WrittenSpan.ToArray();
    }

    /// <summary>Whether a server lists its tasks.</summary>
    public static bool CanList(UpstreamIdentity identity)
    {
        var raw = identity.Capabilities;
        return identity.Tasks == TaskForm.Core && JsonMembers.TryFind(raw, new ByteRange(0, raw.Length), "tasks"u8, out var declared) && JsonMembers.TryFind(raw, declared, "list"u8, out _);
    }

    private async Task<(int Count, byte[] Next)> ReadPageAsync(
        ServerCell cell, Caller caller, byte[] ownCursor, ArrayBufferWriter<byte> body, int before, CancellationToken cancellationToken)
    {
        if (cell.Current is not { IsCallable: true, Shared: { } shared } || !CanList(shared.Identity))
        {
            return (0, []);
        }

        ControlAnswer answer;
        try
        {
            var connection = (cell.InstanceFor is { } instanceFor ? await instanceFor(caller, cancellationToken).ConfigureAwait(false) : null) ?? shared;
            byte[] members = ownCursor.Length == 0 ? [] : [.. "\"cursor\":"u8, .. ownCursor];
            answer = await ControlRequest.SendAsync(connection, McpMethod.TasksList, members, modern: false, s_answerTimeout, cancellationToken).ConfigureAwait(false);
        }
        catch (ConnectionFailed)
        {
            // The caller's own instance could not be started: as good as a server that is away.
            return (0, []);
        }

        return answer.IsResult ? Append(cell.Name, answer.Result.Span, body, before) : (0, []);
    }

    private (int Count, byte[] Next) Append(string server, ReadOnlySpan<byte> result, ArrayBufferWriter<byte> body, int before)
    {
        var root = new ByteRange(0, result.Length);
        var count = 0;
        if (JsonMembers.TryFind(result, root, "tasks"u8, out var list))
        {
            foreach (var task in new JsonElements(result, list))
            {
                if (JsonMembers.TryFind(result, task, "taskId"u8, out var id))
                {
                    body.Write(before + count++ == 0 ? default : ","u8);
                    body.Write(Relabelled(server, result, task, id));
                }
            }
        }

        return (count, JsonMembers.TryFind(result, root, "nextCursor"u8, out var next) && JsonText.IsString(next.Of(result)) ? next.Of(result).ToArray() : []);
    }

    private byte[] Relabelled(string server, ReadOnlySpan<byte> result, ByteRange task, ByteRange id)
    {
        byte[] relabelled = [.. result[task.Start..id.Start], .. tasks.IdForClient(server, id.Of(result)), .. result[id.End..task.End]];
        relabelled.AsSpan().Replace((byte)'\n', (byte)' ');
        relabelled.AsSpan().Replace((byte)'\r', (byte)' ');
        return relabelled;
    }
}
