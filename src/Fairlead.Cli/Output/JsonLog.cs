using System.Collections.Frozen;
using System.Diagnostics;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Fairlead.Diagnostics;
using Fairlead.Security;
using Microsoft.Extensions.Logging;

namespace Fairlead.Cli.Output;

/// <summary>Turns log events into JSON objects, without secrets (docs/telemetry.md): <c>time</c>, <c>level</c>, <c>eventId</c>, <c>event</c>, <c>category</c>, <c>message</c>, then what the event is about.</summary>
/// <param name="redactor">Knows the secrets.</param>
/// <param name="time">The clock of the lines.</param>
internal sealed class JsonLog(SecretRedactor redactor, TimeProvider time)
{
    private const string OwnCategories = "Fairlead";
    private const string Template = "{OriginalFormat}";

    // Readable text: a line of a log is no part of a web page.
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The names of Fairlead's own events, which are those of their numbers' constants.</summary>
    public static FrozenDictionary<int, string> Names { get; } = typeof(EventIds).GetFields().Where(static field => field.IsLiteral)
        .ToFrozenDictionary(static field => (int)field.GetRawConstantValue()!, static field => field.Name);

    /// <summary>One event as one line.</summary>
    /// <param name="category">Which part of the program.</param>
    /// <param name="level">How bad.</param>
    /// <param name="id">Which event.</param>
    /// <param name="message">For people.</param>
    /// <param name="values">What the message was made of; null = not known.</param>
    /// <param name="exception">What happened; null = nothing was thrown.</param>
    public string Write(string category, LogLevel level, EventId id, string message, IReadOnlyList<KeyValuePair<string, object?>>? values, Exception? exception)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, s_options))
        {
            json.WriteStartObject();
            json.WriteString("time", time.GetUtcNow().UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
            json.WriteString("level", Word(level));
            if (id.Id != 0)
            {
                json.WriteNumber("eventId", id.Id);
            }

            if ((category.StartsWith(OwnCategories, StringComparison.Ordinal) ? Names.GetValueOrDefault(id.Id) : null) is { } known)
            {
                json.WriteString("event", known);
            }
            else if (id.Name is { } given)
            {
                json.WriteString("event", given);
            }

            json.WriteString("category", category);
            json.WriteString("message", redactor.Redact(message));
            if (Activity.Current is { IdFormat: ActivityIdFormat.W3C } span)
            {
                json.WriteString("traceId", span.TraceId.ToHexString());
                json.WriteString("spanId", span.SpanId.ToHexString());
            }

            WriteValues(json, values);
            if (exception is not null)
            {
                json.WriteString("exception", redactor.Redact(exception.ToString()));
            }

            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private void WriteValues(Utf8JsonWriter json, IReadOnlyList<KeyValuePair<string, object?>>? values)
    {
        if (values is null || values.All(static value => value.Key == Template))
        {
            return;
        }

        json.WriteStartObject("values");
        foreach (var (name, value) in values.Where(static value => value.Key != Template))
        {
            json.WritePropertyName(JsonNamingPolicy.CamelCase.ConvertName(name));
            switch (value)
            {
                case null:
                    json.WriteNullValue();
                    break;
                case bool flag:
                    json.WriteBooleanValue(flag);
                    break;
                case int or long or short or byte:
                    json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                    break;
                case double number when double.IsFinite(number):
                    json.WriteNumberValue(number);
                    break;
                case TimeSpan length:
                    json.WriteNumberValue(length.TotalSeconds);
                    break;
                default:
                    json.WriteStringValue(redactor.Redact(Convert.ToString(value, CultureInfo.InvariantCulture) ?? ""));
                    break;
            }
        }

        json.WriteEndObject();
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Critical => "critical",
        LogLevel.Error => "error",
        LogLevel.Warning => "warning",
        LogLevel.Information => "info",
        _ => "debug",
    };
}
