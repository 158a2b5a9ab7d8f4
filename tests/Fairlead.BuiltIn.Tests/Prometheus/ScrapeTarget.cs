using System.Net;
using Fairlead.TestKit;

namespace Fairlead.BuiltIn.Tests.Prometheus;

/// <summary>What Prometheus scrapes and sends its alerts to: tells when it has done either.</summary>
internal sealed class ScrapeTarget : IAsyncDisposable
{
    private readonly LoopbackListener _listener;
    private readonly TaskCompletionSource _alerted = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Listens on a port.</summary>
    public ScrapeTarget(int port) => _listener = new LoopbackListener(port, AnswerAsync);

    /// <summary>Completes when an alert has been sent, after its group was evaluated up to it.</summary>
    public Task Alerted => _alerted.Task;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _listener.DisposeAsync();

    private async Task AnswerAsync(HttpListenerContext request)
    {
        if (request.Request.HttpMethod == "POST")
        {
            await request.Request.InputStream.CopyToAsync(Stream.Null);
            request.Response.Close();
            _alerted.TrySetResult();
            return;
        }

        request.Response.ContentType = "text/plain; version=0.0.4";
        request.Response.Close("# HELP answer What everybody asks for.\n# TYPE answer gauge\nanswer 42\n"u8.ToArray(), willBlock: false);
    }
}
