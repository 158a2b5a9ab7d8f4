using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>One question of an <c>input_required</c> result.</summary>
/// <param name="Key">The raw token of its key, with quotes.</param>
/// <param name="Method">What is asked; <see cref="McpMethod.Unknown"/> for anything that no client can be asked.</param>
/// <param name="Parameters">The raw params; empty when there are none.</param>
internal sealed record InputRequest(byte[] Key, McpMethod Method, byte[] Parameters);

/// <summary>An <c>input_required</c> result, read (MCP 2026-07-28, basic/utilities/mrtr).</summary>
/// <param name="Requests">The questions in the server's order; none when it only wants to be called again.</param>
/// <param name="RequestState">The raw token of <c>requestState</c>, to be echoed byte for byte; empty when there is none.</param>
internal sealed record InputRequired(IReadOnlyList<InputRequest> Requests, byte[] RequestState)
{
    /// <summary>Whether a complete exchange was answered so, by a server of a revision that has such results.</summary>
    public static bool IsIn(Exchange exchange)
    {
        ref readonly var envelope = ref exchange.AnswerEnvelope;
        return exchange.AnswerVersion.IsModern() && envelope.Kind == MessageKind.Result && envelope.ResultType.Exists && JsonText.Equals(envelope.ResultType.Of(exchange.Answer), "input_required"u8);
    }

    /// <summary>Reads the answer of an exchange for which <see cref="IsIn"/> is true.</summary>
    public static InputRequired Read(Exchange exchange)
    {
        var source = exchange.Answer;
        var result = exchange.AnswerEnvelope.Result;
        var requests = new List<InputRequest>();
        if (JsonMembers.TryFind(source, result, "inputRequests"u8, out var map) && source[map.Start] == (byte)'{')
        {
            foreach (var member in new JsonMembers(source, map))
            {
                requests.Add(ReadRequest(source, member));
            }
        }

        var state = JsonMembers.TryFind(source, result, "requestState"u8, out var token) && JsonText.IsString(token.Of(source)) ? token.Of(source).ToArray() : [];
        return new InputRequired(requests, state);
    }

    private static InputRequest ReadRequest(ReadOnlySpan<byte> source, JsonMember member)
    {
        var key = member.Name.Of(source).ToArray();
        if (source[member.Value.Start] != (byte)'{' || !JsonMembers.TryFind(source, member.Value, "method"u8, out var method) || !JsonText.IsString(method.Of(source)))
        {
            return new InputRequest(key, McpMethod.Unknown, []);
        }

        var parameters = JsonMembers.TryFind(source, member.Value, "params"u8, out var given) ? given.Of(source).ToArray() : [];
        return new InputRequest(key, McpMethods.Find(System.Text.Encoding.UTF8.GetBytes(JsonText.ToString(method.Of(source)) ?? "")), parameters);
    }
}
