using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.ServerSentEvents;
using System.Security.Authentication;
using System.Text.Json;
using Fairlead.Cli.Output;

namespace Fairlead.Cli.Running;

/// <summary>Talks to a running instance over its REST API, the only way that commands reach it. Errors are told on stderr here.</summary>
internal sealed class InstanceClient : IDisposable
{
    private static readonly TimeSpan s_connectTimeout = TimeSpan.FromSeconds(5);

    private readonly HttpClient _http;
    private readonly AdminToken _token;
    private readonly Action<string> _tell;
    private SslPolicyErrors _certificateErrors;

    private InstanceClient(Uri url, AdminToken token, InstanceFile? instance, Action<string> tell)
    {
        var handler = new SocketsHttpHandler { UseProxy = false, ConnectTimeout = s_connectTimeout, AllowAutoRedirect = false };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, errors) => (_certificateErrors = errors) == SslPolicyErrors.None;
        _http = new HttpClient(handler)
        {
            BaseAddress = url,
            Timeout = Timeout.InfiniteTimeSpan, // A tool may take as long as its server lets it.
        };
        _http.DefaultRequestHeaders.UserAgent.ParseAdd($"fairlead/{Program.Version}");
        _token = token;
        _tell = tell;
        Instance = instance;
    }

    /// <summary>Its address.</summary>
    public Uri Url => _http.BaseAddress!;

    /// <summary>The instance of the state folder; null when <c>--url</c> named another one.</summary>
    public InstanceFile? Instance { get; }

    /// <summary>Runs a command against the instance that the user means, and turns what can go wrong into an exit code and a sentence.</summary>
    public static async Task<int> RunAsync(InstanceTarget target, Func<InstanceClient, Task<int>> command)
    {
        using var client = Open(target, TellUser, out var problem);
        if (client is null)
        {
            return Fail(problem.ExitCode, problem.Reason);
        }

        try
        {
            return await command(client).ConfigureAwait(false);
        }
        catch (Exception exception) when (IsUnreachable(exception))
        {
            return Fail(ExitCodes.NotRunning, client.Describe(exception));
        }
    }

    /// <summary>Finds the instance that the user means. Nothing is sent.</summary>
    /// <param name="target">Which one.</param>
    /// <param name="tell">Gets what went wrong with a request, and that the instance is of another version.</param>
    /// <param name="problem">Why there is none; default when there is.</param>
    public static InstanceClient? Open(InstanceTarget target, Action<string> tell, out (int ExitCode, string Reason) problem)
    {
        problem = default;
        var folder = StateFolder.PathFor(target.State);
        InstanceFile? instance = null;
        if (target.Url is null)
        {
            instance = InstanceFile.Find(folder, out var remark);
            if (instance is null)
            {
                problem = (
                    ExitCodes.NotRunning,
                    $"no instance is running with the state folder {folder}{(remark is null ? "" : $" ({remark})")}. Start one with fairlead up, or name one with --url or --state.");
                return null;
            }
        }

        if (instance is not null && instance.Version != Program.Version)
        {
            var skew = $"the running instance (process {instance.Pid}) is Fairlead {instance.Version}, this is {Program.Version}";
            if (!instance.IsCompatible)
            {
                problem = (ExitCodes.Failed, $"{skew}, and they do not understand each other. Use that version, or end the process and start this one with fairlead up.");
                return null;
            }

            tell($"{skew}; going on, they understand each other. fairlead down and fairlead up make them the same.");
        }

        if (!Uri.TryCreate(target.Url ?? instance!.Url, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
        {
            problem = (ExitCodes.Usage, $"'{target.Url ?? instance!.Url}' is no http address. Give one like --url http://127.0.0.1:8080");
            return null;
        }

        return new InstanceClient(address, target.TokenFor(address, StateFolder.ReadToken(folder)), instance, tell);
    }

    /// <summary>Whether a request failed because nobody answers.</summary>
    public static bool IsUnreachable(Exception exception) =>
        exception is HttpRequestException or IOException || exception is OperationCanceledException { InnerException: TimeoutException };

    /// <summary>Why nobody answers, and what to do about it.</summary>
    private string Describe(Exception exception)
    {
        var authority = Url.GetLeftPart(UriPartial.Authority);
        return _certificateErrors switch
        {
            SslPolicyErrors.None when exception.InnerException is AuthenticationException => $"what answers at {authority} does not speak TLS as it should ({exception.InnerException.Message}). Is it an http address?",
            SslPolicyErrors.None => $"the instance at {Url} does not answer ({exception.Message}). Is it running? fairlead up starts one.",
            _ when _certificateErrors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) => $"the certificate of {authority} is for another name; nothing was sent. Give the address with the name that stands in it.",
            _ => $"the certificate of {authority} is not trusted; nothing was sent. If it is of a CA of your own, name the file with that CA's certificate in SSL_CERT_FILE (on Linux), or add it to those that the system trusts.",
        };
    }

    /// <summary>GETs a JSON document.</summary>
    /// <param name="path">Path and query, escaped.</param>
    /// <param name="asAdmin">Whether the route needs the admin token; it is sent with no other.</param>
    /// <param name="takesUnavailable">Whether 503 with a document that is no problem is an answer, as that of a health probe.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The document, or the exit code after the problem was told.</returns>
    public Task<(JsonElement Document, int ExitCode)> GetAsync(string path, bool asAdmin = false, bool takesUnavailable = false, CancellationToken cancellationToken = default) =>
        SendAsync(HttpMethod.Get, path, null, asAdmin, takesUnavailable, cancellationToken);

    /// <summary>POSTs a JSON text.</summary>
    /// <inheritdoc cref="GetAsync"/>
    /// <param name="path">Path and query, escaped.</param>
    /// <param name="json">The body.</param>
    /// <param name="asAdmin">Whether the route needs the admin token; it is sent with no other.</param>
    public Task<(JsonElement Document, int ExitCode)> PostAsync(string path, string json, bool asAdmin = false) => SendAsync(HttpMethod.Post, path, json, asAdmin);

    /// <summary>PUTs a JSON text.</summary>
    /// <inheritdoc cref="GetAsync"/>
    public Task<(JsonElement Document, int ExitCode)> PutAsync(string path, string json, bool asAdmin = false) => SendAsync(HttpMethod.Put, path, json, asAdmin);

    /// <summary>DELETEs what is at a path.</summary>
    /// <inheritdoc cref="GetAsync"/>
    public Task<(JsonElement Document, int ExitCode)> DeleteAsync(string path, bool asAdmin = false) => SendAsync(HttpMethod.Delete, path, null, asAdmin);

    /// <summary>Reads an event stream until it ends or is cancelled.</summary>
    /// <param name="path">Path and query, escaped.</param>
    /// <param name="asAdmin">Whether the route needs the admin token; it is sent with no other.</param>
    /// <param name="told">Told of each event, in order: its id and its object.</param>
    /// <param name="cancellationToken">Ends it; it then returns as if the stream had ended.</param>
    /// <param name="opened">Told once the stream is there: what happens from then on is in it. Null = nobody.</param>
    /// <returns>The exit code; the problem was told when there was one.</returns>
    public async Task<int> FollowAsync(string path, bool asAdmin, Action<string, JsonElement> told, CancellationToken cancellationToken, Action? opened = null)
    {
        if (asAdmin && _token.Problem is { } problem)
        {
            return Fail(ExitCodes.Usage, problem, _tell);
        }

        try
        {
            using var request = Request(HttpMethod.Get, path, asAdmin);
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                return (await ReadAsync(response, takesUnavailable: false).ConfigureAwait(false)).ExitCode;
            }

            opened?.Invoke();
            var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            await using (body.ConfigureAwait(false))
            {
                await foreach (var one in SseParser.Create(body).EnumerateAsync(cancellationToken).ConfigureAwait(false))
                {
                    using var document = JsonDocument.Parse(one.Data);
                    told(one.EventId ?? "", document.RootElement);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Whoever follows has seen enough.
        }

        return ExitCodes.Ok;
    }

    /// <summary>Whether the instance still answers.</summary>
    public async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _http.GetAsync(new Uri("/health", UriKind.Relative), cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    /// <summary>Says on stderr what was wrong.</summary>
    /// <returns>The code given.</returns>
    public static int Fail(int exitCode, string reason) => Fail(exitCode, reason, TellUser);

    private static int Fail(int exitCode, string reason, Action<string> tell)
    {
        tell(reason);
        return exitCode;
    }

    private static void TellUser(string reason) => Terminal.Current.Error("fairlead: " + CellText.Clean(reason));

    private HttpRequestMessage Request(HttpMethod method, string path, bool asAdmin)
    {
        var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        if (asAdmin && _token.Text is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _token.Text);
        }

        return request;
    }

    private async Task<(JsonElement Document, int ExitCode)> SendAsync(HttpMethod method, string path, string? json, bool asAdmin, bool takesUnavailable = false, CancellationToken cancellationToken = default)
    {
        if (asAdmin && _token.Problem is { } problem)
        {
            return (default, Fail(ExitCodes.Usage, problem, _tell));
        }

        using var request = Request(method, path, asAdmin);
        if (json is not null)
        {
            request.Content = new StringContent(json, System.Text.Encoding.UTF8, "application/json");
        }

        using var response = await _http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        return await ReadAsync(response, takesUnavailable).ConfigureAwait(false);
    }

    private async Task<(JsonElement Document, int ExitCode)> ReadAsync(HttpResponseMessage response, bool takesUnavailable)
    {
        JsonElement document;
        if (response.StatusCode == HttpStatusCode.NoContent)
        {
            return (default, ExitCodes.Ok);
        }

        try
        {
            document = await response.Content.ReadFromJsonAsync<JsonElement>().ConfigureAwait(false);
        }
        catch (JsonException)
        {
            return (default, Fail(ExitCodes.NotRunning, $"what listens there answered {(int)response.StatusCode} without JSON. Is it another program?", _tell));
        }

        var isAnswer = takesUnavailable && response.StatusCode == HttpStatusCode.ServiceUnavailable && response.Content.Headers.ContentType?.MediaType == "application/json";
        if (response.IsSuccessStatusCode || isAnswer)
        {
            return (document, ExitCodes.Ok);
        }

        var detail = document.ValueKind == JsonValueKind.Object && document.TryGetProperty("detail", out var text) ? text.ToString() : $"the instance answered {(int)response.StatusCode}";
        if (response.StatusCode == HttpStatusCode.Unauthorized && _token.Text is null)
        {
            detail += $" No token was sent: give that of this instance in a file with --token-file, or in {InstanceOptions.TokenVariable}.";
        }

        return (document, Fail(response.StatusCode == HttpStatusCode.NotFound ? ExitCodes.NotFound : ExitCodes.Failed, detail, _tell));
    }
}
