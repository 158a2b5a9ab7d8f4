using System.Buffers;
using System.IO.Compression;
using Fairlead.AspNetCore.Auth;
using Fairlead.AspNetCore.Mcp;
using Fairlead.Telemetry;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Admin;

/// <summary><c>/metrics</c>: all counts of this process for Prometheus, read at the moment of the request.</summary>
internal sealed class MetricsPage(McpManager manager, McpFront front)
{
    private const string PrometheusType = "text/plain; version=0.0.4; charset=utf-8";
    private const string OpenMetricsType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// <summary>All families, in the order of the page.</summary>
    public IReadOnlyList<MetricFamily> Families { get; } = [.. ServerFamilies.Of(manager.Fleet), .. FrontFamilies.Of(front), .. ProcessFamilies.Of(manager)];

    /// <summary>Maps its route.</summary>
    public void Map(RestRoutes rest) => rest.Get("/metrics", RouteAccess.Open, WriteAsync);

    /// <summary>The whole page.</summary>
    public ReadOnlyMemory<byte> Write(MetricsFormat format)
    {
        var page = new ArrayBufferWriter<byte>(64 * 1024);
        var text = new MetricsText(page, format);
        foreach (var family in Families)
        {
            family.Write(text);
        }

        text.End();
        return page.WrittenMemory;
    }

    private async Task WriteAsync(HttpContext context)
    {
        var format = WantsOpenMetrics(context.Request) ? MetricsFormat.OpenMetrics : MetricsFormat.Prometheus;
        var page = Write(format);
        var response = context.Response;
        response.ContentType = format == MetricsFormat.OpenMetrics ? OpenMetricsType : PrometheusType;
        response.Headers.Vary = "Accept, Accept-Encoding";
        response.Headers.CacheControl = "no-store";
        if (!WantsGzip(context.Request))
        {
            response.ContentLength = page.Length;
            await response.BodyWriter.WriteAsync(page, context.RequestAborted).ConfigureAwait(false);
            return;
        }

        response.Headers.ContentEncoding = "gzip";
        var zip = new GZipStream(response.Body, CompressionLevel.Fastest, leaveOpen: true);
        await using (zip.ConfigureAwait(false))
        {
            await zip.WriteAsync(page, context.RequestAborted).ConfigureAwait(false);
        }
    }

    // Prometheus names what it prefers first, and both; whoever names only text/plain, or nothing, gets the older one.
    private static bool WantsOpenMetrics(HttpRequest request) =>
        request.GetTypedHeaders().Accept.Any(static type => type.MediaType.Equals("application/openmetrics-text", StringComparison.OrdinalIgnoreCase) && type.Quality is not 0);

    private static bool WantsGzip(HttpRequest request) =>
        request.GetTypedHeaders().AcceptEncoding.Any(static coding => coding.Value.Equals("gzip", StringComparison.OrdinalIgnoreCase) && coding.Quality is not 0);
}
