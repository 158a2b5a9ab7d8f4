using System.Text.Json.Nodes;

namespace Fairlead.TestServers.Matrix;

/// <summary>A request ends with a JSON-RPC error.</summary>
internal sealed class RpcError(int code, string message, JsonObject? data = null) : Exception(message)
{
    /// <summary>The error's code.</summary>
    public int Code { get; } = code;

    /// <summary>The member <c>error</c> of the answer.</summary>
    public JsonObject ToJson()
    {
        var error = new JsonObject { ["code"] = Code, ["message"] = Message };
        if (data is not null)
        {
            error["data"] = data.DeepClone();
        }

        return error;
    }
}

/// <summary>A tool ends with a result that <c>isError</c>.</summary>
internal sealed class ToolFailure(string text) : Exception(text);
