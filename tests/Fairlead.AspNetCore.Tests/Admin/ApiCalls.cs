using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>An answer of the API.</summary>
internal sealed record ApiAnswer(int Status, string Body, HttpResponseMessage Response)
{
    /// <summary>The body as JSON.</summary>
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    /// <summary>The word of the problem; "" when it is none.</summary>
    public string Title => Response.Content.Headers.ContentType?.MediaType == "application/problem+json" ? Json.GetProperty("title").GetString()! : "";
}

/// <summary>Calls operations by the document, holds each answer against it, and remembers what was answered.</summary>
/// <param name="host">Where to.</param>
internal sealed class ApiCalls(ApiHost host)
{
    private readonly HashSet<(string Operation, int Status, string Word)> _seen = [];

    /// <summary>Every operation with the statuses that it has answered, and the word of the problem ("" for none).</summary>
    public IReadOnlySet<(string Operation, int Status, string Word)> Seen => _seen;

    /// <summary>Calls an operation; the answer must be as the document says.</summary>
    /// <param name="id">Its operationId.</param>
    /// <param name="values">Values of its parameters, as <c>name=value</c>; those of the path are required. Others are added to the query.</param>
    /// <param name="body">JSON; null = none.</param>
    /// <param name="mediaType">The type that the body is sent as.</param>
    /// <param name="headers">Further headers, as <c>Name: value</c>.</param>
    /// <param name="withToken">Whether an operation of administrators gets the token.</param>
    /// <param name="at">Another gateway; null = that of the document.</param>
    public Task<ApiAnswer> CallAsync(
        string id, string[]? values = null, string? body = null, string mediaType = "application/json", string[]? headers = null, bool withToken = true, FrontHost? at = null) =>
        CallAsync(id, values ?? [], body is null ? null : Encoding.UTF8.GetBytes(body), mediaType, headers, withToken, at);

    /// <summary>As the other overload, with a body of any bytes.</summary>
    public async Task<ApiAnswer> CallAsync(string id, string[] values, byte[]? body, string mediaType = "application/json", string[]? headers = null, bool withToken = true, FrontHost? at = null)
    {
        var operation = host.Document[id];
        using var request = Compose(operation, values, body, mediaType, headers ?? [], withToken);
        var response = await Guard.WithinAsync((at ?? host.Front).Http.SendAsync(request), $"the answer to {id} {string.Join(' ', values)}");
        var answer = new ApiAnswer((int)response.StatusCode, await response.Content.ReadAsStringAsync(), response);
        Take(operation, answer.Status, response.Content.Headers.ContentType?.MediaType, answer.Body, answer.Title);
        return answer;
    }

    /// <summary>Opens an operation that streams.</summary>
    public async Task<EventStream> OpenAsync(string id, string[]? values = null, string? body = null)
    {
        var operation = host.Document[id];
        using var request = Compose(operation, values ?? [], body is null ? null : Encoding.UTF8.GetBytes(body), "application/json", ["Accept: text/event-stream"], withToken: true);
        var stream = await EventStream.OpenAsync(host.Front, request);
        Take(operation, 200, "text/event-stream", "", "");
        return stream;
    }

    /// <summary>Reads events of an operation, and holds each against the document, until one is as wanted.</summary>
    public async Task WatchAsync(string id, EventStream stream, Func<JsonElement, bool> isLast)
    {
        var operation = host.Document[id];
        while (true)
        {
            var data = await stream.DataAsync($"an event of {id}");
            Take(operation, 200, "text/event-stream", "data: " + data, "");
            if (isLast(JsonDocument.Parse(data).RootElement))
            {
                return;
            }
        }
    }

    private void Take(ApiOperation operation, int status, string? mediaType, string body, string word)
    {
        Assert.Equal([], host.Document.Errors(operation, status, mediaType, body));
        _seen.Add((operation.Id, status, word));
    }

    private static HttpRequestMessage Compose(ApiOperation operation, string[] values, byte[]? body, string mediaType, string[] headers, bool withToken)
    {
        var path = operation.Path;
        var query = new List<string>();
        foreach (var value in values)
        {
            var (name, text) = (value[..value.IndexOf('=', StringComparison.Ordinal)], Uri.EscapeDataString(value[(value.IndexOf('=', StringComparison.Ordinal) + 1)..]));
            if (path.Contains($"{{{name}}}", StringComparison.Ordinal))
            {
                path = path.Replace($"{{{name}}}", text, StringComparison.Ordinal);
            }
            else
            {
                query.Add($"{Uri.EscapeDataString(name)}={text}");
            }
        }

        Assert.DoesNotContain('{', path);
        var request = new HttpRequestMessage(new HttpMethod(operation.Method), query.Count == 0 ? path : $"{path}?{string.Join('&', query)}");
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue(mediaType) } };
        }

        if ((operation.IsAdmin || operation.Responses.ContainsKey(401)) && withToken)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", FrontHost.AdminToken);
        }

        foreach (var header in headers)
        {
            var colon = header.IndexOf(':', StringComparison.Ordinal);
            request.Headers.TryAddWithoutValidation(header[..colon], header[(colon + 2)..]);
        }

        return request;
    }
}
