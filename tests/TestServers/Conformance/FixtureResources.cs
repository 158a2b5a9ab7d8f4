using System.Collections.Concurrent;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.TestServers.Conformance;

/// <summary>The resources of the suite's contract, and who wants to hear of changes to them. All members may be called concurrently.</summary>
internal sealed class FixtureResources(FixtureEra era)
{
    private const string Watched = "test://watched-resource";
    private const string TemplatePrefix = "test://template/";
    private const string TemplateSuffix = "/data";

    // Legacy only: modern clients name their resources in subscriptions/listen. Ends with the process; a session that ended just drops what it is sent.
    private readonly ConcurrentDictionary<(McpServer Server, string Uri), byte> _subscribers = new();
    private int _version;

    /// <summary>Raised with the URI after a resource changed.</summary>
    public event Action<string>? Updated;

    /// <summary>Sets the handlers of resources/*.</summary>
    public void Register(McpServerHandlers handlers)
    {
        handlers.ListResourcesHandler = static (_, _) => ValueTask.FromResult(new ListResourcesResult
        {
            Resources =
            [
                new Resource { Uri = "test://static-text", Name = "static-text", Description = "A text that never changes", MimeType = "text/plain" },
                new Resource { Uri = "test://static-binary", Name = "static-binary", Description = "An image that never changes", MimeType = "image/png" },
                new Resource { Uri = Watched, Name = "watched-resource", Description = "A text that changes on demand", MimeType = "text/plain" },
            ],
        });
        handlers.ListResourceTemplatesHandler = static (_, _) => ValueTask.FromResult(new ListResourceTemplatesResult
        {
            ResourceTemplates =
            [
                new ResourceTemplate
                {
                    UriTemplate = "test://template/{id}/data",
                    Name = "template",
                    Description = "Data for an id",
                    MimeType = "application/json",
                },
            ],
        });
        handlers.ReadResourceHandler = (context, _) => ValueTask.FromResult(new ReadResourceResult { Contents = [Read(context.Params.Uri)] });
        if (era == FixtureEra.Legacy)
        {
            handlers.SubscribeToResourcesHandler = (context, _) =>
            {
                _subscribers[(context.Server, context.Params.Uri)] = 0;
                return ValueTask.FromResult(new EmptyResult());
            };
            handlers.UnsubscribeFromResourcesHandler = (context, _) =>
            {
                _subscribers.TryRemove((context.Server, context.Params.Uri), out byte _);
                return ValueTask.FromResult(new EmptyResult());
            };
        }
    }

    /// <summary>Changes the watched resource and tells its subscribers.</summary>
    public async Task TouchAsync(CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _version);
        Updated?.Invoke(Watched);
        foreach (var (server, uri) in _subscribers.Keys.Where(subscriber => subscriber.Uri == Watched))
        {
            await server.SendNotificationAsync(
                NotificationMethods.ResourceUpdatedNotification,
                new ResourceUpdatedNotificationParams { Uri = uri },
                cancellationToken: cancellationToken);
        }
    }

    private ResourceContents Read(string uri)
    {
        if (uri.StartsWith(TemplatePrefix, StringComparison.Ordinal) && uri.EndsWith(TemplateSuffix, StringComparison.Ordinal)
            && uri.Length > TemplatePrefix.Length + TemplateSuffix.Length)
        {
            var id = uri[TemplatePrefix.Length..^TemplateSuffix.Length];
            return new TextResourceContents
            {
                Uri = uri,
                MimeType = "application/json",
                Text = $$"""{"id":"{{id}}","templateTest":true,"data":"Data for ID: {{id}}"}""",
            };
        }

        return uri switch
        {
            "test://static-text" => new TextResourceContents { Uri = uri, MimeType = "text/plain", Text = "This is the content of the static text resource." },
            "test://static-binary" => BlobResourceContents.FromBytes(Media.RedPixelPng, uri, "image/png"),
            Watched => new TextResourceContents { Uri = uri, MimeType = "text/plain", Text = $"Watched resource, version {Volatile.Read(ref _version)}" },
            _ => throw NotFound(uri),
        };
    }

    // SEP-2164: -32602 with the URI in data from 2026-07-28 on, -32002 before.
    private McpProtocolException NotFound(string uri)
    {
        var code = era == FixtureEra.Modern ? McpErrorCode.InvalidParams : McpErrorCode.ResourceNotFound;
        return new McpProtocolException($"There is no resource '{uri}'; resources/list shows what there is.", code) { Data = { ["uri"] = uri } };
    }
}
