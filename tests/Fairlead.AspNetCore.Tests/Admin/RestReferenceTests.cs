using System.Text;
using System.Text.Json;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>The page of the API in the docs says what its OpenAPI document says, which other tests hold against the routes.</summary>
public sealed class RestReferenceTests
{
    [Fact]
    public async Task ReferencePage_WhenTheApiChanges_IsWrittenAgain()
    {
        await using var host = await RestHost.StartAsync();
        var root = JsonDocument.Parse(await host.Http.GetStringAsync("/api/v1/openapi.json")).RootElement;
        await Repository.AssertPageAsync("docs/reference/rest.md", Write(root, new ApiDocument(root)));
    }

    private static string Write(JsonElement root, ApiDocument document)
    {
        var page = new StringBuilder("# REST API\n\nWritten from the OpenAPI document, which the gateway serves at `/api/v1/openapi.json`, by `FAIRLEAD_UPDATE_DOCS=1 ./test --filter ReferencePage`; [rest.md](../rest.md) says how to use it. Schemas and examples are in the document.\n");
        foreach (var tag in root.GetProperty("tags").EnumerateArray())
        {
            page.Append($"\n## {tag.GetProperty("name").GetString()}\n\n{tag.GetProperty("description").GetString()}\n\n| operation | what it does | token | query and headers | answers |\n|---|---|---|---|---|\n");
            foreach (var one in document.Operations.Where(one => one.Node.GetProperty("tags")[0].GetString() == tag.GetProperty("name").GetString()))
            {
                var more = string.Join(", ", one.Named("query").Concat(one.Named("header")).Select(static name => $"`{name}`"));
                page.Append($"| `{one.Method} {one.Path}` | {one.Node.GetProperty("summary").GetString()} | {(one.IsAdmin ? "yes" : "")} | {more} | {string.Join(", ", one.Responses.Keys.Order())} |\n");
            }
        }

        return page.ToString();
    }
}
