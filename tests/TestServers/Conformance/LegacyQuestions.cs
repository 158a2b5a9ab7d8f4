using System.Text.Json;
using System.Text.Json.Nodes;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.TestServers.Conformance;

/// <summary>
/// Turns the questions of a handler into requests to a legacy client and calls the handler again with the answers, as the SDK does by itself. The difference: the id of each
/// request is the key of its question and a number, so that whoever carries it into 2026-07-28 finds the name that the suite expects there.
/// </summary>
internal static class LegacyQuestions
{
    private const int RoundsMax = 10;

    private static long s_number;

    /// <summary>Runs a handler to its result. In the modern era its questions pass to the SDK.</summary>
    public static async ValueTask<TResult> RunAsync<TParams, TResult>(
        RequestContext<TParams> context, Func<RequestContext<TParams>, CancellationToken, ValueTask<TResult>> body, CancellationToken cancellationToken)
        where TParams : RequestParams
    {
        for (var round = 0; ; round++)
        {
            try
            {
                return await body(context, cancellationToken);
            }
            catch (InputRequiredException asked) when (context.Server.NegotiatedProtocolVersion != FixtureEra.Modern.Revision() && round < RoundsMax)
            {
                var answers = await Task.WhenAll((asked.Result.InputRequests ?? new Dictionary<string, InputRequest>()).Select(question => AskAsync(context.Server, question.Key, question.Value, cancellationToken)));
                context.Params.InputResponses = answers.ToDictionary(answer => answer.Key, answer => answer.Response);
                context.Params.RequestState = asked.Result.RequestState;
            }
        }
    }

    private static async Task<(string Key, InputResponse Response)> AskAsync(McpServer server, string key, InputRequest question, CancellationToken cancellationToken)
    {
        var id = $"{key}-{Interlocked.Increment(ref s_number)}";
        var request = new JsonRpcRequest { Id = new RequestId(id), Method = question.Method, Params = question.Params is { } parameters ? JsonNode.Parse(parameters.GetRawText()) : null };
        var response = await server.SendRequestAsync(request, cancellationToken);
        return (key, new InputResponse { RawValue = JsonSerializer.SerializeToElement(response.Result) });
    }
}
