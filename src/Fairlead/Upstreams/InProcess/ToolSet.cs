using System.Collections.Frozen;
using System.Text.Json;

namespace Fairlead.Upstreams.InProcess;

/// <summary>The tools of one in-process server, by name. Frozen.</summary>
internal sealed class ToolSet
{
    private readonly FrozenDictionary<string, ITool> _byName;

    /// <summary>Takes the tools in the order in which they are listed.</summary>
    /// <param name="server">Id of the server that they make up.</param>
    /// <param name="tools">At least one; names must differ.</param>
    /// <exception cref="InvalidConfiguration">A name is empty or taken twice, or a definition does not fit its tool.</exception>
    public ToolSet(string server, IEnumerable<ITool> tools)
    {
        InOrder = [.. tools];
        LocalContext = new ToolCallContext(server, ToolCallContext.LocalPrincipal);
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var tool in InOrder)
        {
            if (string.IsNullOrEmpty(tool.Name) || !names.Add(tool.Name))
            {
                throw new InvalidConfiguration($"The tools of '{server}' need names that differ: '{tool.Name}' is empty or taken twice. Rename one of them.") { ServerId = server };
            }

            CheckDefinition(server, tool);
        }

        _byName = InOrder.ToFrozenDictionary(static tool => tool.Name, StringComparer.Ordinal);
    }

    /// <summary>The tools in their order.</summary>
    public IReadOnlyList<ITool> InOrder { get; }

    /// <summary>The context of calls from inside this process; one object for all of them.</summary>
    public ToolCallContext LocalContext { get; }

    /// <summary>The tool of this name, or null.</summary>
    public ITool? Find(string name) => _byName.GetValueOrDefault(name);

    private static void CheckDefinition(string server, ITool tool)
    {
        try
        {
            using var document = JsonDocument.Parse(tool.DefinitionUtf8);
            var root = document.RootElement;
            if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String && name.ValueEquals(tool.Name)
                && root.TryGetProperty("inputSchema", out var schema) && schema.ValueKind == JsonValueKind.Object)
            {
                return;
            }
        }
        catch (JsonException exception)
        {
            throw Refuse(server, tool, exception);
        }

        throw Refuse(server, tool, null);
    }

    private static InvalidConfiguration Refuse(string server, ITool tool, Exception? cause) =>
        new($"The definition of tool '{tool.Name}' of '{server}' is not a JSON object with \"name\": \"{tool.Name}\" and an \"inputSchema\" object. Correct its DefinitionUtf8.", cause) { ServerId = server };
}
