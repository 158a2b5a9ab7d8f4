using System.Text.Json;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>What a <c>completion/complete</c> refers to.</summary>
/// <param name="Place">The string token of <c>ref.name</c> or <c>ref.uri</c> in the message; absent when there is none.</param>
/// <param name="IsPrompt">Whether it is a <c>ref/prompt</c>; else a <c>ref/resource</c>.</param>
internal readonly record struct CompletionReference(ByteRange Place, bool IsPrompt)
{
    /// <summary>Finds the reference in <c>params</c>. The message has been scanned, so it is JSON.</summary>
    public static CompletionReference Find(ReadOnlySpan<byte> message, ByteRange parameters)
    {
        var reader = new Utf8JsonReader(parameters.Of(message));
        ByteRange name = default;
        ByteRange uri = default;
        var inReference = false;
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.PropertyName when reader.CurrentDepth == 1:
                    inReference = reader.ValueTextEquals("ref"u8);
                    break;
                case JsonTokenType.PropertyName when reader.CurrentDepth == 2 && inReference:
                    var isName = reader.ValueTextEquals("name"u8);
                    var isUri = reader.ValueTextEquals("uri"u8);
                    reader.Read();
                    if (reader.TokenType == JsonTokenType.String)
                    {
                        var place = new ByteRange(parameters.Start + (int)reader.TokenStartIndex, (int)(reader.BytesConsumed - reader.TokenStartIndex));
                        name = isName ? place : name;
                        uri = isUri ? place : uri;
                    }

                    reader.TrySkip();
                    break;
                default:
                    break;
            }
        }

        // ref/prompt has a name and ref/resource a uri in every revision; the type itself is left for the server to check.
        return name.Exists ? new CompletionReference(name, true) : new CompletionReference(uri, false);
    }
}
