using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Telemetry;

/// <summary>Takes the alerts that a Prometheus sends, in the place of an Alertmanager.</summary>
internal sealed class AlertReceiver : IAsyncDisposable
{
    private readonly LoopbackListener _listener;
    private readonly ConcurrentDictionary<string, TaskCompletionSource<JsonElement>> _alerts = new(StringComparer.Ordinal);

    /// <summary>Listens on a port.</summary>
    public AlertReceiver(int port) => _listener = new LoopbackListener(port, AnswerAsync);

    /// <summary>The first alert of a name: past or future.</summary>
    public Task<JsonElement> AlertAsync(string name) => Guard.WithinAsync(Of(name).Task, $"the alert {name}; Prometheus has sent {string.Join(", ", _alerts.Where(static one => one.Value.Task.IsCompleted).Select(static one => one.Key))}");

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _listener.DisposeAsync();

    private TaskCompletionSource<JsonElement> Of(string name) => _alerts.GetOrAdd(name, static _ => new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously));

    private async Task AnswerAsync(HttpListenerContext request)
    {
        using var alerts = await JsonDocument.ParseAsync(request.Request.InputStream);
        request.Response.Close();
        foreach (var alert in alerts.RootElement.EnumerateArray())
        {
            Of(alert.GetProperty("labels").GetProperty("alertname").GetString()!).TrySetResult(alert.Clone());
        }
    }
}
