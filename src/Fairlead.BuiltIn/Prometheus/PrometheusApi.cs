using System.Net;
using System.Text.Json;
using ModelContextProtocol;

namespace Fairlead.BuiltIn.Prometheus;

/// <summary>Asks the HTTP API of a Prometheus, at most so often a minute for each tool.</summary>
internal sealed class PrometheusApi(HttpClient http, string address, TimeProvider time)
{
    /// <summary>Longest answer, in bytes.</summary>
    public const int AnswerBytesMax = 4 * 1024 * 1024;

    /// <summary>Calls of one tool within a minute.</summary>
    public const int CallsPerMinute = 100;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Queue<long>> _calls = new(StringComparer.Ordinal);

    /// <summary>Asks.</summary>
    /// <param name="tool">Which tool asks; its calls are counted.</param>
    /// <param name="path">Below <c>api/v1/</c>; without anything from a caller that is not escaped.</param>
    /// <param name="parameters">Sent in the body, or in the address when <paramref name="isGet"/>; null values are left out.</param>
    /// <param name="isGet">False for queries, which may be long.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The <c>data</c> of the answer.</returns>
    /// <exception cref="McpException">Too many calls, or Prometheus does not answer or refuses; the message is Prometheus's own.</exception>
    public async Task<JsonElement> AskAsync(string tool, string path, IEnumerable<KeyValuePair<string, string?>> parameters, bool isGet, CancellationToken cancellationToken)
    {
        Count(tool);
        KeyValuePair<string, string>[] given = [.. parameters.Where(static pair => pair.Value is not null)!];
        using var body = new FormUrlEncodedContent(given);
        using var request = isGet
            ? new HttpRequestMessage(HttpMethod.Get, $"api/v1/{path}?{await body.ReadAsStringAsync(cancellationToken).ConfigureAwait(false)}")
            : new HttpRequestMessage(HttpMethod.Post, $"api/v1/{path}") { Content = body };
        try
        {
            using var answer = await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
            return Read(answer.StatusCode, await answer.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false));
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            throw new McpException($"The answer is longer than {AnswerBytesMax} bytes. Narrow the query: aggregate, add labels, a shorter range or a longer step.");
        }
        catch (HttpRequestException exception)
        {
            throw new McpException($"No Prometheus answers at {address}: {exception.Message}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new McpException($"Prometheus at {address} did not answer within {http.Timeout.TotalSeconds:0} s.");
        }
    }

    private JsonElement Read(HttpStatusCode status, byte[] body)
    {
        try
        {
            var root = JsonElement.Parse(body);
            if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("status", out var word))
            {
                if (word.ValueEquals("success"u8) && root.TryGetProperty("data", out var data))
                {
                    return data;
                }

                if (root.TryGetProperty("error", out var error))
                {
                    throw new McpException($"Prometheus refuses: {error.GetString()}");
                }
            }
        }
        catch (JsonException)
        {
            // What is not JSON comes from something in between; the status says more than its text.
            throw new McpException($"{address} answered with HTTP {(int)status} and no JSON.");
        }

        throw new McpException($"{address} answered with HTTP {(int)status} and not as a Prometheus does.");
    }

    private void Count(string tool)
    {
        lock (_lock)
        {
            if (!_calls.TryGetValue(tool, out var calls))
            {
                _calls[tool] = calls = new Queue<long>(CallsPerMinute);
            }

            while (calls.TryPeek(out var oldest) && time.GetElapsedTime(oldest) >= TimeSpan.FromMinutes(1))
            {
                calls.Dequeue();
            }

            if (calls.Count >= CallsPerMinute)
            {
                var wait = TimeSpan.FromMinutes(1) - time.GetElapsedTime(calls.Peek());
                throw new McpException($"{tool} was called {CallsPerMinute} times within a minute; try again in {Math.Ceiling(wait.TotalSeconds):0} s.");
            }

            calls.Enqueue(time.GetTimestamp());
        }
    }
}
