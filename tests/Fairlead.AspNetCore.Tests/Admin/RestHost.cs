using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>A gateway with one in-process server <c>calc</c> (tools <c>say</c>, <c>fail</c> and the hidden <c>secret</c>) and one that waits for a variable.</summary>
internal static class RestHost
{
    public const string Tool = "say";

    public static Task<FrontHost> StartAsync(Action<FairleadOptions>? change = null, Action<McpManager>? prepare = null, TimeProvider? time = null)
    {
        var calc = new ServerConfig { Name = "calc" };
        calc.Expose.Hide.Add("secret");
        var waits = new ServerConfig { Name = "waits", Command = "nothing" };
        waits.MissingVariables.Add("SOME_KEY");
        var options = new FairleadOptions { Servers = [calc, waits] };
        change?.Invoke(options);
        return FrontHost.StartAsync(
            options,
            manager =>
            {
                manager.AddTools(
                    "calc",
                    new LambdaTool(Tool, static arguments => ToolOutput.Text(arguments)),
                    new LambdaTool("fail", static _ => ToolOutput.Error("it did not work")),
                    new LambdaTool("secret", static _ => ToolOutput.Text("never shown")));
                prepare?.Invoke(manager);
            },
            time);
    }

    /// <summary>Sends a request; the body, if any, as JSON.</summary>
    public static async Task<(HttpStatusCode Status, JsonElement Body, HttpResponseMessage Response)> SendAsync(
        FrontHost host, HttpMethod method, string path, string? body = null, string? token = null, string contentType = "application/json")
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new StringContent(body, new MediaTypeHeaderValue(contentType));
        }

        if (token is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        var response = await Guard.WithinAsync(host.Http.SendAsync(request), $"the answer to {method} {path}");
        var text = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, text.Length == 0 ? default : JsonDocument.Parse(text).RootElement, response);
    }

    /// <summary>Asserts a problem+json of this word, whose detail is a sentence.</summary>
    public static void AssertProblem((HttpStatusCode Status, JsonElement Body, HttpResponseMessage Response) answer, HttpStatusCode status, string title)
    {
        Assert.Equal(status, answer.Status);
        Assert.Equal("application/problem+json", answer.Response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(title, answer.Body.GetProperty("title").GetString());
        Assert.Equal((int)status, answer.Body.GetProperty("status").GetInt32());
        Assert.NotEmpty(answer.Body.GetProperty("detail").GetString()!);
    }
}
