using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Fairlead.Wire;

namespace Fairlead.Upstreams.Http;

/// <summary>Why an HTTP exchange gave no answer, in the words of <see cref="ForwardError"/>.</summary>
/// <param name="Error">The kind.</param>
/// <param name="Detail">For people; configured header values are hidden, at most 200 characters of the server's own words.</param>
/// <param name="IsOutage">Whether the server as a whole seems to be away, not only this request refused.</param>
internal readonly record struct HttpFailure(ForwardError Error, string Detail, bool IsOutage)
{
    /// <summary>Whether the server does not accept Fairlead's credentials (401), whatever is asked for.</summary>
    public bool IsUnauthorized { get; private init; }

    /// <summary>Most bytes that are read of an answer that is only looked at for words.</summary>
    public const int ExcerptBytesMax = 4096;

    private const int ExcerptCharactersMax = 200;

    /// <summary>What it means that a request brought no head of an answer.</summary>
    public static HttpFailure Of(HttpRequestException exception, HttpEndpoint endpoint)
    {
        var reason = Root(exception).Message;
        return exception.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError => Outage(ForwardError.SendFailed, $"the host name of {endpoint.Place} has no address ({reason}); check its url"),
            HttpRequestError.ConnectionError => Outage(ForwardError.SendFailed, $"no connection to {endpoint.Place}: {reason}"),
            HttpRequestError.SecureConnectionError => Outage(ForwardError.SendFailed, $"no secure connection to {endpoint.Place}: {reason}"),
            HttpRequestError.InvalidResponse or HttpRequestError.HttpProtocolError or HttpRequestError.ConfigurationLimitExceeded =>
                new HttpFailure(ForwardError.AnswerInvalid, $"{endpoint.Place} does not speak HTTP as it should: {reason}", false),

            // The request may have arrived: the server may have acted on it.
            _ => Outage(ForwardError.ServerLost, $"{endpoint.Place} closed the connection before it answered: {reason}"),
        };
    }

    /// <summary>What it means that the connection was not there within the connect timeout.</summary>
    public static HttpFailure NoConnection(HttpEndpoint endpoint, TimeSpan connectTimeout) =>
        Outage(ForwardError.SendFailed, $"no connection to {endpoint.Place} within {connectTimeout.TotalSeconds:0.#} s");

    /// <summary>What it means that an answer ended too early.</summary>
    public static HttpFailure Cut(string detail) => new(ForwardError.ServerLost, detail, false);

    /// <summary>What an HTTP status means when the body is no JSON-RPC answer that counts.</summary>
    /// <param name="response">The head; its body has been read or is of no interest.</param>
    /// <param name="body">The first bytes of the body.</param>
    /// <param name="endpoint">Whose answer it is.</param>
    public static HttpFailure OfStatus(HttpResponseMessage response, ReadOnlySpan<byte> body, HttpEndpoint endpoint)
    {
        var status = (int)response.StatusCode;
        var words = Excerpt(response.Content.Headers.ContentType, body, endpoint);
        var detail = words.Length == 0 ? $"HTTP {status}" : $"HTTP {status}: {words}";
        return response.StatusCode switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new HttpFailure(ForwardError.AuthenticationRequired, detail, false)
            {
                IsUnauthorized = response.StatusCode == HttpStatusCode.Unauthorized,
            },
            HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout => Outage(ForwardError.SendFailed, detail),
            _ when status is >= 300 and < 400 => new HttpFailure(ForwardError.SendFailed, $"HTTP {status}: it redirects{Target(response, endpoint)}; set its url to where it is now", false),
            _ when response.IsSuccessStatusCode => new HttpFailure(ForwardError.AnswerInvalid, detail, false),
            _ => new HttpFailure(ForwardError.SendFailed, detail, false),
        };
    }

    /// <summary>Whether a status means that the server is overloaded or broken, whatever its body says (decision 15).</summary>
    public static bool IsServerFailure(HttpStatusCode status) =>
        (int)status >= 500 || status is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout;

    /// <summary>The words of a plain text, or of the <c>error.message</c> of a JSON text; "" for anything else.</summary>
    public static string Excerpt(MediaTypeHeaderValue? type, ReadOnlySpan<byte> body, HttpEndpoint endpoint)
    {
        if (body.IsEmpty)
        {
            return "";
        }

        string text;
        if (IsJson(type) || body.TrimStart(" \t\r\n"u8).StartsWith("{"u8))
        {
            var start = body.IndexOf((byte)'{');
            if (start < 0 || !JsonMembers.TryFind(body, new ByteRange(start, body.Length - start), "error"u8, out var error))
            {
                return "";
            }

            text = JsonText.ToString(JsonMembers.TryFind(body, error, "message"u8, out var message) ? message.Of(body) : error.Of(body)) ?? "";
        }
        else if (type is null || string.Equals(type.MediaType, "text/plain", StringComparison.OrdinalIgnoreCase))
        {
            text = Encoding.UTF8.GetString(body);
        }
        else
        {
            return type.MediaType ?? "";
        }

        // Redacted before it is cut: half a secret would not be found.
        return OneLine(endpoint.Redactor.Redact(text));
    }

    /// <summary>Whether a media type is JSON.</summary>
    public static bool IsJson(MediaTypeHeaderValue? type) => string.Equals(type?.MediaType, "application/json", StringComparison.OrdinalIgnoreCase)
        || (type?.MediaType?.EndsWith("+json", StringComparison.OrdinalIgnoreCase) ?? false);

    /// <summary>Whether a media type is an event stream.</summary>
    public static bool IsEventStream(MediaTypeHeaderValue? type) => string.Equals(type?.MediaType, "text/event-stream", StringComparison.OrdinalIgnoreCase);

    private static HttpFailure Outage(ForwardError error, string detail) => new(error, detail, true);

    private static string OneLine(string text)
    {
        var line = string.Create(Math.Min(text.Length, ExcerptCharactersMax), text, static (target, source) =>
        {
            for (var i = 0; i < target.Length; i++)
            {
                target[i] = char.IsControl(source[i]) ? ' ' : source[i];
            }
        });
        return line.Trim();
    }

    private static string Target(HttpResponseMessage response, HttpEndpoint endpoint)
    {
        // Without the query, which may hold keys.
        return response.Headers.Location is { } location && Uri.TryCreate(endpoint.Url, location, out var target)
            ? " to " + target.GetLeftPart(UriPartial.Path)
            : "";
    }

    private static Exception Root(Exception exception)
    {
        while (exception.InnerException is { } inner)
        {
            exception = inner;
        }

        return exception;
    }
}
