using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Fairlead.Security;

namespace Fairlead.Configuration;

/// <summary>Shows options the way the user would write them in our own format, with REDACTED in the place of every secret.</summary>
public static class ConfigurationView
{
    private static readonly JsonWriterOptions s_writing = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NewLine = "\n" };

    /// <summary>The options as JSON.</summary>
    /// <param name="options">The whole configuration.</param>
    /// <param name="redactor">Knows the secrets of the load; it cleans texts whose keys do not tell that they hold one.</param>
    /// <param name="withDefaults">False = only what differs from the defaults.</param>
    public static string Show(FairleadOptions options, SecretRedactor redactor, bool withDefaults = false)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(redactor);
        return Write(json =>
        {
            json.WriteStartObject();
            WriteKeys(json, options, new FairleadOptions(), new Masking(redactor, null), "", withDefaults);
            json.WriteStartObject("servers");
            foreach (ServerConfig server in options.Servers)
            {
                json.WritePropertyName(server.Name);
                WriteServer(json, server, redactor, withDefaults);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    /// <summary>One server as JSON.</summary>
    public static string Show(ServerConfig server, SecretRedactor redactor, bool withDefaults = false)
    {
        ArgumentNullException.ThrowIfNull(server);
        ArgumentNullException.ThrowIfNull(redactor);
        return Write(json => WriteServer(json, server, redactor, withDefaults));
    }

    private static string Write(Action<Utf8JsonWriter> content)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, s_writing))
        {
            content(json);
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private static void WriteServer(Utf8JsonWriter json, ServerConfig server, SecretRedactor redactor, bool withDefaults)
    {
        json.WriteStartObject();
        var defaults = new ServerConfig { Name = server.Name };
        WriteKeys(json, server, defaults, new Masking(redactor, server), "", withDefaults);
        json.WriteEndObject();
    }

    private static void WriteKeys(Utf8JsonWriter json, object options, object defaults, Masking masking, string path, bool withDefaults)
    {
        foreach (OptionKey key in OptionsShape.Keys(options.GetType()))
        {
            object? value = key.Get(options);
            // The name of a server is the key of its object, and the manager's time-out is shown once, among the limits.
            bool isElsewhere = key.Property.Name is nameof(ServerConfig.Name) or nameof(FairleadOptions.ConnectionTimeout) && path.Length == 0;
            if (value is null || isElsewhere || (!withDefaults && IsDefault(key, value, key.Get(defaults))))
            {
                continue;
            }

            json.WritePropertyName(key.Name);
            string below = ConfigNode.PathOf(path, key.Name);
            if (key.IsSection)
            {
                json.WriteStartObject();
                WriteKeys(json, value, Activator.CreateInstance(key.Type)!, masking, below, withDefaults);
                json.WriteEndObject();
            }
            else
            {
                WriteValue(json, value, key, masking, below, withDefaults);
            }
        }
    }

    private static void WriteValue(Utf8JsonWriter json, object value, OptionKey key, Masking masking, string path, bool withDefaults)
    {
        switch (value)
        {
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case int number:
                json.WriteNumberValue(number);
                break;
            case long number:
                json.WriteNumberValue(number);
                break;
            case double number:
                json.WriteNumberValue(number);
                break;
            case IList<string> texts:
                json.WriteStartArray();
                for (int i = 0; i < texts.Count; i++)
                {
                    json.WriteStringValue(masking.Text($"{path}[{i}]", texts[i], isSecret: masking.IsSecretArgument(key, i)));
                }

                json.WriteEndArray();
                break;
            case IDictionary<string, string> map:
                json.WriteStartObject();
                foreach ((string name, string text) in map)
                {
                    bool isSecret = key.Attribute.Secret ? !SecretNames.IsOpenHeader(name) : SecretNames.IsSecret(name) && key.Name == "env";
                    json.WriteString(name, masking.Text(ConfigNode.PathOf(path, name), text, isSecret));
                }

                json.WriteEndObject();
                break;
            case System.Collections.IDictionary map when key.MapOf is { } valueType:
                json.WriteStartObject();
                foreach (System.Collections.DictionaryEntry entry in map)
                {
                    json.WriteStartObject((string)entry.Key);
                    WriteKeys(json, entry.Value!, Activator.CreateInstance(valueType)!, masking, ConfigNode.PathOf(path, (string)entry.Key), withDefaults);
                    json.WriteEndObject();
                }

                json.WriteEndObject();
                break;
            case Uri url:
                json.WriteStringValue(masking.Url(path, url));
                break;
            default:
                json.WriteStringValue(masking.Text(path, OptionRules.Show(value), key.Attribute.Secret));
                break;
        }
    }

    private static bool IsDefault(OptionKey key, object value, object? byDefault) => value switch
    {
        IList<string> texts => texts.Count == 0,
        System.Collections.IDictionary map => map.Count == 0,
        _ when key.IsSection => byDefault is not null && OptionsShape.Keys(key.Type).All(inner => inner.Get(value) is not { } own || IsDefault(inner, own, inner.Get(byDefault))),
        _ => value.Equals(byDefault),
    };

    /// <summary>Decides what of a value is shown. A reference without a value, such as <c>${TOKEN}</c>, is always shown: it holds nothing.</summary>
    private sealed class Masking(SecretRedactor redactor, ServerConfig? server)
    {
        private readonly HashSet<int> _arguments = server is null ? [] : [.. SecretTexts.OfArguments(server.Arguments).Select(static found => found.Index)];

        public bool IsSecretArgument(OptionKey key, int index) => key.Name == "args" && key.Property.DeclaringType == typeof(ServerConfig) && _arguments.Contains(index);

        public string Text(string path, string text, bool isSecret) =>
            (isSecret || server?.SecretPaths.Contains(path) == true) && text.Length > 0 && !IsBareReference(text) ? SecretRedactor.Mask : redactor.Redact(text);

        public string Url(string path, Uri url) => server?.SecretPaths.Contains(path) == true ? SecretRedactor.Mask
            : redactor.Redact(SecretTexts.OfUrl(url).Any() ? SecretTexts.MaskUrl(url.OriginalString) : url.OriginalString);

        private bool IsBareReference(string text) => text.StartsWith("${", StringComparison.Ordinal) && text.IndexOf('}', StringComparison.Ordinal) == text.Length - 1
            && server?.IsMissingAuth == true;
    }
}
