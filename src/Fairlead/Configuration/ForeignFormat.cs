using System.Text.Json;

namespace Fairlead.Configuration;

/// <summary>Tells whose format a file is in, and where its servers and inputs are.</summary>
internal static class ForeignFormat
{
    /// <param name="Format">Whose format.</param>
    /// <param name="Servers">The objects or lists of servers, in the order of the file.</param>
    /// <param name="Inputs">The list of inputs, or null.</param>
    /// <param name="Wrapper">The object around servers and inputs in a settings file, or null.</param>
    public sealed record Detected(ConfigurationFormat Format, IReadOnlyList<ConfigNode> Servers, ConfigNode? Inputs, ConfigNode? Wrapper);

    /// <summary>Looks at the keys, and at the name of the file where the keys leave it open.</summary>
    public static Detected Detect(ConfigNode? root, string? file)
    {
        if (root is null)
        {
            return new Detected(ConfigurationFormat.Own, [], null, null);
        }

        ConfigNode? wrapper = root["servers"] is null && root["mcp"]?["servers"] is not null ? root["mcp"] : null;
        ConfigNode around = wrapper ?? root;
        ConfigNode? inputs = around["inputs"];
        ConfigNode? foreign = root["mcpServers"];
        ConfigNode? servers = around["servers"];
        bool isVsCode = wrapper is not null || (servers is not null && IsVsCodeFile(root, file));
        ConfigurationFormat format = foreign is not null ? ConfigurationFormat.McpServers : isVsCode ? ConfigurationFormat.VsCode : ConfigurationFormat.Own;
        return new Detected(format, [.. new[] { foreign, servers }.OfType<ConfigNode>()], inputs, wrapper);
    }

    /// <summary>The declared inputs by id. An input of a kind that Fairlead cannot run is reported and can still be answered by its variable.</summary>
    public static Dictionary<string, InputRequest> ReadInputs(ConfigNode? node, bool foreign, Problems problems)
    {
        var inputs = new Dictionary<string, InputRequest>(StringComparer.Ordinal);
        if (node is null)
        {
            return inputs;
        }

        if (node.Kind != JsonValueKind.Array)
        {
            problems.ErrorAt(node, node.Show(), "The inputs must be a list.", "Write it like [ { \"id\": \"token\", \"type\": \"promptString\", \"password\": true } ].");
            return inputs;
        }

        foreach (ConfigNode item in node.Items)
        {
            if (item["id"] is not { Kind: JsonValueKind.String, Text.Length: > 0 } id)
            {
                problems.ErrorAt(item, null, "An input needs an id.", "Write \"id\": \"token\"; the servers refer to it as ${input:token}.");
                continue;
            }

            if (item["type"] is { Text: "command" } command)
            {
                string variable = VariableExpander.InputVariable(id.Text);
                problems.WarningAt(command, command.Show(), "Fairlead cannot run the commands of an editor.", $"Set {variable} instead.");
            }

            var request = new InputRequest(id.Text)
            {
                Variable = VariableExpander.InputVariable(id.Text),
                Description = item["description"]?.Text ?? "",
                IsPassword = item["password"]?.Kind == JsonValueKind.True,
                Default = item["default"]?.Text,
                Options = [.. (item["options"]?.Items ?? []).Select(static option => option.Kind == JsonValueKind.Object ? option["value"]?.Text : option.Text).OfType<string>()],
            };
            if (!inputs.TryAdd(id.Text, request))
            {
                problems.ErrorAt(id, id.Show(), "Two inputs have this id.", "Give one of them another id.");
            }
        }

        return inputs;
    }

    private static bool IsVsCodeFile(ConfigNode root, string? file)
    {
        bool hasOwnKeys = root.Members.Exists(static member => OptionsShape.Keys(typeof(FairleadOptions)).Any(key => key.Name == member.Name));
        bool isInFolder = file is not null && Path.GetFileName(file) == "mcp.json" && Path.GetFileName(Path.GetDirectoryName(file)) == ".vscode";
        return !hasOwnKeys && (root["inputs"] is not null || isInFolder);
    }
}
