using System.Text.Json.Nodes;
using ModelContextProtocol.Protocol;

namespace Fairlead.TestServers.ConformanceClient;

/// <summary>Drives the scenarios of 2026-07-28.</summary>
internal static class ModernDriver
{
    /// <summary>Does what the scenario waits for.</summary>
    /// <param name="context">What the suite wants to have called (<c>toolCalls</c>); null where it says nothing.</param>
    /// <exception cref="InvalidOperationException">An answer was not what the suite's server sends.</exception>
    public static async Task RunAsync(Uri endpoint, string scenario, JsonNode? context)
    {
        using var client = new ModernClient(endpoint);
        await client.RequestAsync(RequestMethods.ServerDiscover);
        var tools = (JsonArray)(await client.RequestAsync(RequestMethods.ToolsList))["tools"]!;
        await (scenario switch
        {
            "tools_call" => CallAsync(client, "add_numbers", new JsonObject { ["a"] = 5, ["b"] = 3 }),
            "request-metadata" => client.RequestAsync(RequestMethods.ToolsList),
            "sep-2322-client-request-state" => AnswerQuestionsAsync(client),
            "http-standard-headers" => TouchEverythingAsync(client, tools),
            "http-custom-headers" => CallAsTheSuiteSaysAsync(client, tools, context),
            "http-invalid-tool-headers" => CallEveryToolAsync(client, tools),
            "json-schema-ref-no-deref" => Task.FromResult(KeepReference(tools)),
            _ => throw new InvalidOperationException($"No driver for the scenario '{scenario}' of 2026-07-28."),
        });
    }

    private static Task<JsonObject> CallAsync(
        ModernClient client,
        string tool,
        JsonObject arguments,
        JsonObject? extra = null,
        IReadOnlyDictionary<string, string>? headers = null)
    {
        var parameters = extra ?? [];
        parameters["name"] = tool;
        parameters["arguments"] = arguments;
        return client.RequestAsync(RequestMethods.ToolsCall, parameters, headers);
    }

    private static async Task AnswerQuestionsAsync(ModernClient client)
    {
        foreach (var tool in (string[])["test_mrtr_echo_state", "test_mrtr_no_state"])
        {
            var question = await CallAsync(client, tool, []);
            // Between two rounds: state of one call must not leak into another.
            await CallAsync(client, "test_mrtr_unrelated", []);
            var answer = new JsonObject
            {
                ["inputResponses"] = new JsonObject
                {
                    ["confirm"] = new JsonObject { ["action"] = "accept", ["content"] = new JsonObject { ["confirmed"] = true } },
                },
            };
            if (question["requestState"] is { } state)
            {
                answer["requestState"] = state.DeepClone();
            }

            RequireComplete(await CallAsync(client, tool, [], answer));
        }

        RequireComplete(await CallAsync(client, "test_mrtr_no_result_type", []));
    }

    private static async Task TouchEverythingAsync(ModernClient client, JsonArray tools)
    {
        await CallEveryToolAsync(client, tools);
        var resources = (JsonArray)(await client.RequestAsync(RequestMethods.ResourcesList))["resources"]!;
        foreach (var resource in resources)
        {
            await client.RequestAsync(RequestMethods.ResourcesRead, new JsonObject { ["uri"] = resource!["uri"]!.DeepClone() });
        }

        var prompts = (JsonArray)(await client.RequestAsync(RequestMethods.PromptsList))["prompts"]!;
        foreach (var prompt in prompts)
        {
            await client.RequestAsync(RequestMethods.PromptsGet, new JsonObject { ["name"] = prompt!["name"]!.DeepClone() });
        }
    }

    private static async Task CallAsTheSuiteSaysAsync(ModernClient client, JsonArray tools, JsonNode? context)
    {
        foreach (var call in (JsonArray)context!["toolCalls"]!)
        {
            var name = call!["name"]!.GetValue<string>();
            var arguments = (JsonObject)call["arguments"]!.DeepClone();
            await CallAsync(client, name, arguments, headers: Mirror(tools.First(tool => tool!["name"]!.GetValue<string>() == name)!, arguments));
        }
    }

    private static async Task CallEveryToolAsync(ModernClient client, JsonArray tools)
    {
        foreach (var tool in tools)
        {
            var arguments = new JsonObject();
            foreach (var property in (JsonObject)tool!["inputSchema"]!["properties"]!)
            {
                arguments[property.Key] = property.Value?["type"]?.GetValue<string>() == "string" ? "eu-north" : null;
            }

            await CallAsync(client, tool["name"]!.GetValue<string>(), arguments, headers: Mirror(tool, arguments));
        }
    }

    private static bool KeepReference(JsonArray tools) =>
        tools.ToJsonString().Contains("/canary/profile-schema.json", StringComparison.Ordinal)
            ? true
            : throw new InvalidOperationException($"The network $ref is gone from the tool: {tools.ToJsonString()}");

    // A client owes its server the headers that the advertised schema asks for.
    private static Dictionary<string, string> Mirror(JsonNode tool, JsonObject arguments)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var property in (JsonObject)tool["inputSchema"]!["properties"]!)
        {
            if (property.Value?["x-mcp-header"]?.GetValue<string>() is { Length: > 0 } header && arguments[property.Key] is { } value
                && McpHeaderEncoder.ConvertToHeaderValue(value) is { } encoded)
            {
                headers[$"Mcp-Param-{header}"] = encoded;
            }
        }

        return headers;
    }

    private static void RequireComplete(JsonObject result)
    {
        if (result["resultType"]?.GetValue<string>() != "complete")
        {
            throw new InvalidOperationException($"The answer should be complete but is {result.ToJsonString()}");
        }
    }
}
