using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using ModelContextProtocol;

namespace Fairlead.BuiltIn.Docker;

/// <summary>Speaks the Docker Engine API (version 1.41, which Docker since 20.10 and podman since 3 have) over a unix socket or TCP. Any thread.</summary>
internal sealed class DockerEngine : IDisposable
{
    /// <summary>Longest answer that is read whole, in bytes.</summary>
    public const int AnswerBytesMax = 8 * 1024 * 1024;

    private const string Version = "v1.41/";

    /// <summary>How long an ordinary request may take.</summary>
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private readonly HttpClient _http;

    /// <summary>Connects when it is first used.</summary>
    public DockerEngine(DockerAddress address)
    {
        Address = address;
        var handler = new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false, UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(5) };
        if (address.Tcp is null)
        {
            handler.ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(address.Socket), cancellationToken).ConfigureAwait(false);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            };
        }

        _http = new HttpClient(handler) { BaseAddress = address.Tcp ?? new Uri("http://docker/"), Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Where the engine is.</summary>
    public DockerAddress Address { get; }

    /// <summary>Whether an exception of these methods says that the engine does not know what was asked for.</summary>
    /// <remarks>Podman answers 500 where a container is removed while it looks; what it says is the same.</remarks>
    public static bool IsUnknown(McpException exception) => exception.InnerException is HttpRequestException { StatusCode: HttpStatusCode.NotFound }
        || (exception.InnerException is HttpRequestException { StatusCode: HttpStatusCode.InternalServerError }
            && (exception.Message.Contains("no such container", StringComparison.Ordinal) || exception.Message.Contains("no such exec session", StringComparison.Ordinal)));

    /// <summary>GETs a JSON answer.</summary>
    /// <exception cref="McpException">The engine does not answer or refuses; the message is the engine's own.</exception>
    public Task<JsonElement> GetAsync(string path, CancellationToken cancellationToken) => JsonAsync(HttpMethod.Get, path, null, cancellationToken);

    /// <summary>POSTs and reads a JSON answer; Undefined when there is none.</summary>
    /// <exception cref="McpException">As <see cref="GetAsync"/>.</exception>
    public Task<JsonElement> PostAsync(string path, object? body, CancellationToken cancellationToken) =>
        JsonAsync(HttpMethod.Post, path, body is null ? null : JsonContent.Create(body, options: JsonSerializerOptions.Default), cancellationToken);

    /// <summary>DELETEs.</summary>
    /// <exception cref="McpException">As <see cref="GetAsync"/>.</exception>
    public Task<JsonElement> DeleteAsync(string path, CancellationToken cancellationToken) => JsonAsync(HttpMethod.Delete, path, null, cancellationToken);

    /// <summary>Sends a request whose answer is a stream. The caller disposes the response; no time-out but the caller's.</summary>
    /// <exception cref="McpException">As <see cref="GetAsync"/>.</exception>
    public async Task<HttpResponseMessage> StreamAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, Version + path) { Content = content };
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        }
        catch (HttpRequestException exception)
        {
            throw new McpException(Address.Advice(exception.InnerException?.Message ?? exception.Message));
        }

        if (response.IsSuccessStatusCode || response.StatusCode is HttpStatusCode.SwitchingProtocols or HttpStatusCode.NotModified)
        {
            return response;
        }

        using (response)
        {
            throw new McpException(
                $"The engine refuses: {await MessageAsync(response, cancellationToken).ConfigureAwait(false)}", new HttpRequestException(null, null, response.StatusCode));
        }
    }

    /// <summary>Reads a stream up to a bound.</summary>
    /// <returns>What was read, and whether there was more.</returns>
    public static async Task<(byte[] Bytes, bool IsTruncated)> ReadAsync(Stream stream, int bytesMax, CancellationToken cancellationToken)
    {
        var kept = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is > 0 and var read)
        {
            if (kept.Length + read > bytesMax)
            {
                kept.Write(buffer, 0, bytesMax - (int)kept.Length);
                return (kept.ToArray(), true);
            }

            kept.Write(buffer, 0, read);
        }

        return (kept.ToArray(), false);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<JsonElement> JsonAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(s_limit, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using var response = await StreamAsync(method, path, content, either.Token).ConfigureAwait(false);
            var (bytes, isTruncated) = await ReadAsync(await response.Content.ReadAsStreamAsync(either.Token).ConfigureAwait(false), AnswerBytesMax, either.Token).ConfigureAwait(false);
            return isTruncated ? throw new McpException($"The engine's answer is longer than {AnswerBytesMax} bytes.") : bytes.Length == 0 ? default : JsonElement.Parse(bytes);
        }
        catch (JsonException)
        {
            throw new McpException($"What answers at {Address} is no Docker engine: its answer is no JSON.");
        }
        catch (IOException exception)
        {
            throw new McpException(Address.Advice(exception.Message));
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new McpException($"The engine at {Address} did not answer within {s_limit.TotalSeconds:0} s.");
        }
    }

    private static async Task<string> MessageAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var (bytes, _) = await ReadAsync(await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false), 64 * 1024, cancellationToken).ConfigureAwait(false);
        try
        {
            return JsonElement.Parse(bytes).GetProperty("message").GetString()!;
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return $"HTTP {(int)response.StatusCode}"; // Something in between answered.
        }
    }
}
