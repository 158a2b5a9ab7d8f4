using System.Runtime.CompilerServices;
using Fairlead.AspNetCore.Admin;
using Fairlead.Configuration;
using Fairlead.Telemetry;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Fairlead.Cli.Running;

/// <summary>Sends traces and metrics by OTLP, while it lives. The libraries that do it are loaded only when it is on.</summary>
internal sealed class OtlpExport : IDisposable
{
    private const string EndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string ProtocolVariable = "OTEL_EXPORTER_OTLP_PROTOCOL";

    private readonly IDisposable _offer;
    private readonly TracerProvider? _traces;
    private readonly MeterProvider? _metrics;

    private OtlpExport(IDisposable offer, TracerProvider? traces, MeterProvider? metrics) => (_offer, _traces, _metrics) = (offer, traces, metrics);

    /// <summary>Begins, when the configuration or the standard variables say where to.</summary>
    /// <param name="options">The configuration.</param>
    /// <param name="families">The counters and gauges that are sent.</param>
    /// <returns>Null when neither names an endpoint.</returns>
    public static IDisposable? Begin(FairleadOptions options, IEnumerable<MetricFamily> families) =>
        EndpointOf(options, Environment.GetEnvironmentVariable) is { } endpoint ? BeginAt(endpoint, families) : null;

    /// <summary>Where to send to; null = nowhere.</summary>
    /// <param name="options">The configuration, which goes before the variables.</param>
    /// <param name="variable">Reads a variable of the process.</param>
    public static Uri? EndpointOf(FairleadOptions options, Func<string, string?> variable) =>
        options.Telemetry.Otlp ?? (Uri.TryCreate(variable(EndpointVariable), UriKind.Absolute, out var endpoint) ? endpoint : null);

    /// <inheritdoc/>
    public void Dispose()
    {
        // What has been counted last is sent by the end of the provider: before the instruments are gone.
        _traces?.Dispose();
        _metrics?.Dispose();
        _offer.Dispose();
    }

    // Not inlined: the libraries are loaded when this method is compiled.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static OtlpExport BeginAt(Uri endpoint, IEnumerable<MetricFamily> families)
    {
        var isGrpc = Environment.GetEnvironmentVariable(ProtocolVariable) == "grpc";
        var offer = OperationInstruments.Offer(families);
        var traces = Sdk.CreateTracerProviderBuilder().ConfigureResource(Describe).AddSource(Tracing.SourceName).AddOtlpExporter(exporter => Aim(exporter, "v1/traces")).Build();
        var metrics = Sdk.CreateMeterProviderBuilder().ConfigureResource(Describe).AddMeter(Tracing.SourceName).AddOtlpExporter(exporter => Aim(exporter, "v1/metrics")).Build();
        return new OtlpExport(offer, traces, metrics);

        // The default of the specification is HTTP with protobuf, under a path for each signal.
        void Aim(OtlpExporterOptions exporter, string path)
        {
            exporter.Protocol = isGrpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
            exporter.Endpoint = isGrpc ? endpoint : new Uri(endpoint.AbsoluteUri.TrimEnd('/') + "/" + path);
        }
    }

    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES go before this.
    private static void Describe(ResourceBuilder resource) => resource.Clear()
        .AddService("fairlead", serviceVersion: Tracing.Version, serviceInstanceId: Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture))
        .AddTelemetrySdk().AddEnvironmentVariableDetector();
}
