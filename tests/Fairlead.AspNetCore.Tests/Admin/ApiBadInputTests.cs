using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>Input that breaks the OpenAPI document, made from it: each operation refuses it with a problem that names what was wrong, and says what to do. Nothing is changed by it.</summary>
public sealed partial class ApiBadInputTests : IAsyncLifetime
{
    private ApiHost _host = null!;
    private ApiCalls _calls = null!;

    public async Task InitializeAsync()
    {
        _host = await ApiHost.StartAsync();
        _calls = new ApiCalls(_host);
        await _calls.CallAsync("deployServer", body: """{"name":"other","transport":"in-process"}""");
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Parameters_WhenTheyAreWrong_AreNamed()
    {
        foreach (var operation in _host.Document.Operations)
        {
            var (values, body) = ApiHost.Good(operation, "other");
            await RefusedAsync(operation, [.. values, "nonsense=1"], body, "'nonsense'");
            foreach (var parameter in operation.Parameters.Where(static one => one.GetProperty("in").GetString() == "query"))
            {
                var name = parameter.GetProperty("name").GetString()!;
                foreach (var wrong in WrongTexts(name, parameter.GetProperty("schema")))
                {
                    await RefusedAsync(operation, [.. values, $"{name}={wrong}"], body, name == "types" ? "events" : name);
                }
            }

            if (operation.Named("header").Contains("Idempotency-Key"))
            {
                foreach (var wrong in (string[])["two words", "\"", new string('k', 256)])
                {
                    await RefusedAsync(operation, values, body, "Idempotency-Key", headers: ["Idempotency-Key: " + wrong]);
                }
            }

            if (operation.Named("header").Contains("If-Match"))
            {
                await RefusedAsync(operation, values, body, "If-Match", headers: ["If-Match: unquoted"]);
            }

            foreach (var id in (string[])["nobody", "a/b", "%25", new string('x', 3_000), "名前"])
            {
                if (operation.Named("path").Contains("id"))
                {
                    await RefusedAsync(operation, ApiHost.Good(operation, id).Values, body, id.Length > 100 ? "There is no server" : id, status: 404);
                }
                else if (operation.Named("path").Any())
                {
                    await RefusedAsync(operation, [$"faultId={id}"], body, id, status: 404);
                }
            }
        }
    }

    [Fact]
    public async Task Bodies_WhenTheyAreBroken_AreRefused()
    {
        var deep = string.Concat(Enumerable.Repeat("{\"a\":", 200)) + "1" + new string('}', 200);
        foreach (var operation in _host.Document.Operations.Where(static one => one.Body is not null))
        {
            var (values, good) = ApiHost.Good(operation, "other");
            foreach (var broken in (string[])["{", "[]", "null", "\"x\"", "1", "{} {}", "not json", deep, """{"nonsense":1}""", "{\"a\":\ud800}", good![..^1]])
            {
                await RefusedAsync(operation, values, broken, broken.Contains("nonsense", StringComparison.Ordinal) ? "nonsense" : "");
            }

            if (operation.Id != "callTool")
            {
                await RefusedAsync(operation, values, "", ""); // Without a body a tool is called without arguments.
            }

            await RefusedAsync(operation, values, Encoding.Latin1.GetBytes("{\"é\":1}"), "");
            await RefusedAsync(operation, values, good, "application/json", status: 415, mediaType: "text/plain");
            await RefusedAsync(operation, values, good, "application/json", status: 415, mediaType: "application/x-www-form-urlencoded");
            await RefusedAsync(operation, values, good + new string(' ', ApiHost.BodyBytesMax), "limits.requestBodyBytesMax", status: 413);
        }
    }

    [Fact]
    public async Task Members_WhenTheyAreOfAnotherTypeOrBeyondTheirBounds_AreNamed()
    {
        foreach (var operation in _host.Document.Operations.Where(static one => one.Body is not null))
        {
            var (values, good) = ApiHost.Good(operation, "other");
            foreach (var property in operation.Body!.Value.GetProperty("properties").EnumerateObject())
            {
                foreach (var wrong in WrongValues(_host.Document.Schemas.Resolve(property.Value)))
                {
                    var body = JsonNode.Parse(good!)!.AsObject();
                    body[property.Name] = wrong;
                    if (operation.Id == "injectFault" && property.Name is "latencyMs" or "jitterMs")
                    {
                        body["kind"] = "latency";
                    }

                    await RefusedAsync(operation, values, body.ToJsonString(), property.Name);
                }
            }

            foreach (var required in operation.Body!.Value.TryGetProperty("required", out var names) ? names.EnumerateArray().Select(static name => name.GetString()!) : [])
            {
                var body = JsonNode.Parse(good!)!.AsObject();
                body.Remove(required);
                await RefusedAsync(operation, values, body.ToJsonString(), required);
            }
        }

        Assert.Equal(["calc", "waits", "steps", "silent", "refuses", "seldom", "other"], (await _host.Front.Manager.ListServersAsync()).Select(static server => server.Id));
    }

    private static IEnumerable<string> WrongTexts(string name, JsonElement schema) =>
        schema.TryGetProperty("enum", out _) ? ["nonsense", "READY!"]
        : schema.GetProperty("type").GetString() == "integer" ? ["x", "0", "-1", "1.5", "99999999999999999999", "1e2", " 1", .. schema.TryGetProperty("maximum", out var maximum) ? [(maximum.GetInt64() + 1).ToString(CultureInfo.InvariantCulture)] : Array.Empty<string>()]
        : name is not ("types" or "after" or "state" or "cursor" or "since" or "until") ? [] // A name that nobody has yet may be somebody's later.
        : ["nonsense", "\"", "999-x"];

    private static IEnumerable<JsonNode> WrongValues(JsonElement schema)
    {
        if (schema.TryGetProperty("enum", out _))
        {
            return ["nonsense", 5, new JsonArray("x")];
        }

        if (!schema.TryGetProperty("type", out var type))
        {
            return [5, "x", new JsonArray("x")]; // A reference to an object.
        }

        string[] types = type.ValueKind == JsonValueKind.Array ? [.. type.EnumerateArray().Select(static one => one.GetString()!)] : [type.GetString()!];
        var wrong = new List<JsonNode>();
        AddUnless(["object"], new JsonObject { ["a"] = 1 });
        AddUnless(["array"], new JsonArray(1));
        AddUnless(["string"], "x");
        AddUnless(["boolean"], true);
        AddUnless(["integer", "number"], 5);
        if (types.Contains("integer") && !types.Contains("number"))
        {
            wrong.Add(1.5);
        }

        if (schema.TryGetProperty("minimum", out var minimum))
        {
            wrong.Add(minimum.GetDouble() - 1);
        }

        if (schema.TryGetProperty("maximum", out var maximum))
        {
            wrong.Add(maximum.GetDouble() + 1);
        }

        return wrong;

        void AddUnless(string[] allowed, JsonNode value)
        {
            if (!types.Intersect(allowed).Any())
            {
                wrong.Add(value);
            }
        }
    }

    private Task RefusedAsync(ApiOperation operation, string[] values, string? body, string named, int status = 400, string mediaType = "application/json", string[]? headers = null) =>
        RefusedAsync(operation, values, body is null ? null : Encoding.UTF8.GetBytes(body), named, status, mediaType, headers);

    private async Task RefusedAsync(ApiOperation operation, string[] values, byte[]? body, string named, int status = 400, string mediaType = "application/json", string[]? headers = null)
    {
        var what = $"{operation.Id} {string.Join(' ', values)} {mediaType} {(body is null ? "" : Encoding.UTF8.GetString(body))}";
        var answer = await _calls.CallAsync(operation.Id, values, body, mediaType, headers);
        Assert.True(answer.Status == status, $"{what}: {status} was expected, and it was {answer.Status} {answer.Body}");
        var detail = answer.Json.GetProperty("detail").GetString()!;
        Assert.True(detail.Contains(named, StringComparison.Ordinal), $"{what}: '{named}' is not named by: {detail}");
        Assert.True(TwoSentences().IsMatch(detail), $"{what}: it is not said what was wrong and what to do: {detail}");
    }

    [GeneratedRegex(@"[.?!;]\s+\S+", RegexOptions.Singleline)]
    private static partial Regex TwoSentences();
}
