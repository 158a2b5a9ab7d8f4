using Fairlead.Exchanges;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Mcp;

/// <summary>Checks <c>Mcp-Param-*</c> headers against the arguments, by the schema that this endpoint advertised (2026-07-28, basic/transports, custom headers).</summary>
internal static class ParameterHeaders
{
    /// <summary>What is wrong, or null.</summary>
    public static string? Refuse(IHeaderDictionary headers, McpHeaderParameter[] parameters, Exchange exchange)
    {
        var body = exchange.Request.Span;
        foreach (var parameter in parameters)
        {
            var name = "Mcp-Param-" + parameter.Name;
            var sent = headers.TryGetValue(name, out var value);
            var argument = Find(body, exchange.RequestEnvelope.Arguments, parameter.Path);
            var expected = argument.Exists && !argument.Of(body).SequenceEqual("null"u8);
            if (expected != sent)
            {
                return sent ? $"{name} is sent, but its argument is not." : $"{name} is missing although its argument is sent.";
            }

            if (expected && !HeaderValues.Matches(value.ToString(), argument.Of(body)))
            {
                return $"{name} differs from its argument.";
            }
        }

        return null;
    }

    private static ByteRange Find(ReadOnlySpan<byte> body, ByteRange place, string[] path)
    {
        foreach (var step in path)
        {
            if (!place.Exists || !JsonMembers.TryFind(body, place, System.Text.Encoding.UTF8.GetBytes(step), out place))
            {
                return default;
            }
        }

        return place;
    }
}
