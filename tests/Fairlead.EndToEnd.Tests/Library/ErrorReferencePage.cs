using System.Text;
using Fairlead.AspNetCore.Admin;
using Fairlead.Cli;
using Fairlead.Exchanges;
using Fairlead.Upstreams;
using Microsoft.AspNetCore.Http;

namespace Fairlead.EndToEnd.Tests.Library;

/// <summary>docs/reference/errors.md: the words of the API with what they are in .NET, HTTP, JSON-RPC and the shell, from the tables that the program itself uses.</summary>
internal static class ErrorReferencePage
{
    /// <summary>By the word: what it means, what to do.</summary>
    private static readonly Dictionary<string, (string Meaning, string Remedy)> s_words = new(StringComparer.Ordinal)
    {
        ["AlreadyExists"] = ("A server of this name is deployed already.", "Undeploy it, update it, or choose another name."),
        ["CircuitOpen"] = ("The server, or the tool, failed too often lately and is not asked for a while.", "Try again after `RetryAfter`; look at the server's state and log for the cause."),
        ["ConnectionFailed"] = ("The server could not be reached, or was lost while it worked; the call may have had its effect.", "Look at the state and its reason (`fairlead ps`). Repeat only calls that may run twice."),
        ["DeploymentFailed"] = ("The server is part of the fleet but could not be brought into service.", "Mend what the reason names; it is tried again by itself."),
        ["FaultNotFound"] = ("No fault of this id is active.", "`fairlead fault list` shows those that are."),
        ["FaultRefused"] = ("A fault cannot be injected now.", "Do what the message says: switch fault injection on, or clear another fault."),
        ["Forbidden"] = ("The caller is known but may not do this.", "Use the admin token of the state folder."),
        ["HealthCheckFailed"] = ("The server did not prove that it is healthy.", "Look at `fairlead health SERVER`."),
        ["InvalidConfiguration"] = ("The configuration breaks a rule.", "The message names key, value, rule and fix, for every error."),
        ["OwnedElsewhere"] = ("The server belongs to the configuration file, or to a program that deployed it.", "Change it at the place that the message names."),
        ["PreconditionFailed"] = ("Somebody else changed the server meanwhile.", "Read it again and decide anew."),
        ["ResourceExhausted"] = ("A bound was reached; the message names it and its key.", "Ask for less or later, or raise the bound."),
        ["RuntimeShutdown"] = ("Fairlead is stopping or has stopped.", "Start it again; a program makes another manager."),
        ["ServerNotFound"] = ("No server has this id.", "Use the nearest name, which the message says, or look at `fairlead ps`."),
        ["Timeout"] = ("The server did not answer in time; it may still have acted on the call.", "Raise the server's `timeoutMs`, or let long calls report progress."),
        ["ToolFailed"] = ("The tool ran and said that it failed, or the server refused the call.", "Read its text; the same arguments most likely fail again."),
        ["ToolNotFound"] = ("The server has no tool of this name, or does not show it.", "`fairlead tools SERVER` lists them."),
        ["Unauthenticated"] = ("Credentials are missing or refused: the caller's, or Fairlead's own at the server.", "The message says which; set the variable, or mend `auth` or `headers` of the server."),
    };

    public static async Task<string> WriteAsync()
    {
        var page = new StringBuilder();
        page.Append("""
            # Errors

            Generated from the program (`FAIRLEAD_UPDATE_DOCS=1 ./test --filter ReferencePages`). One word means the same everywhere: the exception in .NET and [Python](../python.md), `title` of a problem over [HTTP](../rest.md#errors), `error` of a call in
            [events](../rest.md#events), `data.error` of an MCP error, and what stands before the text at the [dashboard](../dashboard.md). Messages say what was wrong and how to mend it, and hold no secrets.

            ## Words

            All .NET classes derive from `McpException`. "Again" says whether the same request can succeed later without anything being changed. Commands of `fairlead` end with the exit code when a running instance answers with the word; what the codes mean
            stands in [Commands](cli.md#exit-codes).

            | word | .NET class | HTTP | exit code | again | meaning | what to do |
            |---|---|---|---|---|---|---|

            """);
        var classes = typeof(McpException).Assembly.GetTypes().Where(static type => type.IsSubclassOf(typeof(McpException)) && !type.IsAbstract);
        var errors = classes.Select(static type => (McpException)Activator.CreateInstance(type, "", null)!).OrderBy(static error => error.Word, StringComparer.Ordinal).ToList();
        Assert.Equal(s_words.Keys.Order(StringComparer.Ordinal), errors.Select(static error => error.Word));
        foreach (var error in errors)
        {
            // As the API itself answers, on a request without a connection.
            var context = new DefaultHttpContext();
            await Problems.WriteAsync(context, error);
            var status = context.Response.StatusCode;
            var (meaning, remedy) = s_words[error.Word];
            page.Append($"| {error.Word} | `{error.GetType().Name}` | {status} | {(status == 404 ? ExitCodes.NotFound : ExitCodes.Failed)} | {(error.IsTransient ? "yes" : "no")} | {meaning} | {remedy} |\n");
        }

        page.Append($"""

            `Unauthenticated` over HTTP is 401 where the caller's own token is missing or wrong, and as in the table where a server refused Fairlead's.
            A tool that answers with `isError` is no error of the API: its result is given as it is, HTTP 200; `ExecuteToolAsync` throws `ToolFailed` for it, and `fairlead call` ends with {ExitCodes.ToolError}.

            ## What MCP clients see

            A call that could not be forwarded or answered is the JSON-RPC error {ForwardErrors.JsonRpcCode} with one of these messages; a detail may follow after a colon. Its `data` holds `server`, `error` (the word) and `reason` (the tag). The tag is `status` of `mcp_requests_total` and `error.type` in [metrics](metrics.md) and [traces](../telemetry.md), where several tags
            may mean one word. JSON-RPC errors of a server pass as they are: ToolFailed, with the tag `error`. A tool that nobody has is -32602 with `data.error` ToolNotFound, and counted nowhere.

            | tag | word | message |
            |---|---|---|

            """);
        foreach (var error in Enum.GetValues<ForwardError>().Where(static error => error is not (ForwardError.None or ForwardError.ClientCancelled)))
        {
            page.Append($"| `{ForwardErrors.Tag(error)}` | {CallFailures.From(error, "NAME", null).Word} | {ForwardErrors.Message(error, "NAME", null)} |\n");
        }

        return page.ToString();
    }
}
