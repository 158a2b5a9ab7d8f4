using Fairlead.TestServers.Conformance.Tasks;
using Fairlead.TestServers.Conformance.Tools;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.TestServers.Conformance;

/// <summary>
/// Everything the server offers, once per process. Owns the tool and prompt collections, which change while it runs and are shared by all
/// sessions; an SDK server is made per session (legacy, stdio) or per request (modern HTTP) from <see cref="CreateOptions"/>.
/// </summary>
internal sealed class Fixture
{
    private readonly FixtureResources _resources;
    private readonly SubscriptionStreams _subscriptions;
    private readonly TaskExtension _tasks;

    public Fixture(FixtureEra era, TimeProvider time)
    {
        Era = era;
        _resources = new FixtureResources(era);
        _tasks = new TaskExtension(time);
        _subscriptions = new SubscriptionStreams(Tools, Prompts, _resources, _tasks);
        McpServerTool[] tools = [
            .. ContentTools.All(time),
            .. QuestionTools.All(era),
            .. InputRequiredTools.All(),
            .. DiagnosticTools.All(this, _resources, time),
            .. era == FixtureEra.Modern ? TaskTools.All() : []];
        foreach (var tool in tools)
        {
            Tools.Add(tool);
        }

        foreach (var prompt in FixturePrompts.All())
        {
            Prompts.Add(prompt);
        }
    }

    /// <summary>The half of the protocol that is spoken.</summary>
    public FixtureEra Era { get; }

    /// <summary>Name that every session reports as its own.</summary>
    public string Name => "conformance-server";

    /// <summary>Live tools; adding or removing one notifies whoever listens.</summary>
    public McpServerPrimitiveCollection<McpServerTool> Tools { get; } = [];

    /// <summary>Live prompts; adding or removing one notifies whoever listens.</summary>
    public McpServerPrimitiveCollection<McpServerPrompt> Prompts { get; } = [];

    /// <summary>Options for one more SDK server. Lists are sorted by name, so that they are the same in every answer of every process.</summary>
    public McpServerOptions CreateOptions()
    {
        var options = new McpServerOptions
        {
            ProtocolVersion = Era.Revision(),
            ServerInfo = new Implementation { Name = Name, Version = "1.0.0", Title = "Conformance fixture" },
            ServerInstructions = "Offers what the conformance suite asks for.",
            ToolCollection = Tools,
            PromptCollection = Prompts,
            ScopeRequests = false,
            Capabilities = new ServerCapabilities
            {
                Tools = new ToolsCapability { ListChanged = true },
                Prompts = new PromptsCapability { ListChanged = true },
                Resources = new ResourcesCapability { Subscribe = true },
                Logging = new LoggingCapability(),
                Completions = new CompletionsCapability(),
            },
        };
        _resources.Register(options.Handlers);
        options.Handlers.CompleteHandler = FixturePrompts.CompleteAsync;
        var filters = options.Filters.Request;
        filters.ListToolsFilters.Add(next => async (context, cancellationToken) =>
        {
            var result = await next(context, cancellationToken);
            result.Tools = [.. result.Tools.OrderBy(tool => tool.Name, StringComparer.Ordinal)];
            return Cacheable(result);
        });
        filters.ListPromptsFilters.Add(next => async (context, cancellationToken) =>
        {
            var result = await next(context, cancellationToken);
            result.Prompts = [.. result.Prompts.OrderBy(prompt => prompt.Name, StringComparer.Ordinal)];
            return Cacheable(result);
        });
        filters.ListResourcesFilters.Add(next => async (context, cancellationToken) => Cacheable(await next(context, cancellationToken)));
        filters.ListResourceTemplatesFilters.Add(next => async (context, cancellationToken) => Cacheable(await next(context, cancellationToken)));
        filters.ReadResourceFilters.Add(next => async (context, cancellationToken) => Cacheable(await next(context, cancellationToken)));
        if (Era == FixtureEra.Modern)
        {
            options.Handlers.SubscriptionsListenHandler = _subscriptions.ListenAsync;
            _tasks.Register(options);
        }
        else
        {
            // The SDK keeps the level; the handler must exist for the method to be offered.
            options.Handlers.SetLoggingLevelHandler = static (_, _) => ValueTask.FromResult(new EmptyResult());
        }

        return options;
    }

    // 2026-07-28 server/utilities/caching: the hints are required there and unknown before.
    private T Cacheable<T>(T result)
        where T : ICacheableResult
    {
        if (Era == FixtureEra.Modern)
        {
            result.TimeToLive = TimeSpan.FromSeconds(1);
            result.CacheScope = CacheScope.Public;
        }

        return result;
    }
}
