namespace Fairlead.Configuration;

/// <summary>How log events are written.</summary>
public enum LogFormat
{
    /// <summary>A line for people.</summary>
    Text,

    /// <summary>A JSON object on a line, for programs.</summary>
    Json,
}

/// <summary>What Fairlead tells of itself, beside /metrics, which is always there.</summary>
public sealed class TelemetryOptions
{
    /// <summary>Where traces and metrics are sent by OTLP, such as http://127.0.0.1:4318. The variables OTEL_* say the rest; without this, OTEL_EXPORTER_OTLP_ENDPOINT. Neither: nothing is traced.</summary>
    [ConfigKey("otlp", DefaultText = "none")]
    public Uri? Otlp { get; set; }

    /// <summary>How log events are written to stderr.</summary>
    [ConfigKey("logFormat")]
    public LogFormat LogFormat { get; set; } = LogFormat.Text;
}
