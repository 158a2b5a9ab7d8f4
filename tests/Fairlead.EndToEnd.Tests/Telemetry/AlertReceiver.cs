using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Telemetry;

/// <summary>Takes the alerts that a Prometheus sends, in the place of an Alertmanager.</summary>
internal sealed class AlertReceiver : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<JsonElement>> _alerts = new(StringComparer.Ordinal);
    private readonly Task _loop;

    /// <summary>Listens on a port.</summary>
    public AlertReceiver(int port)
    {
        _listener.Prefixes.Add($"http://127.0.0.1:{port}/");
        _listener.Start();
        _loop = Task.Run(ServeAsync);
    }

    /// <summary>The first alert of a name: past or future.</summary>
    public Task<JsonElement> AlertAsync(string name) => Guard.WithinAsync(Of(name).Task, $"the alert {name}; Prometheus has sent {string.Join(", ", _alerts.Where(static one => one.Value.Task.IsCompleted).Select(static one => one.Key))}");

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _loop;
        _listener.Close();
    }

    private TaskCompletionSource<JsonElement> Of(string name) => _alerts.GetOrAdd(name, static _ => new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously));

    private async Task ServeAsync()
    {
        while (true)
        {
            HttpListenerContext request;
            try
            {
                request = await _listener.GetContextAsync();
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
            {
                return; // Stopped.
            }

            using var alerts = await JsonDocument.ParseAsync(request.Request.InputStream);
            request.Response.Close();
            foreach (var alert in alerts.RootElement.EnumerateArray())
            {
                Of(alert.GetProperty("labels").GetProperty("alertname").GetString()!).TrySetResult(alert.Clone());
            }
        }
    }
}
