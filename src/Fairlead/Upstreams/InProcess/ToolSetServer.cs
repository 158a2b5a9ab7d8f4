using System.Collections.Concurrent;
using System.Diagnostics;
using Fairlead.Telemetry;
using Fairlead.Wire;

namespace Fairlead.Upstreams.InProcess;

/// <summary>A set of tools as an ordinary MCP server (2025-11-25), so that every front can list and call them like those of any other server.</summary>
/// <remarks>Holds no state of its own between connections: it may be run any number of times. Calls of one connection run concurrently.</remarks>
internal sealed class ToolSetServer(ToolSet tools, string title, int messageBytesMax) : IMcpServer
{
    private static ReadOnlySpan<byte> MethodNotFound => "{\"code\":-32601,\"message\":\"Method not found.\"}"u8;

    private static ReadOnlySpan<byte> InvalidRequest => "{\"code\":-32600,\"message\":\"Not a JSON-RPC request.\"}"u8;

    private static ReadOnlySpan<byte> UnknownTool => "{\"code\":-32602,\"message\":\"Unknown tool; tools/list names those that exist.\"}"u8;

    /// <summary>The tools.</summary>
    public ToolSet Tools => tools;

    /// <inheritdoc/>
    public async Task RunAsync(Stream input, Stream output, CancellationToken cancellationToken)
    {
        using var reader = new LineReader(input, messageBytesMax);
        using var writer = new FrameWriter(output, static _ => { });
        var calls = new ConcurrentDictionary<string, CancellationTokenSource>(StringComparer.Ordinal);
        try
        {
            while (reader.Filled(await reader.ReadMoreAsync(cancellationToken).ConfigureAwait(false)))
            {
                while (reader.TryRead(out var kind, out var line))
                {
                    if (kind == LineKind.Message)
                    {
                        Receive(line, writer, calls, cancellationToken);
                    }
                }
            }
        }
        finally
        {
            foreach (var call in calls.Values)
            {
                await call.CancelAsync().ConfigureAwait(false);
            }
        }
    }

    private void Receive(ReadOnlySpan<byte> line, FrameWriter writer, ConcurrentDictionary<string, CancellationTokenSource> calls, CancellationToken cancellationToken)
    {
        if (EnvelopeScanner.Scan(line, ScanLimits.Default, out var envelope) != ScanError.None)
        {
            if (envelope.Id.Length != 0)
            {
                Answer(writer, envelope.Id.Of(line), "error"u8, InvalidRequest);
            }

            return;
        }

        if (envelope.KnownMethod == McpMethod.NotificationsCancelled && calls.TryGetValue(KeyOf(envelope.RequestId.Of(line)), out var cancelled))
        {
            _ = cancelled.CancelAsync();
        }

        if (envelope.Kind != MessageKind.Request)
        {
            return;
        }

        var id = envelope.Id.Of(line);
        switch (envelope.KnownMethod)
        {
            case McpMethod.Initialize:
                Answer(writer, id, "result"u8, ComposeInitialize());
                break;
            case McpMethod.Ping:
                Answer(writer, id, "result"u8, "{}"u8);
                break;
            case McpMethod.ToolsList:
                Answer(writer, id, "result"u8, ComposeList());
                break;
            case McpMethod.ToolsCall:
                Call(line, envelope, writer, calls, cancellationToken);
                break;
            default:
                Answer(writer, id, "error"u8, MethodNotFound);
                break;
        }
    }

    private void Call(
        ReadOnlySpan<byte> line, in Envelope envelope, FrameWriter writer, ConcurrentDictionary<string, CancellationTokenSource> calls, CancellationToken cancellationToken)
    {
        var id = envelope.Id.Of(line).ToArray();
        var tool = JsonText.ToString(envelope.Name.Of(line)) is { } name ? tools.Find(name) : null;
        if (tool is null)
        {
            Answer(writer, id, "error"u8, UnknownTool);
            return;
        }

        var arguments = envelope.Arguments.Of(line).ToArray();
        var cancel = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        calls[KeyOf(id)] = cancel;
        var span = Tracing.IsOn ? Tracing.BeginTool(line, envelope.Meta, tool.Name) : null;

        // Not awaited here: a slow tool must not hold the reader. It reports by its answer, and the cancellation above ends it with the connection.
        _ = Task.Run(() => RunAsync(tool, arguments, id, writer, calls, cancel, span), CancellationToken.None);
    }

    private async Task RunAsync(
        ITool tool, byte[] arguments, byte[] id, FrameWriter writer, ConcurrentDictionary<string, CancellationTokenSource> calls, CancellationTokenSource cancel, Activity? span)
    {
        if (span is not null)
        {
            // What the tool does is a child of it.
            Activity.Current = span;
        }

        var output = await InvokeGuardedAsync(tool, arguments, tools.LocalContext, cancel.Token).ConfigureAwait(false);
        calls.TryRemove(KeyOf(id), out _);
        if (span is not null)
        {
            if (output.IsError)
            {
                Tracing.Fail(span, Tracing.ToolError);
            }

            Tracing.End(span);
        }

        // After a cancellation nobody waits for an answer (MCP 2025-11-25, basic/utilities/cancellation).
        if (!cancel.IsCancellationRequested)
        {
            Answer(writer, id, "result"u8, output.ResultUtf8.Span);
        }

        cancel.Dispose();
    }

    /// <summary>Runs a tool so that whatever it throws becomes a result with <c>isError</c>.</summary>
    internal static async ValueTask<ToolOutput> InvokeGuardedAsync(ITool tool, ReadOnlyMemory<byte> arguments, ToolCallContext context, CancellationToken cancellationToken)
    {
        try
        {
            return await tool.InvokeAsync(arguments, context, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // The edge to code that is not ours.
            return Failure(tool, exception);
        }
    }

    /// <summary>The result that stands for an exception of a tool.</summary>
    internal static ToolOutput Failure(ITool tool, Exception exception) => ToolOutput.Error($"The tool '{tool.Name}' failed: {exception.Message}");

    private static string KeyOf(ReadOnlySpan<byte> idToken) => System.Text.Encoding.UTF8.GetString(idToken);

    private static void Answer(FrameWriter writer, ReadOnlySpan<byte> id, ReadOnlySpan<byte> member, ReadOnlySpan<byte> value)
    {
        var frame = OutboundFrame.Rent(32 + id.Length + value.Length);
        frame.Append("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        frame.Append(id);
        frame.Append(",\""u8);
        frame.Append(member);
        frame.Append("\":"u8);
        frame.AppendBlankingNewlines(value);
        frame.Append("}"u8);
        writer.Add(frame);
    }

    private byte[] ComposeInitialize() =>
    [
        .. "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":"u8, .. JsonText.Quote(title), .. ",\"version\":\"1\"}}"u8,
    ];

    private byte[] ComposeList()
    {
        var list = new List<byte>(256);
        list.AddRange("{\"tools\":["u8);
        for (var i = 0; i < tools.InOrder.Count; i++)
        {
            if (i != 0)
            {
                list.Add((byte)',');
            }

            list.AddRange(tools.InOrder[i].DefinitionUtf8.Span);
        }

        list.AddRange("]}"u8);
        return [.. list];
    }
}
