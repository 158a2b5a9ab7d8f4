using Fairlead.Exchanges;
using Fairlead.Exchanges.Tasks;
using Fairlead.Routing;
using Fairlead.Sessions;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>What the fronts say themselves to <c>tasks/*</c> (protocol.md 8); whatever names a task is forwarded like a call.</summary>
internal static class TaskRequests
{
    /// <summary>Whether an endpoint offers a request about tasks to clients of a revision. What it does not offer is an unknown method there.</summary>
    public static bool AreOffered(McpFront front, NamedEndpoint? endpoint, McpMethod method, ProtocolVersion version)
    {
        var capabilities = front.OfferedAt(endpoint).Capabilities(version.IsModern()).Span;
        var root = new ByteRange(0, capabilities.Length);
        if (version.IsModern())
        {
            return TaskForms.DeclaresExtension(capabilities, root);
        }

        return version == ProtocolVersion.V20251125 && JsonMembers.TryFind(capabilities, root, "tasks"u8, out var tasks)
            && (method != McpMethod.TasksList || JsonMembers.TryFind(capabilities, tasks, "list"u8, out _));
    }

    /// <summary>Answers a modern client that asks for a task without having declared the extension (io.modelcontextprotocol/tasks, Capability Negotiation).</summary>
    public static Task RefuseUndeclaredAsync(HttpContext context, ReadOnlySpan<byte> id) => JsonRpcReply.ErrorAsync(
        context, StatusCodes.Status400BadRequest, -32021, "Declare the extension io.modelcontextprotocol/tasks in the request's clientCapabilities to use tasks.", id,
        "{\"requiredCapabilities\":{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}}"u8);

    /// <summary>Answers <c>tasks/list</c> of 2025-11-25.</summary>
    public static async Task ListAsync(McpFront front, LegacyReply reply, NamedEndpoint? endpoint, LegacySession session, ReadOnlyMemory<byte> body, Envelope envelope)
    {
        var request = OwnRequest.Now(envelope, front.TimeProvider);
        var cursor = body.Slice(envelope.Cursor.Start, envelope.Cursor.Length);
        var page = await new TaskListing(front.Tasks, front.Fleet).ReadAsync(endpoint, session.Caller, cursor, reply.Gone).ConfigureAwait(false);
        front.RecordOwn(request, body.Span, page is null ? -32602 : 0, reply, session);
        var id = envelope.Id.Of(body.Span);
        var writing = page is null ? reply.ErrorAsync(200, -32602, ListReply.CursorUnknown, id) : reply.ResultAsync(id, page);
        await writing.ConfigureAwait(false);
    }
}
