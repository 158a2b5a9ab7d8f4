using System.Reflection;
using System.Text.Json;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.BuiltIn;

/// <summary>Serves methods marked with <see cref="McpServerToolAttribute"/> as an MCP server over two streams. May be run several times at once.</summary>
internal abstract class SdkServer : IBackedServer
{
    private readonly List<McpServerTool> _tools = [];
    private readonly string _name;
    private readonly string _title;

    /// <param name="name">What it calls itself, such as <c>fairlead-git</c>.</param>
    /// <param name="title">The same for people.</param>
    protected SdkServer(string name, string title)
    {
        _name = name;
        _title = title;
    }

    /// <summary>The tools' definitions.</summary>
    public IEnumerable<Tool> Tools => _tools.Select(static tool => tool.ProtocolTool);

    /// <inheritdoc/>
    public abstract Task<BackendReport> CheckAsync(CancellationToken cancellationToken);

    /// <inheritdoc/>
    public async Task RunAsync(Stream input, Stream output, CancellationToken cancellationToken)
    {
        var options = new McpServerOptions
        {
            ServerInfo = new Implementation { Name = _name, Title = _title, Version = typeof(SdkServer).Assembly.GetName().Version!.ToString(3) },
            ToolCollection = [],
        };
        foreach (var tool in _tools)
        {
            options.ToolCollection.Add(tool);
        }

        options.Filters.Request.CallToolFilters.Add(static next => (request, cancellation) => ExplainAsync(next, request, cancellation));
        var transport = new StreamServerTransport(input, output, _name);
        await using (transport.ConfigureAwait(false))
        {
            var server = McpServer.Create(transport, options);
            await using (server.ConfigureAwait(false))
            {
                await server.RunAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Adds the marked methods of an object, in the order in which they are written.</summary>
    protected void Add(object tools, Func<string, bool>? isOffered = null)
    {
        foreach (var method in tools.GetType().GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.DeclaredOnly).OrderBy(static method => method.MetadataToken))
        {
            if (method.GetCustomAttribute<McpServerToolAttribute>() is { } mark && (isOffered is null || isOffered(mark.Name!)))
            {
                _tools.Add(McpServerTool.Create(method, tools, new McpServerToolCreateOptions { SerializerOptions = Answer.Json }));
            }
        }
    }

    /// <summary>Arguments that do not fit become a result that the model can read and react to; the SDK alone would hide what was wrong.</summary>
    private static async ValueTask<CallToolResult> ExplainAsync(
        McpRequestHandler<CallToolRequestParams, CallToolResult> next, RequestContext<CallToolRequestParams> request, CancellationToken cancellationToken)
    {
        try
        {
            return await next(request, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is ArgumentException or JsonException or InvalidOperationException or IOException or HttpRequestException
            || (exception is McpException and not McpProtocolException))
        {
            return new CallToolResult { IsError = true, Content = [new TextContentBlock { Text = exception.Message }] };
        }
    }
}
